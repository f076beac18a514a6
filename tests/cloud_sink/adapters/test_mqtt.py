"""The sink's subscriber against a real mosquitto and against the embedded broker."""

import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cloud_sink.adapters.embedded_broker import EmbeddedBroker
from cloud_sink.adapters.mqtt import MqttSubscriber
from cloud_sink.arrivals import Arrivals
from cloud_sink.config import BrokerSettings
from cloud_sink.errors import ConfigurationError

Address = tuple[str, int]
Received = queue.Queue[tuple[str, bytes, bool]]


@contextmanager
def box_client(broker: Address, *topics: str) -> Iterator[tuple[paho.Client, Received]]:
    """A plain client as a box has it, subscribed to `topics`; gives (client, queue of (topic, payload, retained))."""
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    received: Received = queue.Queue()
    subscribed = threading.Event()
    client.on_message = lambda _client, _data, message: received.put((message.topic, message.payload, message.retain))
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_connect = lambda client, *_: client.subscribe([(topic, 1) for topic in (*topics, "none")])
    client.connect(*broker)
    client.loop_start()
    assert subscribed.wait(10)
    try:
        yield client, received
    finally:
        client.disconnect()
        client.loop_stop()


@contextmanager
def subscriber(broker: Address, **settings: str) -> Iterator[MqttSubscriber]:
    """A subscriber of the boxes' topics that is ready."""
    made = MqttSubscriber(
        BrokerSettings(*broker, **settings), ["rt/1/+/ev", "rt/1/+/state"], "rt/1/sink/state", (b"online", b"offline")
    )
    made.start()
    assert made.wait_until_ready(10)
    try:
        yield made
    finally:
        made.stop()


def publish(client: paho.Client, topic: str, payload: bytes, *, retain: bool = False) -> None:
    """Publish with QoS 1 and wait for the broker's word."""
    client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(60)


def test_messages_come_in_order(broker: Address) -> None:
    """What a box publishes comes out in its order, gathered into one list."""
    with subscriber(broker) as sink, box_client(broker) as (box, _):
        for number in range(20):
            publish(box, "rt/1/box-1/ev", b"%d" % number)
        messages = []
        while len(messages) < 20:
            some = sink.next_messages(500, 10, 0.02)
            assert some
            sink.acknowledge(some)
            messages += some
        assert [("rt/1/box-1/ev", b"%d" % number) for number in range(20)] == [item[:2] for item in messages]
        assert [] == sink.next_messages(500, 0.1, 0.02)


def test_gathers_no_more_than_its_limit(mosquitto: Address) -> None:
    """A full handful is given at once; the rest waits for the next."""
    with subscriber(mosquitto) as sink, box_client(mosquitto) as (box, _):
        for number in range(10):
            publish(box, "rt/1/box-1/ev", b"%d" % number)
        assert [4, 4, 2] == [len(sink.next_messages(4, 5, 0.3)) for _ in range(3)]


def test_retained_births_are_there_at_once(broker: Address) -> None:
    """A box that was born before the sink came is known to it."""
    with box_client(broker) as (box, _):
        publish(box, "rt/1/box-1/state", b"birth", retain=True)
        with subscriber(broker) as sink:
            assert [b"birth"] == [message.payload for message in sink.next_messages(1, 10, 0)]


def test_acknowledgements_are_retained(broker: Address) -> None:
    """A box that comes later finds the last acknowledgement."""
    with subscriber(broker) as sink:
        sink.publish("rt/1/box-1/ack", b"1")
        sink.publish("rt/1/box-1/ack", b"2")
        with box_client(broker, "rt/1/box-1/ack") as (_, received):
            last = received.get(timeout=10)
            while last[1] != b"2":
                last = received.get(timeout=10)
        assert ("rt/1/box-1/ack", b"2") == last[:2]


