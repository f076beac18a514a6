"""Events on disk until the sink has them: `collector.adapters.spool`."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.adapters import spool as spool_module
from collector.adapters.spool import DAY_S, Spool
from collector.core import wire, wire_reader
from collector.errors import SpoolError
from collector.spool_file import used_bytes


def make_rows(count, start=1):
    """Rows whose time and body say which one they are."""
    return [(1_700_000_000_000 + n, [9, n, "x" * 50]) for n in range(start, start + count)]


def contents(spool):
    """(seq, first field) of everything kept."""
    return [(seq, body[1]) for seq, _, body in spool.pending(0, 1_000_000)]


def gaps(spool):
    """(reason, count) of the gaps among what is kept."""
    rows = [row[1:] for row in spool.pending(0, 1_000_000) if row[2][0] == wire.KIND_GAP]
    items = wire_reader.decode_batch(wire.encode_batch(1, 1, 1, rows)).items if rows else []
    return [(item.event.reason, item.event.count) for item in items]


@pytest.fixture
def path(tmp_path):
    """Where the spool is; its folder does not exist yet."""
    return str(tmp_path / "box" / "spool.db")


@pytest.fixture
def open_spool(path):
    """Opens the spool; closes whatever was opened."""
    with contextlib.ExitStack() as stack:

        def open_it(**settings):
            return stack.enter_context(contextlib.closing(Spool(path, **settings)))

        yield open_it


def test_rows_come_back_in_order_and_survive_a_restart(open_spool):
    """Numbers start at 1, have no hole, and go on after a restart in the same epoch."""
    spool = open_spool()
    spool.append(make_rows(3))
    epoch = spool.epoch
    spool.close()
    spool = open_spool()
    spool.append(make_rows(2, start=4))
    assert [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)] == contents(spool)
    assert (epoch, 1, 5) == (spool.epoch, spool.first_seq, spool.last_seq)
    assert [(2, 1_700_000_000_002, [9, 2, "x" * 50])] == spool.pending(1, 1)


def test_numbers_are_not_used_again_after_everything_was_discarded(open_spool):
    """An empty spool still knows its last number, over a restart too."""
    spool = open_spool()
    spool.append(make_rows(5))
    spool.discard_through(spool.epoch, 5)
    assert (6, 5, []) == (spool.first_seq, spool.last_seq, contents(spool))
    spool.close()
    spool = open_spool()
    spool.append(make_rows(1, start=6))
    assert [(6, 6)] == contents(spool)


def test_an_acknowledgement_of_another_epoch_discards_nothing(open_spool):
    """What a former numbering's retained acknowledgement says is not about these rows."""
    spool = open_spool()
    spool.append(make_rows(2))
    spool.discard_through(spool.epoch ^ 1, 2)
    assert [(1, 1), (2, 2)] == contents(spool)


def test_an_acknowledgement_reaches_the_disk_with_a_commit_that_is_made_anyway(open_spool):
    """A card is spared a write for every acknowledgement; what is acknowledged is never shown again meanwhile."""
    spool = open_spool()
    spool.append(make_rows(5))
    noted = "SELECT value FROM meta WHERE key = 'acked'"
    spool.discard_through(spool.epoch, 3)
    assert (4, [(4, 4), (5, 5)]) == (spool.first_seq, contents(spool))
    assert (0,) == spool._database.execute(noted).fetchone()
    spool.append(make_rows(1, start=6))
    assert (3,) == spool._database.execute(noted).fetchone()
    spool.append(make_rows(200, start=7))
    for seq in range(4, 4 + spool_module.MAX_FORGOTTEN + 1):
        spool.discard_through(spool.epoch, seq)
    assert (104,) == spool._database.execute(noted).fetchone()
    spool.close()
    assert 105 == open_spool().first_seq


def test_what_the_sink_has_stays_for_a_week_and_can_be_sent_again(open_spool):
    """A sink restored from a backup asks for it; a week later it is gone, and so is the answer."""
    now = [1_700_000_000.0]
    spool = open_spool(clock=lambda: now[0])
    spool.append(make_rows(10))
    spool.discard_through(spool.epoch, 8)
    assert (1, 9) == (spool.kept_seq, spool.first_seq)
    assert not spool.replay_from(spool.epoch ^ 1, 5)
    assert spool.replay_from(spool.epoch, 5)
    assert [(seq, seq) for seq in range(5, 11)] == contents(spool)
    spool.discard_through(spool.epoch, 10)
    now[0] += spool_module.KEEP_S + 1
    spool.append(make_rows(1, start=11))
    assert (11, 11) == (spool.kept_seq, spool.first_seq)
    assert not spool.replay_from(spool.epoch, 5)


