"""Events to the sink through an MQTT broker, and nothing forgotten before the sink itself says that it has it.

The spool is read through a window: what was sent but not acknowledged by the sink on `rt/1/<box>/ack`. A broker's
PUBACK frees nothing (a broker may forget: up to a tenth of the events in a kill test). Without progress the window
goes back to the last acknowledgement and sends again, ever more slowly.
"""

import logging
import queue
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any

import msgpack

from collector.adapters.mqtt.connection import Broker, Connection, Identity, check_certificates
from collector.clock import WallClock
from collector.core import wire
from collector.core.events import HealthReported
from collector.credentials import Credentials
from collector.errors import ConfigurationError
from collector.ports import Event, EventStore, Row
from collector.tls import days_left, explain_refusal, warn_before_end
from collector.window import Window, reconnect_delay_s

MAX_BATCH_EVENTS = 50
MAX_BATCH_BYTES = 8192
STALL_S = 120.0  # a connection that brings no acknowledgement for so long is replaced: its thread may be dead

logger = logging.getLogger(__name__)


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
        self._credentials = Credentials(broker.certificates)
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
        left = days_left(self._credentials.certificate_file)
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

    def line(self) -> socket.socket:
        """The connection that is up. Raises RuntimeError while there is none."""
        end = self._connection.socket() if self._connection is not None else None
        if end is None:
            raise RuntimeError("there is no connection to the broker")
        return end

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
            number = self._store.next_connection()
            self._connection = Connection(self._broker, self._identity, number, self._credentials)
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
        warn_before_end(self._credentials.certificate_file)
        self._announce()

    def _lose(self, reason: str) -> None:
        if self._connection is not None:
            self._connection.abandon()
        if self._broker.uses_tls:
            reason = explain_refusal(reason, self._credentials.certificate_file)
            if not self._ready:
                self._credentials.handle_failure()
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
            came_back = content["online"] and not self._sink_online
            self._sink_online = content["online"]
            if came_back:  # a broker may keep births only for who asks for one box by its name (RabbitMQ)
                self._announce()

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
        """Follow one of three: send again what a restored sink lost; take a new key; say again who is there."""
        match content:
            case ["replay-from", int(epoch), int(seq)] if self._store.replay_from(epoch, seq):
                logger.warning("the sink asks for events from %d on once more", self._store.first_seq)
                self._announce()
            case ["rotate-key", str(text)]:
                self._receive_renewal(text)
            case ["report"] if self._ready:
                self._publish_state(online=True)
            case _:
                logger.warning("a command of the sink is not known, or cannot be followed, and is ignored")

    def _receive_renewal(self, text: str) -> None:
        try:
            if self._credentials.receive_renewal(text):
                left = days_left(self._credentials.certificate_file)
                logger.warning("the sink handed over a new certificate, which lasts %s days", left)
                self._lose("connecting with the new certificate")
        except (OSError, ValueError) as error:
            logger.warning("the sink's new certificate is not taken: %s", error)

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
            "kept_ms": self._store.kept_ms,
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
