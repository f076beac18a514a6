"""Events to the sink through a real mosquitto: `collector.adapters.mqtt`."""

import contextlib
import subprocess
import time

import msgpack
import pytest

from collector.adapters.mqtt import Broker, Identity, MqttPublisher
from collector.adapters.mqtt import publisher as mqtt
from collector.adapters.spool import Spool
from collector.core import wire_reader
from collector.core.events import GapObserved
from collector.credentials import CertificateFiles
from collector.errors import ConfigurationError

BOX = "office-1"


def pump_until(publisher, condition, seconds=60):
    """Let the publisher work until it comes true."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        publisher.pump(0.05)


def make_events(count, start=1):
    """Events that carry their own number."""
    return [GapObserved(1_700_000_000_000 + n, 1_700_000_000_000 + n, "test", n) for n in range(start, start + count)]


@pytest.fixture
def rig(tmp_path, make_sink):
    """Makes publishers on one spool, and stops everything at the end."""
    with contextlib.ExitStack() as stack:

        class Rig:
            spool = stack.enter_context(contextlib.closing(Spool(str(tmp_path / "spool.db"))))

            def publisher(self, port, **settings):
                identity = Identity(BOX, "london", "demo", "1.2.3")
                publisher = MqttPublisher(self.spool, Broker("127.0.0.1", port, **settings), identity)
                stack.callback(lambda: publisher._connection and publisher._connection.abandon())
                return publisher

            sink = staticmethod(make_sink)

        yield Rig()


def test_events_arrive_and_leave_the_spool_with_the_sinks_acknowledgement(broker, rig):
    """All of them, in batches of at most 50 events, under the spool's numbers."""
    sink, publisher = rig.sink(broker.port), rig.publisher(broker.port)
    publisher.write(make_events(120))
    assert publisher.undelivered() == 120
    pump_until(publisher, lambda: publisher.undelivered() == 0)
    assert {(rig.spool.epoch, n): n for n in range(1, 121)} == sink.events
    assert [50, 50, 20] == [len(wire_reader.decode_batch(msgpack.unpackb(batch)).items) for batch in sink.batches]


def test_birth_says_who_speaks_and_good_bye_is_said(broker, rig):
    """The retained state has the connection number, the numbering and the identity; close() takes it offline."""
    publisher = rig.publisher(broker.port)
    publisher.write(make_events(3))
    late = rig.sink(broker.port, acknowledges=False)
    pump_until(publisher, lambda: late.states)
    birth = late.states[0]
    keys = "connection boot epoch first kept kept_ms last clock_ok version tenant office online"
    assert set(keys.split()) == set(birth)
    assert (1, 1, 3, True, "1.2.3", "demo", "london") == tuple(
        birth[key] for key in ("connection", "first", "last", "online", "version", "tenant", "office")
    )
    publisher.close()
    late.wait_until(lambda: late.states[-1]["online"] is False)


def test_a_sink_restored_from_a_backup_gets_again_what_it_lost(broker, rig):
    """["replay-from", epoch, seq] on the command topic: everything from there on comes once more, nothing before it."""
    sink, publisher = rig.sink(broker.port), rig.publisher(broker.port)
    publisher.write(make_events(120))
    pump_until(publisher, lambda: publisher.undelivered() == 0)
    sink.events = {key: count for key, count in sink.events.items() if key[1] <= 30}
    sink._client.publish(f"rt/1/{BOX}/cmd", msgpack.packb(["replay-from", rig.spool.epoch, 31]), qos=1)
    pump_until(publisher, lambda: publisher.undelivered() == 90)
    pump_until(publisher, lambda: publisher.undelivered() == 0)
    assert {(rig.spool.epoch, n): n for n in range(1, 121)} == sink.events
    assert 31 == sink.states[-1]["first"]


@pytest.mark.parametrize(
    "command", [["reboot"], ["replay-from"], ["replay-from", "x", 1], {"run": "rm -rf /"}, 7, ["replay-from", 1, 1]]
)
def test_other_commands_are_ignored(broker, rig, command, caplog):
    """There are two commands and no more; none runs a program."""
    sink, publisher = rig.sink(broker.port), rig.publisher(broker.port)
    pump_until(publisher, lambda: sink.states)
    sink._client.publish(f"rt/1/{BOX}/cmd", msgpack.packb(command), qos=1)
    pump_until(publisher, lambda: "is ignored" in caplog.text)