def test_unacknowledged_messages_stay_with_the_broker(mosquitto: Address) -> None:
    """The broker's PUBACK follows `acknowledge`: without it mosquitto stops after its 20 messages in flight."""
    with subscriber(mosquitto) as sink, box_client(mosquitto) as (box, _):
        for number in range(30):
            publish(box, "rt/1/box-1/ev", b"%d" % number)
        first = sink.next_messages(500, 5, 0.5)
        assert 20 == len(first)
        sink.acknowledge(first)
        assert 10 == len(sink.next_messages(500, 5, 0.5))


def test_what_has_no_room_does_not_hold_up_the_broker(mosquitto: Address) -> None:
    """It is dropped and forgotten there, or the broker's window of 20 would stay full: boxes send it again."""
    with subscriber(mosquitto) as sink, box_client(mosquitto) as (box, _):
        sink._arrived = Arrivals(messages=5)
        for number in range(60):
            publish(box, "rt/1/box-1/ev", b"%d" % number)
        until = time.monotonic() + 30
        while sink.dropped < 55:
            assert time.monotonic() < until, f"the broker stopped after {sink.dropped + 5} messages"
            time.sleep(0.02)
        assert [b"0", b"1", b"2", b"3", b"4"] == [delivery.payload for delivery in sink.next_messages(500, 5, 0.2)]


def test_boxes_learn_whether_the_sink_is_there(broker: Address) -> None:
    """The sink's state is retained: online while it runs, offline when it left in good order."""
    with box_client(broker, "rt/1/sink/state") as (_, received):
        with subscriber(broker):
            assert b"online" == received.get(timeout=10)[1]
        assert b"offline" == received.get(timeout=10)[1]


def test_boxes_learn_of_the_sinks_death(broker: Address) -> None:
    """A sink that dies is announced by its last will."""
    with box_client(broker, "rt/1/sink/state") as (_, received), subscriber(broker) as sink:
        assert b"online" == received.get(timeout=10)[1]
        sink._client.socket().shutdown(socket.SHUT_RDWR)
        assert b"offline" == received.get(timeout=10)[1]
        assert b"online" == received.get(timeout=10)[1]


def test_acknowledges_nothing_of_an_earlier_connection(mosquitto: Address) -> None:
    """After a reconnect the broker delivers again; old packet numbers are not acknowledged on the new connection."""
    with subscriber(mosquitto) as sink, box_client(mosquitto) as (box, _):
        publish(box, "rt/1/box-1/ev", b"1")
        old = sink.next_messages(1, 5, 0)
        sink._ready.clear()
        sink._client.socket().shutdown(socket.SHUT_RDWR)
        assert sink.wait_until_ready(10)
        assert old[0].connection + 1 == sink._connection
        sink.acknowledge(old)
        publish(box, "rt/1/box-1/ev", b"2")
        assert [b"2"] == [message.payload for message in sink.next_messages(1, 5, 0)]


def test_waits_for_a_broker_that_comes_later() -> None:
    """A sink may be started before its broker: it keeps trying and stops within a second when told."""
    placeholder = EmbeddedBroker(("127.0.0.1", 0))
    address = placeholder.address
    placeholder.stop()
    sink = MqttSubscriber(BrokerSettings(*address), ["rt/1/+/ev"], "rt/1/sink/state", (b"online", b"offline"))
    sink.start()
    assert not sink.wait_until_ready(0.3)
    broker = EmbeddedBroker(address)
    broker.start()
    assert sink.wait_until_ready(10)
    sink.stop()
    assert not sink._thread.is_alive()
    broker.stop()


def test_unusable_credentials_are_named(tmp_path: Path) -> None:
    """Files of [mqtt] that cannot be read or used are named before anything starts."""

    def make(**settings: str) -> None:
        MqttSubscriber(BrokerSettings(**settings), [], "s", (b"", b""))

    with pytest.raises(ConfigurationError, match=r"\[mqtt\] password_file /nowhere cannot be read"):
        make(username="sink", password_file="/nowhere")
    (tmp_path / "ca.crt").write_text("no certificate")
    with pytest.raises(ConfigurationError, match=r"\[mqtt\] certificates \(.*ca.crt\) cannot be used"):
        make(ca_file=str(tmp_path / "ca.crt"))
