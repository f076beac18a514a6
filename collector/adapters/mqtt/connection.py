"""One connection to an MQTT broker, through paho-mqtt 2.

A client is used for one connection only: a lost one is thrown away with its queue, its packet numbers and its threads,
because paho would send everything it has queued at once when it reconnects, and reconnects without jitter. Its
callbacks only put what happened into a queue; all decisions fall in the thread that calls `pump`.
"""

import queue
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any, cast

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from collector.core import wire
from collector.credentials import CertificateFiles, Credentials
from collector.errors import ConfigurationError
from collector.window import WINDOW_EVENTS

KEEPALIVE_S = 30
FAREWELL_S = 1.0


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and how to be let in; empty means: not used."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    certificates: CertificateFiles = field(default_factory=CertificateFiles)

    @property
    def uses_tls(self) -> bool:
        """True where a certificate is named."""
        return bool(self.certificates.ca or self.certificates.certificate)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who speaks: goes into every birth message."""

    box: str
    office: str
    tenant: str
    version: str


class Connection:
    """One MQTT connection from its first packet to its last; what happens to it comes out of `happenings`."""

    def __init__(self, broker: Broker, identity: Identity, number: int, credentials: Credentials) -> None:
        self.number = number
        self.happenings: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._broker = broker
        # an acknowledgement says all that went before it, and is asked for again: no receipt for it on a metered line
        self._topics = [(wire.topic(identity.box, "ack"), 0), (wire.topic(identity.box, "cmd"), 1)]
        self._topics.append((wire.SINK_STATE_TOPIC, 1))
        self._client = _make_client(broker, identity.box, credentials)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self.happenings.put(("subscribed", None))
        self._client.on_message = lambda _client, _data, message: self.happenings.put(
            ("message", (message.topic, message.payload))
        )
        self._client.on_disconnect = lambda _client, _data, _flags, reason, _properties: self.happenings.put(
            ("lost", str(reason))
        )

    def start(self, will_topic: str, will: bytes) -> None:
        """Connect in the background: names and handshakes may take seconds, and packets do not wait."""
        self._client.will_set(will_topic, will, qos=1, retain=True)
        threading.Thread(target=self._run, name=f"mqtt-{self.number}", daemon=True).start()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand over one message of QoS 1; whether it arrives is the acknowledgement's matter."""
        self._client.publish(topic, payload, qos=1, retain=retain)

    def publish_once(self, topic: str, payload: bytes) -> None:
        """Hand over one message of QoS 0."""
        self._client.publish(topic, payload, qos=0)

    def socket(self) -> "socket.socket | None":
        """What it goes over, if anything does at this moment."""
        return cast("socket.socket | None", self._client.socket())

    def end(self) -> None:
        """Send what was handed over and a good-bye; takes a second at most."""
        self._client.disconnect()
        until = time.monotonic() + FAREWELL_S
        while self._client.socket() is not None and time.monotonic() < until:
            time.sleep(0.01)

    def abandon(self) -> None:
        """End it without a good-bye: the broker publishes the last will."""
        if (end := self._client.socket()) is not None:
            end.close()

    def _run(self) -> None:
        try:
            self._client.connect(self._broker.host, self._broker.port, KEEPALIVE_S)
            self._client.loop_start()
        except Exception as error:  # noqa: BLE001 - paho lets through whatever sockets, names and TLS raise
            self.happenings.put(("lost", str(error) or type(error).__name__))

    def _on_connect(self, client: paho.Client, _data: object, _flags: object, reason: Any, _properties: object) -> None:
        if reason.is_failure:
            self.happenings.put(("lost", f"refused: {reason}"))
        else:
            client.subscribe(self._topics)


def _make_client(broker: Broker, client_id: str, credentials: Credentials) -> paho.Client:
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id, clean_session=True, protocol=paho.MQTTv311, reconnect_on_failure=False
    )
    client.max_inflight_messages_set(WINDOW_EVENTS)  # the window is ours
    if broker.username:
        client.username_pw_set(broker.username, broker.password or None)
    if broker.uses_tls:
        try:
            client.tls_set_context(credentials.make_context())
        except (OSError, ValueError) as error:
            files = broker.certificates
            named = ", ".join(filter(None, (files.ca, files.certificate, files.key)))
            raise ConfigurationError(f"[mqtt] certificates ({named}) cannot be used: {error}") from error
    return client


def check_certificates(broker: Broker) -> None:
    """Raise ConfigurationError where the certificates cannot be used: before the first connection, not at it."""
    _make_client(broker, "check", Credentials(broker.certificates))
