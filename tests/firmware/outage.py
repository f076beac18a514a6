"""A board whose broker is away and whose power fails: what it had written arrives once, what it had not is a gap.

The firmware's own application on MicroPython with 128 KB, real UDP in, its spool on littlefs over a flash in a file
that counts erases. A recording's calls, stretched over an hour, come while there is no broker; the power goes in the
middle of random writes to the flash, the same ones for the same SEED, and is away for half a minute each time. Then
mosquitto and the sink come. Prints one line of JSON; exit 1 when something is missing, twice or silent.

usage: outage.py RECORDING CUTS SEED     e.g. tests/captures/office-day-A.pcap.gz 8 1: about a minute
"""

import contextlib
import json
import random
import signal
import socket
import struct
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine, select

sys.path[:0] = [str(Path(__file__).parents[1] / name) for name in ("firmware", "portable", "end_to_end")]
from build_micropython import build  # noqa: E402
from processes import EVER, Office, free_port, make_office, sink, stop  # noqa: E402
from router import (  # noqa: E402
    END,
    ETHERNET,
    STAMP,
    STAMPS_FROM_MS,
    Board,
    frames_of,
    make_settings,
    receive_queue,
    restart,
    running_board,
    running_broker,
    wait_until,
)

from cloud_sink.store import tables  # noqa: E402
from cloud_sink.store.writing import EVENTS_GONE  # noqa: E402

LAB = Path(__file__).parents[1] / "captures" / "asterisk-lab.toml"
HEAP = "128k"
HOUR_MS = 3_600_000
AWAY_MS = 30_000  # how long the power is away, of the office's time
BLOCK_BYTES, BLOCKS = 4096, 256  # as vm/flash_file.py: 1 MB
CYCLES = 100_000  # erases that a block of NOR flash stands
FEWEST_WRITES, MOST_WRITES = 60, 200  # until the power goes: of the flash's writes, 128 bytes or fewer each
PATIENCE_S = 120
EVENT_TABLES = [  # a row for an event that came, under the event's own number
    tables.legs, tables.registrations, tables.told, tables.voice, tables.registers, tables.gaps, tables.health
]  # fmt: skip
STARTS = 5

Frames = list[tuple[bytes, int]]  # a frame, and its Unix time in ms
Numbers = set[tuple[int, int]]  # epoch and seq of events


@dataclass
class Flash:
    """The files that `vm/flash_file.py` keeps in the folder, and what they tell."""

    folder: Path
    flushed: Numbers = field(default_factory=set)
    existed: dict[int, int] = field(default_factory=dict)  # epoch -> newest number when the power went
    cuts_ms: list[int] = field(default_factory=list)  # Unix times at which it went
    until_ms: int = 0  # when the recording ended

    def make(self) -> None:
        """A chip that has never been written."""
        (self.folder / "flash.img").write_bytes(b"\xff" * BLOCK_BYTES * BLOCKS)
        (self.folder / "erases").write_bytes(bytes(4 * BLOCKS))

    def let_power_last(self, writes: int, seed: int) -> None:
        """So many writes; -1: for ever."""
        (self.folder / "power").write_text(f"{writes} {seed}")

    def read_journal(self) -> None:
        """What flushes promised, and what there was at the cuts."""
        for line in (self.folder / "journal").read_text().splitlines():
            what, epoch, *numbers = line.split()
            if what == "cut":
                self.existed[int(epoch)] = int(numbers[0])
            else:
                self.flushed |= {(int(epoch), seq) for seq in range(int(numbers[0]), int(numbers[1]) + 1)}

    def erases(self) -> tuple[int, ...]:
        """Of each block."""
        return struct.unpack(f">{BLOCKS}I", (self.folder / "erases").read_bytes())