def test_what_the_sink_has_goes_first_when_space_is_needed(open_spool):
    """Nothing that waits is dropped, and no gap is told, while acknowledged events still take space."""
    spool = open_spool(max_bytes=200_000)
    for start in range(1, 20_001, 500):
        spool.append(make_rows(500, start=start))
        spool.discard_through(spool.epoch, start + 400)
    assert (20_000 - 500 + 402, 20_000) == (spool.first_seq, spool.last_seq)
    assert 1 < spool.kept_seq < spool.first_seq
    assert [] == gaps(spool)


def test_a_new_epoch_numbers_what_is_kept_again(open_spool):
    """Nothing is lost, order is kept, numbers start at 1."""
    spool = open_spool()
    spool.append(make_rows(5))
    spool.discard_through(spool.epoch, 3)
    before = spool.epoch
    spool.renew_epoch()
    assert before != spool.epoch
    assert [(1, 4), (2, 5)] == contents(spool)
    spool.append(make_rows(1, start=6))
    assert [(1, 4), (2, 5), (3, 6)] == contents(spool)


def test_a_copied_card_gets_an_epoch_of_its_own(path, open_spool, tmp_path):
    """The same file on another machine never speaks under the first one's numbers."""
    spool = open_spool(machine="a")
    spool.append(make_rows(2))
    epoch = spool.epoch
    spool.close()
    copy = str(tmp_path / "copy.db")
    shutil.copy(path, copy)
    with contextlib.closing(Spool(copy, machine="b")) as other:
        assert epoch != other.epoch
        assert [(1, 1), (2, 2)] == contents(other)
    assert epoch == open_spool(machine="a").epoch


def test_connections_are_counted_over_restarts(open_spool):
    """A stale last will is told from a new one by this number."""
    spool = open_spool()
    assert [1, 2] == [spool.next_connection(), spool.next_connection()]
    spool.close()
    assert open_spool().next_connection() == 3


def test_an_interrupted_recording_is_resumed_after_what_was_written(open_spool):
    """The count is kept with the rows themselves; a finished or another recording starts at 0."""
    spool = open_spool()
    assert spool.resume_source("monday") == 0
    spool.append(make_rows(3))
    spool.append(make_rows(4, start=4))
    spool.close()
    spool = open_spool()
    assert spool.resume_source("monday") == 7
    spool.append(make_rows(1, start=8))
    spool.close()
    spool = open_spool()
    assert spool.resume_source("tuesday") == 0
    assert spool.resume_source("monday") == 8
    spool.finish_source()
    assert spool.resume_source("monday") == 0


def test_a_full_spool_drops_the_oldest_and_says_how_many(open_spool):
    """Rows kept plus rows the gaps count are all rows ever written; the newest is kept; the size is bounded."""
    spool = open_spool(max_bytes=200_000)
    for start in range(1, 10_001, 100):
        spool.append(make_rows(100, start=start))
    kept = [n for _, n in contents(spool)[:-1]]
    counts = gaps(spool)
    assert {"spool_full"} == {reason for reason, _ in counts}
    rows = [body for _, _, body in spool.pending(0, 1_000_000)]
    assert sum(count for _, count in counts) + sum(body[0] == 9 for body in rows) == 10_000
    assert 10_000 in kept
    assert spool.first_seq > 1
    seqs = [seq for seq, _ in contents(spool)]
    assert list(range(seqs[0], seqs[-1] + 1)) == seqs
    assert used_bytes(spool._database) <= 200_000


def test_what_waited_too_long_goes(open_spool):
    """Older than max_days: dropped with a gap; the gap's span is that of the dropped events."""
    now = [2_000_000_000.0]
    spool = open_spool(max_days=2, clock=lambda: now[0])
    spool.append(make_rows(4))
    now[0] += 3 * DAY_S
    spool.append(make_rows(1, start=5))
    assert [("spool_aged", 4)] == gaps(spool)
    assert sorted(body[1] for _, _, body in spool.pending(0, 9) if body[0] == 9) == [5]


def test_a_clock_that_was_wrong_at_boot_does_not_age_events(open_spool):
    """Events stored in 1970 are kept when the clock jumps to today."""
    now = [1_000.0]
    spool = open_spool(clock=lambda: now[0])
    spool.append(make_rows(2))
    now[0] = 2_000_000_000.0
    spool.append(make_rows(1, start=3))
    assert [(1, 1), (2, 2), (3, 3)] == contents(spool)


