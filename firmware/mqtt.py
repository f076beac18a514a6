"""MQTT 3.1.1 over an asyncio stream, as much of it as a publisher needs: QoS 1 out, QoS 0 and 1 in, last will.

Nothing here waits for a PUBACK: what the sink has is said by the sink itself (see `publisher.py`), and a capture must
not stand still for a broker. Sections are those of the OASIS standard "MQTT Version 3.1.1".
"""

import asyncio
import struct
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP = 2, 3, 4, 9, 13
MAX_PACKET = 4096  # of what is received; anything longer is skipped
REFUSALS = ("", "protocol version", "client name", "server unavailable", "user name or password", "not authorised")


class MqttError(Exception):
    """The broker refused, or does not speak MQTT; the text says which."""


class Connection:
    """One connection from its first packet to its last. `on_message(topic, payload)` takes what arrives."""

    def __init__(self, stream: object, on_message: "Callable[[str, bytes], None]") -> None:
        self.heard_ms = time.ticks_ms()  # when the broker last said something
        self.sent_ms = self.heard_ms
        self.pubacks = 0
        self.skipped = 0
        self._stream = stream
        self._on_message = on_message
        self._lock = asyncio.Lock()  # a stream loses what is written while another task waits in drain()
        self._packet_id = 0

    async def connect(
        self, client: str, username: str, password: str, keepalive_s: int, will_topic: str, will: bytes
    ) -> None:
        """Section 3.1, with a retained last will of QoS 1; raises MqttError when the broker refuses."""
        flags = 0x2E | (0x80 if username else 0) | (0x40 if password else 0)
        body = _text("MQTT") + struct.pack(">BBH", 4, flags, keepalive_s) + _text(client) + _text(will_topic)
        body += struct.pack(">H", len(will)) + will
        for text in (username, password):
            if text:
                body += _text(text)
        await self._send(0x10, body)
        kind, _, answer = await self._receive()
        if kind != CONNACK or len(answer) < 2:
            raise MqttError("no MQTT broker there")
        if answer[1]:
            raise MqttError("refused: " + (REFUSALS[answer[1]] if answer[1] < len(REFUSALS) else str(answer[1])))

    async def subscribe(self, topics: list[str]) -> None:
        """Section 3.8, QoS 1 each; the answer is awaited, retained messages may come before it."""
        body = struct.pack(">H", self._next_id())
        for topic in topics:
            body += _text(topic) + b"\x01"
        await self._send(0x82, body)
        while True:
            kind, flags, body = await self._receive()
            if kind == SUBACK:
                return
            await self._handle(kind, flags, body)

    async def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """Section 3.3, QoS 1: returns once it is handed to the network."""
        head = _text(topic) + struct.pack(">H", self._next_id())
        await self._send(0x33 if retain else 0x32, head, payload)

    async def ping(self) -> None:
        """Section 3.12."""
        await self._send(0xC0, b"")

    async def disconnect(self) -> None:
        """Section 3.14: no last will."""
        await self._send(0xE0, b"")

    async def serve(self) -> None:
        """Take what arrives until the connection breaks: raises OSError or EOFError."""
        while True:
            await self._handle(*await self._receive())

    async def _handle(self, kind: int, flags: int, body: bytes) -> None:
        if kind == PUBACK:
            self.pubacks += 1
        elif kind == PUBLISH and len(body) > 4:
            length = body[0] << 8 | body[1]
            at = 2 + length
            if flags & 6:
                await self._send(0x40, body[at : at + 2])
                at += 2
            self._on_message(str(body[2 : 2 + length], "utf-8"), body[at:])

    async def _receive(self) -> tuple[int, int, bytes]:
        first = (await self._stream.readexactly(1))[0]
        length = shift = 0
        while True:
            byte = (await self._stream.readexactly(1))[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
            if shift > 21:
                raise MqttError("no MQTT packet")
        self.heard_ms = time.ticks_ms()
        if length > MAX_PACKET:
            await self._skip(length)
            return 0, 0, b""
        return first >> 4, first & 15, await self._stream.readexactly(length) if length else b""

    async def _skip(self, length: int) -> None:
        self.skipped += 1
        while length:
            length -= len(await self._stream.readexactly(min(length, 512)))

    async def _send(self, first: int, head: bytes, payload: bytes = b"") -> None:
        packet = bytearray((first,))
        length = len(head) + len(payload)
        while True:
            packet.append(length & 0x7F | (0x80 if length > 0x7F else 0))
            length >>= 7
            if not length:
                break
        packet.extend(head)
        async with self._lock:
            self._stream.write(packet)
            if payload:
                self._stream.write(payload)  # apart: the largest thing in memory is not put together again
            await self._stream.drain()
        self.sent_ms = time.ticks_ms()

    def _next_id(self) -> int:
        self._packet_id = self._packet_id % 0xFFFF + 1  # section 2.3.1: never 0
        return self._packet_id


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">H", len(data)) + data
