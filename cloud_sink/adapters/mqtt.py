"""The sink's end of MQTT: messages in, acknowledgements out, through paho-mqtt 2 speaking 3.1.1.

Its callbacks only put messages into a queue: the thread that owns the database takes them out, and only after its
commit does the broker get its PUBACK. The session is clean: what the broker held for a sink that was away is still in
the boxes' spools, and they send it again.
"""

import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cloud_sink.arrivals import Arrivals
from cloud_sink.config import BrokerSettings
from cloud_sink.errors import ConfigurationError
from cloud_sink.listening import shown
from collector.tls import explain_refusal, make_context, warn_before_end

KEEPALIVE_S = 30
RETRY_S = (1, 30)  # first and longest wait between two attempts to connect
RESTART_S = 1.0
COMPLAIN_S = 60.0

_log = logging.getLogger(__name__)


class Delivery(NamedTuple):
    """One message, and what it takes to acknowledge it to the broker."""

    topic: str
    payload: bytes
    packet: int
    qos: int
    connection: int  # packet numbers of an earlier connection mean nothing to the broker


class MqttSubscriber:
    """Receives `topics` from a broker and says on `state_topic` whether it is there (`states`: online, offline)."""

    def __init__(
        self,
        broker: BrokerSettings,
        topics: Sequence[str],
        state_topic: str,
        states: tuple[bytes, bytes],
        take_at_once: Callable[[str, bytes], bool] = lambda _topic, _payload: False,
    ) -> None:
        self._broker = broker
        self._topics = [(topic, 1) for topic in topics]
        self._state_topic = state_topic
        self._take_at_once = take_at_once  # sees a message first, on the connection's thread; True: it goes no further
        self._online, self._offline = states
        self._arrived: Arrivals[Delivery] = Arrivals()
        self._connection = 0
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._unreachable = False
        self.dropped = 0
        self._complain_at = 0.0
        self._client = self._make_client()
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def start(self) -> None:
        """Connect in the background, again and again until `stop`."""
        self._thread.start()

    def wait_until_ready(self, seconds: float) -> bool:
        """Wait until the broker has taken the subscriptions; True if so."""
        return self._ready.wait(seconds)

    def next_messages(self, limit: int, wait_s: float, gather_s: float) -> list[Delivery]:
        """Wait for a message up to `wait_s`, then gather what comes within `gather_s`, `limit` at most."""
        messages: list[Delivery] = []
        until = time.monotonic() + wait_s
        try:
            while len(messages) < limit:
                messages.append(self._arrived.take(max(0.0, until - time.monotonic())))
                if len(messages) == 1:
                    until = time.monotonic() + gather_s
        except queue.Empty:
            pass
        return messages

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the broker that these messages are safe."""
        for delivery in deliveries:
            if delivery.qos and delivery.connection == self._connection:
                self._client.ack(delivery.packet, delivery.qos)

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish at QoS 1, retained unless it is a command; without a connection not at all: boxes ask again."""
        if self._client.is_connected():
            self._client.publish(topic, payload, qos=1, retain=not topic.endswith("/cmd"))

    def stop(self) -> None:
        """Say that the sink goes away and disconnect; takes a second at most."""
        self._stopping.set()
        if self._client.is_connected():
            self._client.publish(self._state_topic, self._offline, qos=1, retain=True)
        self._client.disconnect()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def _make_client(self) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            f"ringtap-sink-{secrets.token_hex(4)}",
            clean_session=True,
            protocol=paho.MQTTv311,
            manual_ack=True,
        )
        client.will_set(self._state_topic, self._offline, qos=1, retain=True)
        client.reconnect_delay_set(*RETRY_S)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        _set_up_access(client, self._broker)
        return client

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._client.connect_async(self._broker.host, self._broker.port, KEEPALIVE_S)
                self._client.loop_forever(retry_first_connection=True)
            except Exception:  # noqa: BLE001 - paho's loop ends with whatever a callback or TLS raises: begin anew
                _log.exception("the connection to the broker broke down; trying again")
            self._stopping.wait(RESTART_S)

    def _on_connect(
        self, client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _more: Properties | None
    ) -> None:
        if reason.is_failure:
            _log.warning("the broker at %s refuses the sink: %s", self._where, reason)
            return
        self._connection += 1
        self._unreachable = False
        warn_before_end(self._broker.certificate_file)
        client.subscribe(self._topics)

    def _on_connect_fail(self, _client: paho.Client, _data: object) -> None:
        if not self._unreachable and not self._stopping.is_set():
            _log.warning("the broker at %s cannot be reached; trying again", self._where)
        self._unreachable = True

    def _on_subscribe(
        self, client: paho.Client, _data: object, _packet: int, reasons: list[ReasonCode], _more: Properties | None
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            _log.error("the broker at %s does not let the sink read %s", self._where, self._topics)
            return
        client.publish(self._state_topic, self._online, qos=1, retain=True)
        self._ready.set()

    def _on_message(self, client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        if message.topic == self._state_topic:  # our own word: rt/1/+/state lets it through
            client.ack(message.mid, message.qos)
            return
        if self._take_at_once(message.topic, bytes(message.payload)):
            client.ack(message.mid, message.qos)
            return
        delivery = Delivery(message.topic, bytes(message.payload), message.mid, message.qos, self._connection)
        if not self._arrived.offer(_sender(message.topic), len(delivery.payload), delivery):
            self._drop(client, delivery)

    def _drop(self, client: paho.Client, delivery: Delivery) -> None:
        """No room: its box has it, and sends it again. The broker must forget it, or its window would soon be full."""
        client.ack(delivery.packet, delivery.qos)
        self.dropped += 1
        now = time.monotonic()
        if now >= self._complain_at:
            self._complain_at = now + COMPLAIN_S
            _log.warning(
                "%d messages so far had no room and come again, the last one on %s", self.dropped, delivery.topic
            )

    def _on_disconnect(
        self, _client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _more: Properties | None
    ) -> None:
        self._ready.clear()
        if not self._stopping.is_set():
            why = explain_refusal(str(reason), self._broker.certificate_file)
            _log.warning("no connection to the broker at %s: %s; trying again", self._where, why)

    @property
    def _where(self) -> str:
        return shown((self._broker.host, self._broker.port))


def _sender(topic: str) -> str:
    """Which box a topic belongs to, as far as it looks like one's."""
    return topic.split("/", 3)[2] if topic.count("/") >= 2 else ""


def check_broker_files(broker: BrokerSettings) -> None:
    """Raise ConfigurationError where password or certificates cannot be used; nobody is asked."""
    _set_up_access(paho.Client(CallbackAPIVersion.VERSION2), broker)


def _set_up_access(client: paho.Client, broker: BrokerSettings) -> None:
    if broker.username:
        client.username_pw_set(broker.username, _password(broker.password_file) if broker.password_file else None)
    if not (broker.ca_file or broker.certificate_file):
        return
    try:
        client.tls_set_context(make_context(broker.ca_file, broker.certificate_file, broker.key_file))
    except (OSError, ValueError) as error:
        files = ", ".join(name for name in (broker.ca_file, broker.certificate_file, broker.key_file) if name)
        raise ConfigurationError(f"[mqtt] certificates ({files}) cannot be used: {error}") from error


def _password(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"[mqtt] password_file {file} cannot be read: {error}") from error
