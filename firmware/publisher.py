"""Events to the sink through an MQTT broker; they leave the spool with the sink's own acknowledgement only.

The rules are those of the collector's publisher: a birth that says which events there are, a window beyond the last
acknowledgement, going back without progress, silence while the sink is away, back-off with jitter. A broker's PUBACK
frees nothing.
"""

import asyncio
import gc
import random
import time

from collector.core import wire
from firmware.mqtt import Connection, MqttError
from firmware.packer import Malformed, pack, pack_batch, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from firmware.settings import Settings
    from firmware.spool import Spool

MAX_BATCH_EVENTS = 50
MAX_BATCH_BYTES = 1024  # an eighth of the collector's: a batch, its packet and its TLS record are in memory together
WINDOW_EVENTS = 100
BATCH_MS = 1000  # what waits goes out once a second, or when it fills a batch
LOOK_MS = 50
RESEND_MS = 2500
MAX_RESEND_MS = 60_000
STALL_MS = 120_000  # a connection that brings no acknowledgement for so long is replaced
CONNECT_MS = 20_000  # a handshake takes an ESP32 some seconds
KEEPALIVE_S = 30
SILENCE_MS = 45_000
MAX_BACKOFF_MS = 60_000
FIRST_BACKOFF_MS = 1000


class Publisher:
    """Runs for ever. `state` gives the birth message's fields, `on_command` takes what is asked of this board."""

    def __init__(
        self,
        settings: "Settings",
        spool: "Spool",
        state: "Callable[[], dict[str, object]]",
        on_command: "Callable[[object], None]",
    ) -> None:
        self.connected = False
        self.acknowledged = False  # the sink has said at least once, since the start, what it has
        self.newest_ms = 0  # and when the newest event was that it had of earlier starts: Unix ms; 0: it did not say
        self.connections = 0
        self.last_error = ""
        self.errors = 0
        self._mqtt = settings.mqtt
        self._box = settings.box["id"]
        self._spool = spool
        self._state = state
        self._on_command = on_command
        self._connection: Connection | None = None
        self._sink_online = True  # until it says otherwise
        self._failures = 0
        self._epoch = -1  # of the last birth
        self._acked = 0
        self._sent = 0
        self._resend_ms = RESEND_MS
        self._progress_ms = 0
        self._armed_ms = 0
        self._batch_ms = 0

    @property
    def online(self) -> bool:
        """True while events can be sent."""
        return self.connected and self._sink_online

    async def run(self) -> None:
        """Connect, publish, and begin again whatever happens."""
        while True:
            try:
                await self._run_connection()
            except asyncio.CancelledError:
                raise
            except Exception as error:
                self.errors += 1
                self.last_error = str(error) or type(error).__name__
            self.connected = False
            self._connection = None
            backoff_ms = min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS << self._failures)
            self._failures = min(self._failures + 1, 6)
            gc.collect()  # what a TLS session held
            await asyncio.sleep_ms(backoff_ms // 2 + random.getrandbits(16) % (backoff_ms // 2))

    def announce_again(self) -> None:
        """Say the birth message again: something in it has changed."""
        self._epoch = -1

    async def close(self) -> None:
        """Say that this board goes away on purpose."""
        if self.connected:
            await self._publish_state(False)
            await self._connection.disconnect()

    async def _run_connection(self) -> None:
        self.connections += 1
        stream = await asyncio.wait_for_ms(self._open(), CONNECT_MS)
        reader = None
        try:
            connection = Connection(stream, self._receive_message)
            await asyncio.wait_for_ms(self._begin(connection), CONNECT_MS)
            reader = asyncio.create_task(connection.serve())
            await self._publish_until_lost(connection, reader)
        finally:
            if reader is not None:
                reader.cancel()
            stream.close()

    async def _open(self) -> object:
        mqtt = self._mqtt
        context = make_context(mqtt) if mqtt["ca_file"] else None
        stream, _ = await asyncio.open_connection(mqtt["host"], mqtt["port"], context, mqtt["host"])
        return stream

    async def _begin(self, connection: Connection) -> None:
        mqtt = self._mqtt
        password = first_line(mqtt["password_file"]) if mqtt["password_file"] else ""
        will = pack(dict(self._state(), connection=self.connections, online=False))
        state_topic = wire.topic(self._box, "state")
        await connection.connect(self._box, mqtt["username"], password, KEEPALIVE_S, state_topic, will)
        self._connection = connection
        topics = [wire.topic(self._box, "ack"), wire.topic(self._box, "cmd"), wire.SINK_STATE_TOPIC]
        await connection.subscribe(topics)
        self.connected = True
        await self._announce()

    async def _publish_until_lost(self, connection: Connection, reader: asyncio.Task) -> None:
        self._progress_ms = time.ticks_ms()
        while True:
            if reader.done():
                await reader  # raises what ended it
                raise MqttError("connection closed")
            now_ms = time.ticks_ms()
            if time.ticks_diff(now_ms, connection.heard_ms) > SILENCE_MS:
                raise MqttError("broker is silent")
            if time.ticks_diff(now_ms, connection.sent_ms) > KEEPALIVE_S * 500:
                await connection.ping()
            await self._follow_spool()
            if self._sink_online:
                self._go_back_if_due(now_ms)
                await self._send_batches(connection, now_ms)
            await asyncio.sleep_ms(LOOK_MS)

    # --- what the sink says ---

    def _receive_message(self, topic: str, payload: bytes) -> None:
        try:
            content = unpack(payload)
        except Malformed:
            self.errors += 1
            return
        if topic == wire.SINK_STATE_TOPIC:
            self._receive_sink_state(content)
        elif topic.endswith("/ack"):
            self._receive_ack(content)
        else:
            self._on_command(content)

    def _receive_sink_state(self, content: object) -> None:
        if isinstance(content, dict) and isinstance(content.get("online"), bool):
            if content["online"] and not self._sink_online:
                self._sent = self._acked = self._spool.first_seq - 1
                self._progress_ms = time.ticks_ms()
            self._sink_online = content["online"]

    def _receive_ack(self, content: object) -> None:
        if not (isinstance(content, list) and len(content) >= 2):
            return
        epoch, seq = content[0], content[1]
        if not isinstance(epoch, int) or not isinstance(seq, int) or epoch != self._spool.epoch:
            return
        self._failures = 0
        self.acknowledged = True
        if len(content) > 2 and isinstance(content[2], int):
            self.newest_ms = content[2]
        if seq <= self._acked or seq > self._spool.last_seq:
            return
        self._spool.discard_through(epoch, seq)
        self._acked = seq
        self._sent = max(self._sent, seq)
        self._resend_ms = RESEND_MS
        self._progress_ms = self._armed_ms = time.ticks_ms()

    # --- what we say ---

    async def _publish_state(self, online: bool) -> None:
        state = dict(self._state(), connection=self.connections, online=online)
        await self._connection.publish(wire.topic(self._box, "state"), pack(state), True)

    async def _announce(self) -> None:
        """Birth: under which numbering, and what there is."""
        self._epoch = self._spool.epoch
        self._sent = self._acked = self._spool.first_seq - 1
        self._resend_ms = RESEND_MS
        await self._publish_state(True)

    async def _follow_spool(self) -> None:
        """The sink has an earlier start's events, or the oldest were dropped: it must not wait for those."""
        if self._spool.epoch != self._epoch or self._spool.first_seq > self._acked + 1:
            await self._announce()

    def _go_back_if_due(self, now_ms: int) -> None:
        if self._sent == self._acked:
            self._progress_ms = now_ms
        elif time.ticks_diff(now_ms, self._progress_ms) > STALL_MS:
            raise MqttError("no acknowledgement came for two minutes")
        elif time.ticks_diff(now_ms, self._armed_ms) > self._resend_ms:
            self._sent = self._acked
            self._resend_ms = min(2 * self._resend_ms, MAX_RESEND_MS)

    async def _send_batches(self, connection: Connection, now_ms: int) -> None:
        while self._sent - self._acked < WINDOW_EVENTS:
            waiting = self._spool.last_seq - self._sent
            if waiting < MAX_BATCH_EVENTS and time.ticks_diff(now_ms, self._batch_ms) < BATCH_MS:
                return
            seq, clock, rows = self._spool.pending(self._sent, MAX_BATCH_EVENTS, MAX_BATCH_BYTES)
            if not rows:
                return
            if self._sent == self._acked:
                self._armed_ms = now_ms
            payload = pack_batch(self._spool.epoch, seq, clock, rows)
            self._sent = seq + len(rows) - 1
            self._batch_ms = now_ms
            del rows
            await connection.publish(wire.topic(self._box, "ev"), payload)


def make_context(mqtt: dict[str, str]) -> object:
    """A TLS context with this board's certificate; all files are DER. Raises OSError or ValueError."""
    import tls

    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    context.verify_mode = tls.CERT_REQUIRED
    context.load_verify_locations(_content(mqtt["ca_file"]))
    if mqtt["certificate_file"]:
        context.load_cert_chain(_content(mqtt["certificate_file"]), _content(mqtt["key_file"]))
    return context


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def first_line(path: str) -> str:
    """A file's first line; raises OSError."""
    with open(path) as file:
        return file.readline().rstrip("\r\n")
