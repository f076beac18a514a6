"""Events to the sink through an MQTT broker, and nothing forgotten before the sink itself says that it has it.

The spool is read through a window: what was sent but not acknowledged by the sink on `rt/1/<box>/ack`. A broker's
PUBACK frees nothing (a broker may forget: up to a tenth of the events in a kill test). Without progress the window
goes back to the last acknowledgement and sends again, ever more slowly.

paho-mqtt 2.x is used for one connection at a time: a lost connection's client is thrown away with its queue, its
packet numbers and its threads, because paho would send everything it has queued at once when it reconnects, and
reconnects without jitter. Its callbacks only put what happened into a queue; all decisions fall in the thread that
calls `pump`.
"""

import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import msgpack
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from collector.clock import WallClock
from collector.core import wire
from collector.core.events import HealthReported
from collector.errors import ConfigurationError
from collector.ports import Event, EventStore, Row
from collector.tls import days_left, explain_refusal, make_context, warn_before_end
from collector.window import WINDOW_EVENTS, Window, reconnect_delay_s

MAX_BATCH_EVENTS = 50
MAX_BATCH_BYTES = 8192
STALL_S = 120.0  # a connection that brings no acknowledgement for so long is replaced: its thread may be dead
KEEPALIVE_S = 30
FAREWELL_S = 1.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and how to be let in; empty means: not used."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""

    @property
    def uses_tls(self) -> bool:
        """True where a certificate is named."""
        return bool(self.ca_file or self.certificate_file)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who speaks: goes into every birth message."""

    box: str
    office: str
    tenant: str
    version: str


class Connection:
    """One MQTT connection from its first packet to its last; what happens to it comes out of `happenings`."""

    def __init__(self, broker: Broker, identity: Identity, number: int) -> None:
        self.number = number
        self.happenings: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._broker = broker
        self._topics = [(wire.topic(identity.box, name), 1) for name in ("ack", "cmd")] + [(wire.SINK_STATE_TOPIC, 1)]
        self._client = _make_client(broker, identity.box)
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

    def end(self) -> None:
        """Send what was handed over and a good-bye; takes a second at most."""
        self._client.disconnect()
        until = time.monotonic() + FAREWELL_S
        while self._client.socket() is not None and time.monotonic() < until:
            time.sleep(0.01)

    def abandon(self) -> None:
        """End it without a good-bye: the broker publishes the last will."""
        if (socket := self._client.socket()) is not None:
            socket.close()

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


def _make_client(broker: Broker, client_id: str) -> paho.Client:
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id, clean_session=True, protocol=paho.MQTTv311, reconnect_on_failure=False
    )
    client.max_inflight_messages_set(WINDOW_EVENTS)  # the window is ours
    if broker.username:
        client.username_pw_set(broker.username, broker.password or None)
    if broker.uses_tls:
        try:
            client.tls_set_context(make_context(broker.ca_file, broker.certificate_file, broker.key_file))
        except (OSError, ValueError) as error:
            files = ", ".join(filter(None, (broker.ca_file, broker.certificate_file, broker.key_file)))
            raise ConfigurationError(f"[mqtt] certificates ({files}) cannot be used: {error}") from error
    return client


def check_certificates(broker: Broker) -> None:
    """Raise ConfigurationError where the certificates cannot be used: before the first connection, not at it."""
    _make_client(broker, "check")


class MqttPublisher:
    """An event sink: spool first, then the broker, and away only with the sink's own acknowledgement."""

    def __init__(
        self,
        store: EventStore,
        broker: Broker,
        identity: Identity,
        *,
        clock: WallClock | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._broker = broker
        self._identity = identity
        self._clock = clock  # None: the events' times are right, they come from a recording
        self._clock_ok = clock is None
        self._now = monotonic
        self._boot = secrets.token_hex(4) if clock is None else clock.boot
        self._window = Window()
        self._connection: Connection | None = None
        self._ready = False
        self._sink_online = True  # until it says otherwise: a broker without a retained word of it is a new one
        self._failures = 0
        self._connect_at = 0.0
        self._announced_epoch = 0
        check_certificates(broker)

    # --- the sink's port ---

    def write(self, events: Sequence[Event]) -> None:
        """Spool these events in one transaction; health reports get the days that the certificate still lasts."""
        left = days_left(self._broker.certificate_file)
        for event in events:
            if isinstance(event, HealthReported) and left is not None:
                event.counters["certificate_days"] = max(0, left)
        doubt = "" if self._clock is None or self._clock_ok else f"{self._clock.boot} {self._clock.offset_ms()}"
        self._store.append([wire.encode_event(event) for event in events], doubt)

    def publish_live(self, payload: bytes) -> None:
        """Send progress for wallboards now, at most once, or not at all."""
        if self._connection is not None and self._ready and self._sink_online:
            self._connection.publish_once(wire.topic(self._identity.box, "live"), payload)

    def pump(self, wait_s: float = 0.0) -> None:
        """Take in what the broker said, then send what the window allows."""
        self._store.handle_time()
        if not self._clock_ok:
            self._look_at_clock()
        if self._connection is None:
            self._connect_if_due()
        self._take_happenings(wait_s)
        if self._ready:
            self._follow_store()
        if self._ready and self._sink_online:
            self._send_batches()
            self._resend_if_due()

    def undelivered(self) -> int:
        """Events the sink has not acknowledged."""
        return self._store.undelivered()

    def close(self) -> None:
        """Say that this box goes away, and leave the spool in order."""
        if self._connection is not None and self._ready:
            self._publish_state(online=False)
            self._connection.end()
        self._store.close()

    # --- the clock ---

    def _look_at_clock(self) -> None:
        """As soon as the clock is right, so is everything that waits from this boot."""
        if self._clock is not None and self._clock.synchronised():
            self._clock_ok = True
            self._store.settle(self._clock.boot, self._clock.offset_ms())
            if self._ready:
                self._publish_state(online=True)

    def _waits_for_clock(self, doubt: str) -> bool:
        """True while events of this boot should wait; those of an earlier one cannot be helped."""
        clock = self._clock
        return clock is not None and doubt.partition(" ")[0] == clock.boot and clock.is_worth_waiting_for()

    # --- the connection ---

    def _connect_if_due(self) -> None:
        if self._now() < self._connect_at:
            return
        try:
            self._connection = Connection(self._broker, self._identity, self._store.next_connection())
        except ConfigurationError as error:  # certificates may be away for a moment while they are renewed
            self._lose(str(error))
            return
        self._connection.start(wire.topic(self._identity.box, "state"), self._state(online=False))

    def _take_happenings(self, wait_s: float) -> None:
        if self._connection is None:
            time.sleep(min(wait_s, max(0.0, self._connect_at - self._now())))
            return
        happenings = self._connection.happenings
        try:
            while self._connection is not None:
                what, detail = happenings.get(timeout=wait_s) if wait_s > 0 else happenings.get_nowait()
                wait_s = 0.0
                self._handle_happening(what, detail)
        except queue.Empty:
            pass

    def _handle_happening(self, what: str, detail: Any) -> None:
        if what == "subscribed":
            self._begin()
        elif what == "message":
            self._receive_message(*detail)
        elif what == "lost":
            self._lose(detail)

    def _begin(self) -> None:
        if self._failures:
            logger.warning("connected to the broker at %s:%d again", self._broker.host, self._broker.port)
        self._ready = True
        warn_before_end(self._broker.certificate_file)
        self._announce()

    def _lose(self, reason: str) -> None:
        if self._connection is not None:
            self._connection.abandon()
        if self._broker.uses_tls:
            reason = explain_refusal(reason, self._broker.certificate_file)
        self._connection = None
        self._ready = False
        if self._failures == 0:
            logger.warning("no connection to the broker at %s:%d: %s; events wait in the spool",
                           self._broker.host, self._broker.port, reason)  # fmt: skip
        self._connect_at = self._now() + reconnect_delay_s(self._failures)
        self._failures += 1

    # --- what the sink says ---

    def _receive_message(self, topic: str, payload: bytes) -> None:
        try:
            content = msgpack.unpackb(payload)
        except (ValueError, msgpack.UnpackException):
            logger.warning("a message on %s cannot be read and is ignored", topic)
            return
        if topic == wire.SINK_STATE_TOPIC:
            self._receive_sink_state(content)
        elif topic == wire.topic(self._identity.box, "ack"):  # amqtt hands out other boxes' retained messages too
            self._receive_ack(content)
        elif topic == wire.topic(self._identity.box, "cmd"):
            self._receive_command(content)

    def _receive_sink_state(self, content: object) -> None:
        if isinstance(content, dict) and isinstance(content.get("online"), bool):
            if content["online"] and not self._sink_online:
                self._window.restart(self._store.first_seq - 1, self._now())
            self._sink_online = content["online"]

    def _receive_ack(self, content: object) -> None:
        if not (
            isinstance(content, list) and len(content) >= 2 and all(isinstance(number, int) for number in content[:2])
        ):
            return
        epoch, seq = content[:2]
        if epoch != self._store.epoch:
            return
        self._failures = 0
        if seq > self._store.last_seq:
            self._begin_other_epoch(seq)
            return
        self._store.discard_through(epoch, seq)
        self._window.receive_ack(seq, self._now())

    def _receive_command(self, content: object) -> None:
        """["replay", epoch, seq]: the sink was restored from a backup; ["report"]: say again who is there."""
        match content:
            case ["replay", int(epoch), int(seq)] if self._store.replay_from(epoch, seq):
                logger.warning("the sink asks for events from %d on once more", self._store.first_seq)
                self._announce()
            case ["report"] if self._ready:
                self._publish_state(online=True)
            case _:
                logger.warning("a command of the sink is not known, or cannot be followed, and is ignored")

    def _begin_other_epoch(self, seq: int) -> None:
        logger.warning("the sink knows event %d of this spool, which ends at %d: a copy of it speaks elsewhere; "
                       "going on under another epoch", seq, self._store.last_seq)  # fmt: skip
        self._store.renew_epoch()
        self._announce()

    # --- what we say ---

    def _announce(self) -> None:
        """Birth: who speaks under which numbering, and what there is; sending starts after what the sink has."""
        self._announced_epoch = self._store.epoch
        self._window.restart(self._store.first_seq - 1, self._now())
        self._publish_state(online=True)

    def _follow_store(self) -> None:
        """The spool began another numbering, or dropped its oldest events: the sink must not wait for those."""
        if self._store.epoch != self._announced_epoch or self._store.first_seq > self._window.acked + 1:
            self._announce()

    def _resend_if_due(self) -> None:
        now = self._now()
        if self._window.handle_time(now) and now - self._window.progress_at > STALL_S:
            self._lose("no acknowledgement came for two minutes")

    def _send_batches(self) -> None:
        while self._window.room > 0:
            doubt = self._store.doubt_after(self._window.sent)
            if doubt and self._waits_for_clock(doubt):
                return
            rows = self._store.pending(self._window.sent, min(MAX_BATCH_EVENTS, self._window.room))
            if not rows:
                return
            self._send_batch(_fitting(rows), wire.CLOCK_UNKNOWN if doubt else wire.CLOCK_SYNCHRONISED)

    def _send_batch(self, rows: Sequence[Row], clock: int) -> None:
        array = wire.encode_batch(self._store.epoch, rows[0][0], clock, [(t_ms, body) for _, t_ms, body in rows])
        self._publish("ev", msgpack.packb(array))
        self._window.record_sent(rows[-1][0], self._now())

    def _publish_state(self, *, online: bool) -> None:
        self._publish("state", self._state(online=online), retain=True)

    def _publish(self, channel: str, payload: bytes, *, retain: bool = False) -> None:
        if self._connection is not None:
            self._connection.publish(wire.topic(self._identity.box, channel), payload, retain=retain)

    def _state(self, *, online: bool) -> bytes:
        state = {
            "connection": self._connection.number if self._connection else 0,
            "boot": self._boot,
            "epoch": self._store.epoch,
            "first": self._store.first_seq,
            "kept": self._store.kept_seq,
            "last": self._store.last_seq,
            "clock_ok": self._clock_ok,
            "version": self._identity.version,
            "tenant": self._identity.tenant,
            "office": self._identity.office,
            "online": online,
        }
        return bytes(msgpack.packb(state))


def _fitting(rows: list[Row]) -> list[Row]:
    """The first rows that make a batch of at most MAX_BATCH_BYTES; always at least one."""
    used = 0

    def fits(row: Row) -> bool:
        nonlocal used
        used += len(msgpack.packb(row[2])) + 4
        return used <= MAX_BATCH_BYTES

    return list(takewhile(fits, rows)) or rows[:1]
