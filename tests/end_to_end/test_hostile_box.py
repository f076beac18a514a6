"""A box that does what it likes beside one that does as it should: a real broker and a real sink between them."""

import msgpack
import pytest
from paho.mqtt import client as paho
from processes import free_port, make_office, mosquitto, sink, stop, wait_for_legs

from collector.adapters.mqtt import Broker, Identity, MqttPublisher
from collector.adapters.spool import Spool
from collector.core import wire
from collector.core.events import LegEnded

NOW_MS = 1_795_000_000_000
LEGS = 200


def make_leg(number):
    """A short call."""
    leg = LegEnded(NOW_MS + number * 60_000, number.to_bytes(8, "big"))
    leg.role, leg.extension, leg.end_ms = "phone", "101", leg.invite_ms + 5_000
    return leg


def hostile_messages():
    """(channel, payload): no MessagePack, no batch, events that cannot be, an epoch each time, far too long ones."""
    row = wire.encode_event(make_leg(LEGS + 1))  # a call of its own: what two boxes of an office saw alike is one
    for number in range(300):
        yield "ev", b"\xc1" + number.to_bytes(2, "big")
        yield "ev", msgpack.packb([1, number, 1, NOW_MS, 1, [[1, 0, "x" * number]]])
        yield "ev", msgpack.packb(wire.encode_batch(number, 1 + 1000 * number, 1, [row]))
        yield "state", msgpack.packb({"online": True, "epoch": number, "first": 1 << 40, "connection": number})
        yield "ack", msgpack.packb([number, 1 << 40])
        yield "ev", b"\x91" * 70_000
        yield "live", msgpack.packb([number] * 20)


@pytest.fixture
def flood():
    """Sends all of it, from a client without manners."""
    clients = []

    def send(port):
        client = paho.Client(paho.CallbackAPIVersion.VERSION2, "hostile", protocol=paho.MQTTv311)
        client.connect("127.0.0.1", port)
        client.loop_start()
        clients.append(client)
        told = [client.publish(f"rt/1/hostile/{channel}", payload, qos=1) for channel, payload in hostile_messages()]
        told[-1].wait_for_publish(60)

    yield send
    for client in clients:
        client.loop_stop()


def test_a_hostile_box_stops_nobody(tmp_path, lab_config, flood):
    """What it sends is in quarantine or nowhere; the other box's calls are all there, acknowledged, and it goes on."""
    port = free_port()
    office = make_office(tmp_path, lab_config, embedded=False, port=port)
    text = office.config.read_text().replace('boxes = ["lab"]', 'boxes = ["lab", "hostile"]')
    assert '"hostile"' in text
    office.config.write_text(text)
    with mosquitto(tmp_path, port), sink(office) as process:
        box = MqttPublisher(Spool(str(tmp_path / "box.db")), Broker("127.0.0.1", port), Identity("lab", "lab", "", ""))
        for half in (range(LEGS // 2), range(LEGS // 2, LEGS)):
            flood(port)
            box.write([make_leg(number) for number in half])
            while box.undelivered():
                box.pump(0.05)
        box.close()
        wait_for_legs(office, LEGS)
        stop(process)
    store = office.store()
    assert 0 < store.quarantined() <= 1_000
    assert {"rt/1/hostile/ev"} == {row.topic for row in store.quarantine(10_000)}
    legs = [leg for leg, _ in store.legs("lab", 0, 1 << 52) if leg.box == "lab"]
    assert list(range(LEGS)) == sorted((leg.t_invite - NOW_MS) // 60_000 for leg in legs)
    store.close()
