"""The ingest loop between a real broker and a real database, when the database fails."""

import logging
import queue
import threading
from pathlib import Path

import msgpack
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cloud_sink.adapters.embedded_broker import EmbeddedBroker
from cloud_sink.adapters.mqtt import MqttSubscriber
from cloud_sink.config import BrokerSettings
from cloud_sink.contacts.records import OfficePlan
from cloud_sink.ingest import SINK_STATE_TOPIC, SUBSCRIPTIONS, Ingest, sink_state
from cloud_sink.service import IngestLoop
from cloud_sink.store import Store
from collector.core import wire
from collector.core.events import GapObserved

T0 = 1_760_000_000_000


def test_database_that_fails_is_tried_until_it_works(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is acknowledged while the database fails; once it works, what waited is stored and acknowledged."""
    store = Store.open(f"sqlite:///{tmp_path}/sink.db")  # no tables yet: every transaction fails
    broker = EmbeddedBroker(("127.0.0.1", 0))
    broker.start()
    states = (sink_state(online=True), sink_state(online=False))
    subscriber = MqttSubscriber(BrokerSettings(*broker.address), SUBSCRIPTIONS, SINK_STATE_TOPIC, states)
    loop = IngestLoop(subscriber, Ingest(store, {"lab": OfficePlan("lab")}, lambda _box: "lab"), lambda: T0)
    loop.start()
    subscriber.start()
    assert subscriber.wait_until_ready(10)

    answers: queue.Queue[bytes] = queue.Queue()
    subscribed = threading.Event()
    box = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    box.message_callback_add("rt/1/lab/ack", lambda _client, _data, message: answers.put(message.payload))
    box.on_subscribe = lambda *_: subscribed.set()
    box.connect(*broker.address)
    box.loop_start()
    box.subscribe("rt/1/lab/ack", qos=1)
    assert subscribed.wait(60)
    batch = wire.encode_batch(7, 1, 1, [wire.encode_event(GapObserved(T0, T0 + 1, "restart", 0))])
    with caplog.at_level(logging.WARNING):
        box.publish("rt/1/lab/ev", msgpack.packb(batch), qos=1)
        with pytest.raises(queue.Empty):
            answers.get(timeout=1.5)
        store.migrate()
        assert [7, 1] == msgpack.unpackb(answers.get(timeout=60))
    assert 1 == len(store.gaps("lab", 0, T0 + 2))
    assert 1 == sum("the database cannot be written: no such table" in line for line in caplog.messages)

    box.disconnect()
    box.loop_stop()
    loop.stop()
    subscriber.stop()
    broker.stop()