@pytest.mark.parametrize("junk", [b"this is no database at all, only words" * 40, None])
def test_a_corrupt_file_is_set_aside_and_a_new_one_begun(path, open_spool, junk):
    """Overwritten from the start or in its middle: a new epoch, a gap that says why, the old file kept beside it."""
    spool = open_spool()
    spool.append(make_rows(2000))
    epoch = spool.epoch
    spool.close()
    with Path(path).open("r+b") as file:
        file.seek(0 if junk else 4096 * 3)
        file.write(junk or os.urandom(4096 * 20))
    spool = open_spool()
    assert epoch != spool.epoch
    assert [("spool_corrupt", 0)] == gaps(spool)
    assert Path(path + ".corrupt").exists()


def test_corruption_that_shows_while_running_does_not_stop_it(path, open_spool):
    """The row that met the damage is kept by the new file."""
    spool = open_spool()
    spool.append(make_rows(5000))
    spool._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    spool._database.execute("PRAGMA shrink_memory")
    with Path(path).open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(Path(path).stat().st_size - 4096))
    for n in range(10):
        spool.append(make_rows(1, start=n))
    assert ("spool_corrupt", 0) in gaps(spool)
    assert [n for _, _, (kind, n, *_) in spool.pending(0, 99) if kind == 9] == list(range(10))


def test_a_full_disk_is_answered_from_memory(open_spool, caplog):
    """Where SQLite says the disk is full, tracking goes on in memory, loudly; the file keeps what it had."""
    spool = open_spool()
    spool.append(make_rows(3))
    epoch = spool.epoch
    (pages,) = spool._database.execute("PRAGMA page_count").fetchone()
    spool._database.execute(f"PRAGMA max_page_count={pages}")
    spool.append(make_rows(2000, start=4))
    assert epoch != spool.epoch
    assert (1, 2000) == (spool.first_seq, spool.last_seq)
    assert "memory only" in caplog.text
    spool.close()
    again = open_spool()
    assert (epoch, [(1, 1), (2, 2), (3, 3)]) == (again.epoch, contents(again))


def test_a_disk_that_was_freed_is_used_again(open_spool, caplog):
    """Once the sink has what memory held: the file goes on under its own numbering with what it still had."""
    now = [100.0]
    spool = open_spool(monotonic=lambda: now[0])
    spool.append(make_rows(3))
    epoch, connection = spool.epoch, spool.next_connection()
    (pages,) = spool._database.execute("PRAGMA page_count").fetchone()
    spool._database.execute(f"PRAGMA max_page_count={pages}")
    spool.append(make_rows(2000, start=4))
    now[0] += 60
    spool.append(make_rows(1, start=2004))
    assert epoch != spool.epoch
    assert connection + 1 == spool.next_connection()
    spool.discard_through(spool.epoch, spool.last_seq)
    spool.append(make_rows(1, start=2005))
    assert connection + 2 == spool.next_connection()
    assert (epoch, [(1, 1), (2, 2), (3, 3), (4, 2005)]) == (spool.epoch, contents(spool))
    assert "can be written again" in caplog.text


def test_a_recording_is_resumed_behind_what_went_through_memory(open_spool):
    """While the disk was full the sink got its events from memory: after a kill they are not read again."""
    now = [100.0]
    spool = open_spool(monotonic=lambda: now[0])
    spool.resume_source("day.pcap")
    spool.append(make_rows(3))
    (pages,) = spool._database.execute("PRAGMA page_count").fetchone()
    spool._database.execute(f"PRAGMA max_page_count={pages}")
    spool.append(make_rows(2000, start=4))
    now[0] += 60
    spool.discard_through(spool.epoch, spool.last_seq)
    assert 3 == spool.undelivered()
    spool.handle_time()
    assert 3 == spool.undelivered()
    spool._database.close()  # killed
    assert 2003 == open_spool().resume_source("day.pcap")


@pytest.mark.parametrize(
    "write",
    [
        lambda spool: spool.next_connection(),
        lambda spool: spool.finish_source(),
        lambda spool: spool.renew_epoch(),
        lambda spool: spool.settle("boot", 1000),
    ],
    ids=["connection", "source", "epoch", "clock"],
)
def test_whatever_has_to_be_written_a_full_disk_ends_nothing(open_spool, write):
    """Not only events are written: the count of connections, the end of a recording, a new epoch, the clock's step."""
    spool = open_spool()
    spool.append(make_rows(2000), doubt="boot 0")
    spool._database.execute("PRAGMA query_only=ON")  # as a file system that was mounted read-only
    write(spool)
    spool.append(make_rows(2))
    assert (1, 2) == (spool.first_seq, spool.last_seq)