def test_a_lost_connection_leaves_the_last_will_with_its_number(broker, rig):
    """A box that vanishes is reported offline under the number of the connection that died."""
    sink, publisher = rig.sink(broker.port), rig.publisher(broker.port)
    pump_until(publisher, lambda: sink.states)
    publisher._connection.abandon()
    sink.wait_until(lambda: sink.states[-1]["online"] is False)
    assert sink.states[0]["connection"] == sink.states[-1]["connection"]
    pump_until(publisher, lambda: sink.states[-1]["online"])
    assert sink.states[-1]["connection"] == sink.states[0]["connection"] + 1


def test_a_puback_frees_nothing(broker, rig):
    """A sink that takes everything and acknowledges nothing leaves the spool as it is."""
    sink, publisher = rig.sink(broker.port, acknowledges=False), rig.publisher(broker.port)
    publisher.write(make_events(10))
    pump_until(publisher, lambda: sink.batches)
    publisher.pump(0.2)
    assert publisher.undelivered() == 10


def test_what_is_not_acknowledged_is_sent_again(broker, rig):
    """A sink that loses every fourth batch still gets everything: without progress the window goes back."""
    sink, publisher = rig.sink(broker.port, forgets_every=4), rig.publisher(broker.port)
    publisher.write(make_events(400))
    pump_until(publisher, lambda: publisher.undelivered() == 0, 30)
    assert set(range(1, 401)) == set(sink.events.values())


def test_a_broker_that_forgets_everything_loses_nothing(broker, rig):
    """Killed and restarted without memory, with events under way and new ones written meanwhile."""
    sink, publisher = rig.sink(broker.port, acknowledges=False), rig.publisher(broker.port)
    publisher.write(make_events(200))
    pump_until(publisher, lambda: len(sink.events) > 50)
    broker.kill()
    publisher.write(make_events(100, start=201))
    publisher.pump(0.2)
    broker.start()
    sink.acknowledges = True
    pump_until(publisher, lambda: publisher.undelivered() == 0, 30)
    assert set(range(1, 301)) == set(sink.events.values())


def test_nothing_is_sent_while_the_sink_is_away(broker, rig):
    """The sink's retained word pauses the box; its return starts it again."""
    sink = rig.sink(broker.port)
    sink.say(online=False)
    publisher = rig.publisher(broker.port)
    pump_until(publisher, lambda: not publisher._sink_online)
    before = len(sink.batches)
    publisher.write(make_events(5))
    for _ in range(5):
        publisher.pump(0.05)
    assert before == len(sink.batches)
    sink.say(online=True)
    pump_until(publisher, lambda: publisher.undelivered() == 0)


def test_an_acknowledgement_beyond_the_end_begins_another_epoch(broker, rig):
    """A copy of this card spoke elsewhere: its numbers are not used again, and nothing of ours is thrown away."""
    sink, publisher = rig.sink(broker.port), rig.publisher(broker.port)
    epoch = rig.spool.epoch
    sink.acknowledge(epoch, 500)
    publisher.write(make_events(5))
    pump_until(publisher, lambda: publisher.undelivered() == 0 and rig.spool.epoch != epoch)
    assert {(rig.spool.epoch, n): n for n in range(1, 6)}.items() <= sink.events.items()
    assert rig.spool.epoch == sink.states[-1]["epoch"]


@pytest.mark.parametrize(
    "payload", [b"", b"\xc1", msgpack.packb([1]), msgpack.packb(["a", "b"]), msgpack.packb({1: 2}), b"\xff" * 9]
)
def test_junk_from_the_broker_is_ignored(broker, rig, payload):
    """Neither topic can stop the box."""
    sink, publisher = rig.sink(broker.port), rig.publisher(broker.port)
    for topic in (f"rt/1/{BOX}/ack", "rt/1/sink/state"):
        sink._client.publish(topic, payload, qos=1, retain=True)
    publisher.write(make_events(2))
    pump_until(publisher, lambda: publisher.undelivered() == 0)


def test_a_broker_that_is_not_there_is_tried_again_later(rig, make_broker, caplog):
    """Said once, tried again with growing pauses; connected as soon as it is there."""
    broker = make_broker()
    broker.kill()
    publisher = rig.publisher(broker.port)
    publisher.write(make_events(1))
    pump_until(publisher, lambda: publisher._failures >= 2)
    assert 1 == caplog.text.count("no connection to the broker")
    broker.start()
    rig.sink(broker.port)
    pump_until(publisher, lambda: publisher.undelivered() == 0)


