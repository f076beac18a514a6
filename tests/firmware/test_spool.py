"""The firmware's spool: `firmware.spool`, on CPython's files and on littlefs under power cuts."""

import json
from pathlib import Path

import msgpack
import pytest
from machine_room import run_vm

from collector.core import wire
from firmware.packer import TIME_BYTES, time_of
from firmware.spool import SEGMENT_BYTES, Spool

NOW_MS = 1_795_329_550_616
LEG_BODY = msgpack.packb([wire.KIND_LEG, b"\x01\x02\x03\x04\x05\x06", 5, "101", "447700900123", "442079460400", 65000])


def make_spool(folder: Path, epoch: int = 7, ring_bytes: int = 12288, max_bytes: int = 262144) -> Spool:
    """A spool whose clock is known."""
    spool = Spool(str(folder / "spool"), epoch, ring_bytes, max_bytes)
    spool.set_clock(0)
    return spool


def fill(spool: Spool, count: int) -> None:
    """Legs, a second apart."""
    for number in range(count):
        spool.append(NOW_MS + number * 1000, LEG_BODY)


def drain(spool: Spool) -> list[tuple[int, int]]:
    """(epoch, seq) of everything, in the order in which it is handed out."""
    found = []
    while True:
        epoch = spool.epoch
        seq, _, rows = spool.pending(0, 50, 4096)
        if not rows:
            return found
        found += [(epoch, seq + offset) for offset in range(len(rows))]
        spool.discard_through(epoch, seq + len(rows) - 1)


def test_online_nothing_is_written(tmp_path: Path) -> None:
    """Events that are acknowledged in time never touch the flash."""
    spool = make_spool(tmp_path)
    for round_number in range(20):
        fill(spool, 30)
        spool.handle_time(round_number * 60_000, True)
        drain(spool)
    assert 0 == spool.counters["flushes"]
    assert 0 == spool.undelivered()


def test_offline_it_writes_a_block_a_minute_at_most(tmp_path: Path) -> None:
    """Ten minutes without a broker, an event every ten seconds: ten writes, in files of one flash block."""
    spool = make_spool(tmp_path)
    for tick in range(61):
        fill(spool, 1)
        spool.handle_time(tick * 10_000, False)
    assert 10 == spool.counters["flushes"]
    sizes = [path.stat().st_size for path in (tmp_path / "spool").iterdir()]
    assert len(sizes) == sum(sizes) // SEGMENT_BYTES + 1
    assert 61 == spool.undelivered()


def test_restart_hands_out_the_old_epoch_first(tmp_path: Path) -> None:
    """What an earlier start left keeps its numbers; the new start counts from 1 under its own epoch."""
    before = make_spool(tmp_path, epoch=7)
    fill(before, 100)
    before.flush()
    after = make_spool(tmp_path, epoch=8)
    fill(after, 3)
    assert (7, 1, 100, 103) == (after.epoch, after.first_seq, after.last_seq, after.undelivered())
    assert [(7, n) for n in range(1, 101)] + [(8, n) for n in range(1, 4)] == drain(after)


def test_restart_knows_when_the_start_before_wrote_last(tmp_path: Path) -> None:
    """What that one had in memory only is gone: it went between then and now. Its own files say nothing of that."""
    before = make_spool(tmp_path, epoch=7)
    assert 0 == before.left_ms
    fill(before, 100)
    before.flush()
    fill(before, 5)
    after = make_spool(tmp_path, epoch=8)
    fill(after, 3)
    after.flush()
    assert (0, NOW_MS + 99_000) == (before.left_ms, after.left_ms)


def test_acknowledgement_within_a_file_goes_on_after_it(tmp_path: Path) -> None:
    """A file stays until the sink has all of it, but nothing of it is handed out twice."""
    spool = make_spool(tmp_path)
    fill(spool, 60)
    spool.flush()
    spool.discard_through(7, 10)
    assert (11, 50) == (spool.pending(0, 5, 4096)[0], spool.undelivered())
    spool.discard_through(7, 60)
    assert (0, []) == (spool.undelivered(), list((tmp_path / "spool").iterdir()))


def test_foreign_acknowledgements_change_nothing(tmp_path: Path) -> None:
    """Of another epoch, of the past, or beyond what there is."""
    spool = make_spool(tmp_path)
    fill(spool, 10)
    spool.discard_through(8, 5)
    spool.discard_through(7, 0)
    assert 10 == spool.undelivered()
    spool.discard_through(7, 99)
    fill(spool, 1)
    assert (11, 1) == (spool.first_seq, spool.undelivered())


def test_full_ring_spills_and_loses_nothing(tmp_path: Path) -> None:
    """More events than memory holds go to flash, oldest first, and come back in order."""
    spool = make_spool(tmp_path, ring_bytes=4096)
    fill(spool, 500)
    assert spool.counters["flushes"] > 5
    assert [(7, n) for n in range(1, 501)] == drain(spool)


