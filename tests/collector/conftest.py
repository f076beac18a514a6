"""A real broker and a sink in a few lines, for whatever speaks to them."""

import shutil
import subprocess
import threading

import msgpack
import paho.mqtt.client as paho
import pytest
from live_box import Box
from networks import answers, free_port, make_cable, wait_for
from paho.mqtt.enums import CallbackAPIVersion

from collector.core import wire_reader

BOX = "office-1"
PATIENCE_S = 60
MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"


class Mosquitto:
    """A real broker without persistence: it forgets everything when it is killed."""

    def __init__(self, folder, extra="allow_anonymous true", listener=""):
        self.port = free_port()
        self._config = folder / f"mosquitto-{self.port}.conf"
        general = f"{extra}\nmax_queued_messages 1000000\n"
        self._config.write_text(f"{general}listener {self.port} 127.0.0.1\n{listener}\n")
        self.start()

    def start(self):
        """Listen (again)."""
        self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._config)], stderr=subprocess.DEVNULL)
        wait_for(lambda: answers(self.port))

    def kill(self):
        """Kill -9."""
        self._process.kill()
        self._process.wait()


class Acknowledger:
    """A sink in a few lines: keeps what it receives by (epoch, seq) and acknowledges what it has without a hole."""

    def __init__(self, port, *, acknowledges=True, forgets_every=0):
        self.events = {}  # (epoch, seq) -> count of a gap
        self.kinds = {}  # (epoch, seq) -> kind of event
        self.states = []
        self.batches = []
        self.acknowledges = acknowledges
        self._forgets_every = forgets_every
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "sink", clean_session=True)
        self._client.on_connect = lambda client, *_: client.subscribe([(f"rt/1/{BOX}/ev", 1), (f"rt/1/{BOX}/state", 1)])
        self._client.on_message = self._receive
        self._subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(PATIENCE_S)

    def say(self, *, online):
        """Publish the sink's state."""
        self._publish("rt/1/sink/state", {"online": online})

    def acknowledge(self, epoch, seq):
        """Publish an acknowledgement."""
        self._publish(f"rt/1/{BOX}/ack", [epoch, seq])

    def ask_for_state(self):
        """What the box says when it is asked; it has read every acknowledgement from before the question."""
        known = len(self.states)
        self._publish(f"rt/1/{BOX}/cmd", ["report"], retain=False)
        wait_for(lambda: len(self.states) > known)
        return self.states[-1]

    def wait_until(self, condition):
        """Wait for something this sink will see."""
        wait_for(condition)

    def stop(self):
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()

    def _publish(self, topic, content, *, retain=True):
        self._client.publish(topic, msgpack.packb(content), qos=1, retain=retain).wait_for_publish(PATIENCE_S)

    def _receive(self, client, _data, message):
        if message.topic.endswith("state"):
            self.states.append(msgpack.unpackb(message.payload))
            return
        self.batches.append(message.payload)
        if self._forgets_every and len(self.batches) % self._forgets_every == 0:
            return
        batch = wire_reader.decode_batch(msgpack.unpackb(message.payload))
        self.events.update({(batch.epoch, item.seq): getattr(item.event, "count", None) for item in batch.items})
        self.kinds.update({(batch.epoch, item.seq): item.raw[0] for item in batch.items})
        if self.acknowledges:
            seq = max(seq for epoch, seq in self.events if epoch == batch.epoch)
            contiguous = next((n - 1 for n in range(1, seq + 2) if (batch.epoch, n) not in self.events), seq)
            client.publish(f"rt/1/{BOX}/ack", msgpack.packb([batch.epoch, contiguous]), qos=1, retain=True)


@pytest.fixture
def broker(tmp_path):
    """A running mosquitto."""
    broker = Mosquitto(tmp_path)
    yield broker
    broker.kill()


@pytest.fixture
def make_broker(tmp_path):
    """Starts brokers with lines of configuration of their own."""
    brokers = []

    def make(*configuration):
        brokers.append(Mosquitto(tmp_path, *configuration))
        return brokers[-1]

    yield make
    for broker in brokers:
        broker.kill()


@pytest.fixture
def make_sink():
    """Starts sinks on a broker's port."""
    sinks = []

    def make(port, **settings):
        sinks.append(Acknowledger(port, **settings))
        return sinks[-1]

    yield make
    for sink in sinks:
        sink.stop()


@pytest.fixture(scope="module")
def cable():
    """Two interfaces with a cable between them."""
    with make_cable() as cable:
        yield cable


@pytest.fixture
def start_box(tmp_path):
    """Starts collectors."""
    boxes = []

    def start(sources, **settings):
        boxes.append(Box(tmp_path, sources, **settings))
        return boxes[-1]

    yield start
    for box in boxes:
        box.process.kill()
        box.process.wait()