def stretched(recording: Path, limit: int | None = None) -> Frames:
    """Its frames over an hour; with `limit` only so many of the first, in that part of the hour."""
    frames = frames_of(recording)
    begin, span = frames[0][1], frames[-1][1] - frames[0][1]
    return [(frame[0], begin + (frame[1] - begin) * HOUR_MS // span) for frame in frames[:limit]]


def stream_until_cut(frames: Frames, board: Board) -> Frames:
    """Each as soon as the board has taken the one before; those from the one on at which the power went."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", board.port))
        for number, (frame, at_ms) in enumerate(frames):
            with contextlib.suppress(ConnectionRefusedError):
                sock.send(ETHERNET + STAMP + struct.pack(">Q", at_ms) + END + frame)
            wait_until(lambda: not receive_queue(board.port), PATIENCE_S, 0.0002)
            if board.process.poll() is not None:
                return frames[number:]
    return []


@contextlib.contextmanager
def powered_board(vm: Path, settings: Path, start_ms: int) -> Iterator[Board]:
    """A board with that flash, whose time begins at `start_ms`."""
    clock = f"stamped{start_ms - STAMPS_FROM_MS}"
    with running_board(vm, settings, clock, "", "", "", f"{settings.parent}/", heap=HEAP) as board:
        yield board


def spool_in_flash(settings: Path) -> Path:
    """Settings of a board whose spool is in that flash."""
    sections = json.loads(settings.read_text())
    sections["spool"]["path"] = "/flash/spool"
    settings.write_text(json.dumps(sections))
    return settings


def run_outage(vm: Path, office: Office, port: int, folder: Path, frames: Frames, cuts: int, seed: int) -> Flash:
    """The whole of it: so many power cuts without a broker, then the broker, the sink and the last start."""
    chance = random.Random(seed)
    flash = Flash(folder)
    flash.make()
    settings = make_settings(folder, LAB, free_port(), {"host": "127.0.0.1", "port": port}, status_port=free_port())
    spool_in_flash(settings)
    for cut in range(cuts):
        flash.let_power_last(chance.randrange(FEWEST_WRITES, MOST_WRITES), seed + cut)
        with powered_board(vm, settings, frames[0][1]) as board:
            frames = stream_until_cut(frames, board)
            assert frames, f"the recording ended before cut {cut + 1}: fewer cuts, or a longer recording"
            assert board.process.wait(PATIENCE_S) == -signal.SIGKILL, board.output.read_text()
        flash.cuts_ms.append(frames[0][1])
        frames = [frame for frame in frames if frame[1] >= flash.cuts_ms[-1] + AWAY_MS]
    flash.let_power_last(-1, seed)
    with powered_board(vm, settings, frames[0][1]) as board:
        assert not stream_until_cut(frames, board)
        assert board.process.poll() is None, board.output.read_text()
        with running_broker(folder, port), sink(office) as process:
            deliver(vm, settings, board, port, frames[-1][1])
            stop(process)
    flash.until_ms = frames[-1][1]
    flash.read_journal()
    return flash


def deliver(vm: Path, settings: Path, board: Board, port: int, now_ms: int) -> None:
    """Wait until the sink has everything; what a restart's five seconds leave, the next starts send."""
    wait_until(lambda: waiting(board) == 0, PATIENCE_S)
    figures = restart(board, port)
    for _ in range(STARTS):
        if not figures["undelivered"]:
            return
        with powered_board(vm, settings, now_ms) as again:
            figures = restart(again, port)
    raise AssertionError(figures)


def waiting(board: Board) -> int:
    """Events that the sink does not have, by the board's page."""
    time.sleep(0.2)  # the page takes memory and time from the delivery
    with urllib.request.urlopen(f"http://127.0.0.1:{board.status_port}/", timeout=PATIENCE_S) as answer:
        page = answer.read().decode()
    return int(page.partition("<th>waiting<td>")[2].partition("<")[0])


def stored_numbers(office: Office) -> list[tuple[int, int]]:
    """Epoch and number of every event in the sink's tables; one that were there twice would be in the list twice.

    Without the gaps that the sink itself notes under the number of an event that will never come.
    """
    found: list[tuple[int, int]] = []
    with create_engine(office.database).connect() as connection:
        for table in EVENT_TABLES:
            query = select(table.c.epoch, table.c.seq)
            if table is tables.gaps:
                query = query.where(table.c.reason != EVENTS_GONE)
            found += [(epoch, seq) for epoch, seq in connection.execute(query)]
    return found


def is_told(moment_ms: int, office: Office) -> bool:
    """True where a gap says that the board did not run then."""
    gaps = office.store().gaps("lab", *EVER)
    return any(gap.reason == "not_running" and gap.from_ms <= moment_ms <= gap.until_ms for gap in gaps)


def report(flash: Flash, office: Office, begin_ms: int) -> dict[str, float]:
    """What was promised and what came, and the wear."""
    hours = (flash.until_ms - begin_ms) / HOUR_MS
    stored = stored_numbers(office)
    arrived = set(stored)
    existed = {(epoch, seq) for epoch, last in flash.existed.items() for seq in range(1, last + 1)}
    erases = flash.erases()
    return {
        "cuts": len(flash.cuts_ms),
        "flushed": len(flash.flushed),
        "flushed_not_arrived": len(flash.flushed - arrived),
        "arrived_twice": len(stored) - len(arrived),
        "only_in_memory_at_a_cut": len(existed - flash.flushed - arrived),
        "silent_cuts": sum(not is_told(moment_ms, office) for moment_ms in flash.cuts_ms),
        "hours": round(hours, 2),
        "erases_an_hour": round(sum(erases) / hours),
        "most_erased_block": max(erases),
        "years_of_outage": round(BLOCKS * CYCLES / (sum(erases) / hours) / 24 / 365, 1),
    }


def main(recording: Path, cuts: int, seed: int, folder: Path) -> dict[str, float]:
    """An hour of it in the folder; the figures."""
    port = free_port()
    office = make_office(folder, LAB, embedded=False, port=port)
    frames = stretched(recording)
    return report(run_outage(build(folder / "vm"), office, port, folder, frames, cuts, seed), office, frames[0][1])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        figures = main(Path(sys.argv[1]).resolve(), int(sys.argv[2]), int(sys.argv[3]), Path(name))
    print(json.dumps(figures))
    sys.exit(1 if figures["flushed_not_arrived"] or figures["arrived_twice"] or figures["silent_cuts"] else 0)
