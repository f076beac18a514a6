"""A thousand boxes lose their broker and come back: real connections to a real mosquitto, with the boxes' own waits."""

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from collector.window import reconnect_delay_s
from fieldkit.bench import brokers

BOXES = 1_000
PATIENCE_S = 120.0
CONNACK = b"\x20\x02\x00\x00"


@dataclass(frozen=True, slots=True)
class Return:
    """How they came back: most accepted connections in one second, and how long until the last one was back."""

    most_a_second: int
    took_s: float


def measure_return(folder: Path, away_s: float) -> Return:
    """Kill the broker under all boxes and start it again after a while."""
    return asyncio.run(_measure(folder, away_s))


async def _measure(folder: Path, away_s: float) -> Return:
    port = brokers.free_port()
    broker = brokers.mosquitto(folder, port)
    broker.start()
    boxes = [Box(f"office-{number}", port) for number in range(BOXES)]
    lives = [asyncio.create_task(box.live()) for box in boxes]
    try:
        await _until(boxes, 1)
        broker.kill()
        await asyncio.sleep(away_s)
        broker.start()
        begun = time.monotonic()
        await _until(boxes, 2)
    finally:
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        broker.kill()
    seconds = Counter(int(box.back_at - begun) for box in boxes)
    return Return(max(seconds.values()), max(box.back_at for box in boxes) - begun)


async def _until(boxes: list["Box"], times: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while any(box.connected < times for box in boxes):
        if time.monotonic() > until:
            raise TimeoutError(f"{sum(box.connected < times for box in boxes)} boxes are not connected")
        await asyncio.sleep(0.05)


class Box:
    """Connects, stays until the connection ends, waits as a box waits, and connects again."""

    def __init__(self, name: str, port: int) -> None:
        self.connected = 0
        self.back_at = 0.0
        self._port = port
        content = b"\x00\x04MQTT\x04\x02\x00\x1e" + len(name).to_bytes(2, "big") + name.encode()
        self._connect_packet = bytes([0x10, len(content)]) + content

    async def live(self) -> None:
        """Until cancelled."""
        failures = 0
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                try:
                    writer.write(self._connect_packet)
                    if await reader.readexactly(len(CONNACK)) == CONNACK:
                        self.connected, self.back_at, failures = self.connected + 1, time.monotonic(), 0
                        await reader.read()
                finally:
                    writer.close()
            await asyncio.sleep(reconnect_delay_s(failures))
            failures += 1