def test_user_and_password_are_used(rig, make_broker, tmp_path):
    """A broker that lets nobody else in lets this box in."""
    (tmp_path / "passwords").touch(mode=0o600)
    subprocess.run(["mosquitto_passwd", "-b", str(tmp_path / "passwords"), "box", "secret"], check=True)
    broker = make_broker(f"allow_anonymous false\npassword_file {tmp_path}/passwords\nuser root")
    publisher = rig.publisher(broker.port, username="box", password="wrong")
    pump_until(publisher, lambda: publisher._failures)
    assert not publisher._ready
    publisher = rig.publisher(broker.port, username="box", password="secret")
    pump_until(publisher, lambda: publisher._ready)


def make_certificates(folder):
    """An authority, and certificates of a server on 127.0.0.1 and of this box, signed by it."""
    new = "openssl req -newkey rsa:2048 -nodes -subj /CN={0} -keyout {0}.key"
    sign = "openssl x509 -req -in {0}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out {0}.crt -extfile names"
    commands = [(new + " -x509 -days 2 -out {0}.crt").format("ca")]
    for name in ("server", BOX):
        commands += [(new + " -out {0}.csr").format(name), sign.format(name)]
    (folder / "names").write_text("subjectAltName = IP:127.0.0.1")
    for command in commands:
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)


def test_tls_with_a_certificate_for_each_side(rig, make_broker, tmp_path):
    """The broker takes the box's name from its certificate; without one nobody comes in."""
    make_certificates(tmp_path)
    files = f"cafile {tmp_path}/ca.crt\ncertfile {tmp_path}/server.crt\nkeyfile {tmp_path}/server.key\n"
    rules = "require_certificate true\nuse_identity_as_username true\n"
    broker = make_broker("per_listener_settings true\nuser root", files + rules + "tls_version tlsv1.2")
    authority = f"{tmp_path}/ca.crt"
    publisher = rig.publisher(broker.port, certificates=CertificateFiles(authority))
    pump_until(publisher, lambda: publisher._failures)
    assert not publisher._ready
    ours = CertificateFiles(authority, f"{tmp_path}/{BOX}.crt", f"{tmp_path}/{BOX}.key")
    publisher = rig.publisher(broker.port, certificates=ours)
    pump_until(publisher, lambda: publisher._ready)


def test_certificates_that_cannot_be_used_are_named_at_once(rig):
    """Before the first connection, not somewhere in its thread."""
    with pytest.raises(ConfigurationError, match=r"/nowhere/ca\.crt"):
        rig.publisher(1, certificates=CertificateFiles("/nowhere/ca.crt"))


def test_sixty_thousand_events_drain_in_under_a_minute(broker, rig):
    """A box that was cut off for days catches up quickly (measured here: a few seconds)."""
    sink, publisher = rig.sink(broker.port), rig.publisher(broker.port)
    for start in range(1, 60_001, 1000):
        publisher.write(make_events(1000, start=start))
    sink._client.on_message = _count_and_acknowledge(sink)
    started = time.monotonic()
    pump_until(publisher, lambda: publisher.undelivered() == 0, 60)
    print(f"60,000 events in {time.monotonic() - started:.1f} s")
    assert len(sink.batches) == 60_000 // mqtt.MAX_BATCH_EVENTS


def _count_and_acknowledge(sink):
    def receive(client, _data, message):
        if message.topic.endswith("ev"):
            sink.batches.append(None)
            batch = wire_reader.decode_batch(msgpack.unpackb(message.payload))
            client.publish(f"rt/1/{BOX}/ack", msgpack.packb([batch.epoch, batch.items[-1].seq]), qos=1)

    return receive


def test_big_events_make_small_batches():
    """A batch closes at 8 KiB; one event larger than that goes alone."""
    rows = [(n, 0, [1, "x" * 3000]) for n in range(1, 6)]
    assert [(1, 0), (2, 0)] == [row[:2] for row in mqtt._fitting(rows)]
    assert [1] == [row[0] for row in mqtt._fitting([(1, 0, ["x" * 20_000]), (2, 0, [])])]