def test_a_clock_that_was_months_behind_makes_nothing_old(open_spool):
    """A box remembers when it was switched off; once NTP has set its clock, what waits is as young as it is."""
    now = [1_700_000_000.0]
    spool = open_spool(clock=lambda: now[0])
    spool.append(make_rows(2), doubt="boot 0")
    now[0] += 200 * 86_400
    spool.settle("boot", 200 * 86_400_000)
    spool.append(make_rows(1, start=3))
    assert ([1, 2, 3], []) == ([seq for seq, _ in contents(spool)], gaps(spool))


def test_what_memory_held_is_told_when_it_is_lost(open_spool, caplog):
    """A collector that ends while its disk is full says how many events go with it."""
    spool = open_spool()
    (pages,) = spool._database.execute("PRAGMA page_count").fetchone()
    spool._database.execute(f"PRAGMA max_page_count={pages}")
    spool.append(make_rows(2000))
    spool.close()
    assert "2000 events in memory are lost" in caplog.text


def test_a_second_collector_on_the_same_file_is_refused(path, open_spool):
    """Two writers would give one number twice."""
    open_spool()
    with pytest.raises(SpoolError, match="in use by another collector"):
        Spool(path)


def test_a_path_that_cannot_be_written_is_named(tmp_path):
    """A folder that is a file, and a file that is a folder: one line."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError, match="folder cannot be made"):
        Spool(str(tmp_path / "file" / "spool.db"))
    with pytest.raises(SpoolError, match="cannot be opened"):
        Spool(str(tmp_path))


WRITER = """
import sys
from collector.adapters.spool import Spool
spool = Spool(sys.argv[1])
while True:
    spool.append([(n, [9, n]) for n in range(spool.last_seq + 1, spool.last_seq + 4)])
    print(spool.epoch, spool.last_seq, flush=True)
"""


def test_kill_minus_nine_loses_no_row_that_was_reported_written(path):
    """Killed again and again in the middle of writing: every commit that was reported is there, without a hole."""
    reported = epoch = 0
    for _ in range(4):
        process = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True)
        first = process.stdout.readline()
        time.sleep(0.15)
        process.send_signal(signal.SIGKILL)
        lines = [first, *process.stdout.read().splitlines()]
        process.wait()
        assert epoch in (0, int(first.split()[0]))
        epoch, reported = map(int, [line for line in lines if len(line.split()) == 2][-1].split())
        with contextlib.closing(Spool(path)) as spool:
            rows = contents(spool)
            assert reported <= spool.last_seq
            assert [(n, n) for n in range(1, spool.last_seq + 1)] == rows


operations = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 7)),
        st.tuples(st.just("discard"), st.integers(0, 30)),
        st.tuples(st.just("renew"), st.just(0)),
        st.tuples(st.just("reopen"), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(operations)
def test_any_order_of_operations_keeps_what_was_not_acknowledged(tmp_path_factory, steps):
    """Against a plain list: append, discard, renew and reopen in any order lose nothing and invent nothing."""
    path = str(tmp_path_factory.mktemp("spool") / "s.db")
    spool, expected, written, last = Spool(path), [], 0, 0
    for step, number in steps:
        if step == "append":
            spool.append(make_rows(number, start=written + 1))
            expected += [(last + n, written + n) for n in range(1, number + 1)]
            written, last = written + number, last + number
        elif step == "discard":
            spool.discard_through(spool.epoch, number)
            expected = [row for row in expected if row[0] > number]
        elif step == "renew":
            spool.renew_epoch()
            expected = [(n, value) for n, (_, value) in enumerate(expected, 1)]
            last = len(expected)
        else:
            spool.close()
            spool = Spool(path)
        assert expected == contents(spool)
        assert last == spool.last_seq
    spool.close()


def test_commits_are_synced(open_spool):
    """WAL with synchronous=FULL: what append returned from survives a power cut."""
    database = open_spool()._database
    assert database.execute("PRAGMA synchronous").fetchone() == (2,)
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert isinstance(database, sqlite3.Connection)
    assert spool_module.MEMORY_BYTES <= 16 << 20