def test_full_flash_drops_the_oldest_and_says_how_much(tmp_path: Path) -> None:
    """The bound holds; dropped + delivered = written, and a gap event carries the count."""
    spool = make_spool(tmp_path, ring_bytes=4096, max_bytes=5 * 4096)
    fill(spool, 2000)
    assert len(list((tmp_path / "spool").iterdir())) <= 5
    _, _, rows = spool.pending(0, 1000, SEGMENT_BYTES)
    kept = [msgpack.unpackb(row[TIME_BYTES:]) for row in rows]
    while spool.undelivered():
        spool.discard_through(spool.epoch, spool.pending(0, 50, 4096)[0] + 49)
        kept += [msgpack.unpackb(row[TIME_BYTES:]) for row in spool.pending(0, 1000, SEGMENT_BYTES)[2]]
    assert spool.counters["dropped_events"] > 1000
    assert any(body[0] == wire.KIND_GAP and body[2] == "spool_full" for body in kept)


def test_flash_that_refuses_costs_the_oldest_in_memory_only(tmp_path: Path) -> None:
    """A read-only or broken flash: tracking goes on, the ring's oldest quarter goes, and a gap says so."""
    spool = make_spool(tmp_path / "missing" / "folder", ring_bytes=4096)
    fill(spool, 200)
    rows = spool.pending(0, 1000, 100_000)[2]
    assert spool.counters["flash_errors"] > 0
    bodies = [msgpack.unpackb(row[TIME_BYTES:]) for row in rows]
    lost = [body[3] for body in bodies if body[0] == wire.KIND_GAP]
    assert spool.counters["dropped_events"] >= sum(lost) > 0


def test_damaged_file_is_counted_and_removed(tmp_path: Path) -> None:
    """A file whose checksum is wrong, one that is cut, and a stranger's are not handed out."""
    spool = make_spool(tmp_path)
    fill(spool, 150)
    spool.flush()
    first, second, *_ = sorted((tmp_path / "spool").iterdir())
    first.write_bytes(first.read_bytes()[:-1] + b"?")
    second.write_bytes(second.read_bytes()[:9])
    (tmp_path / "spool" / "notes.txt").write_text("not ours")
    after = make_spool(tmp_path, epoch=8)
    assert (3, 7) == (after.counters["torn_files"], after.epoch)
    assert after.first_seq > 80


def test_events_wait_for_the_time_of_day(tmp_path: Path) -> None:
    """Before the clock is known nothing is handed out; then everything has Unix time, also what went to flash."""
    spool = Spool(str(tmp_path / "spool"), 7, 4096, 262144)
    for number in range(100):
        spool.append(number * 1000, LEG_BODY)
    assert [] == spool.pending(0, 50, 4096)[2]
    spool.set_clock(NOW_MS)
    times = []
    while spool.undelivered():
        seq, clock, rows = spool.pending(0, 50, 4096)
        assert 1 == clock
        times += [time_of(row) for row in rows]
        spool.discard_through(7, seq + len(rows) - 1)
    assert [NOW_MS + number * 1000 for number in range(100)] == times


def test_unknown_time_of_an_earlier_start_is_flagged(tmp_path: Path) -> None:
    """Events of a start that never learned the time end, at the latest, when the next start begins."""
    spool = Spool(str(tmp_path / "spool"), 7, 12288, 262144)
    for number in range(10):
        spool.append(number * 1000, LEG_BODY)
    spool.flush()
    after = Spool(str(tmp_path / "spool"), 8, 12288, 262144)
    after.set_clock(NOW_MS)
    _, clock, rows = after.pending(0, 50, 4096)
    assert (0, NOW_MS) == (clock, time_of(rows[-1]))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_power_cuts_at_random_flash_writes_lose_nothing_that_was_flushed(vm: Path, seed: int) -> None:
    """On littlefs, on MicroPython: every event whose flush had returned comes back, byte for byte, and nothing else."""
    done = run_vm(vm, "power_cuts", "60", str(seed), heap="1m")
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    figures = json.loads(done.stdout.splitlines()[-1])  # before it: closing files whose flash has gone
    assert 0 == figures["lost"] == figures["foreign"]
    assert figures["promised"] > 1000


def test_an_outage_of_a_day_wears_the_flash_for_decades(vm: Path) -> None:
    """A busy office (60 legs an hour) offline for a day: less than two erases a minute, spread over the blocks.

    In 1 MB of flash (256 blocks of 100,000 erases) that is over 25 years of nothing but outage.
    """
    done = run_vm(vm, "wear", "24", "60", heap="1m")
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    figures = json.loads(done.stdout)
    assert figures["flushes"] <= 24 * 60 + 30
    assert figures["erases"] < 2 * 24 * 60
    assert 256 * 100_000 / figures["erases"] / 365 > 25
