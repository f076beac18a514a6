"""The benchmark's rig, at a rate that proves counting and not speed: `fieldkit.bench.live`."""

import contextlib
import os
import sqlite3

import pytest

from collector.errors import WrongUse
from fieldkit.bench import cable as rig
from fieldkit.bench import live
from fieldkit.bench.soak import hear_day


@pytest.fixture(scope="module")
def cable():
    """The benchmark's own cable."""
    with rig.make_cable() as cable:
        yield cable


@pytest.mark.parametrize("form", ["frame", "tzsp", "hep", "hep-tcp"])
def test_every_message_and_call_is_counted(cable, form):
    """Two hundred calls in each form: no message lost, every call whole, by the collector's own spool."""
    kind = form.partition("-")[0]
    near = f"{rig.NEAR_ADDRESS}:39061"
    sources = live._live(cable) if form == "frame" else f'[[source]]\nkind = "{kind}"\nlisten = "{near}"\n'
    drops = "live_drops" if form == "frame" else f"{kind}_drops"
    with live._box(sources) as box:
        generator = live._generate(cable, form, cable.far if form == "frame" else near, 200, 200)
        figures = live._exactly(box, form, generator, 200, lambda counters: counters[drops])
    counted = {figure.what.partition(": ")[2]: figure.value for figure in figures}
    assert (0, 0, 0) == (
        counted["messages lost, of 1,400"],
        counted["calls not counted exactly, of 200"],
        counted["kernel drops"],
    )


def test_a_day_in_little_time():
    """Every call of the compressed day ends as one leg."""
    assert 500 == hear_day(500)[0]


def test_commits_are_counted_in_sqlites_own_log(tmp_path):
    """Three commits, one of them of many pages; emptied into the database the log begins anew."""
    with contextlib.closing(sqlite3.connect(tmp_path / "spool.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE event (body BLOB)")
        database.execute("INSERT INTO event VALUES (zeroblob(100000))")
        database.execute("INSERT INTO event VALUES (1)")
        log = tmp_path / "spool.db-wal"
        first, commits = rig.count_commits(log.read_bytes())
        assert 3 == commits
        database.execute("PRAGMA wal_checkpoint(RESTART)")
        database.execute("INSERT INTO event VALUES (2)")
        second, commits = rig.count_commits(log.read_bytes())
        assert (True, 1) == (first != second, commits)
    assert (b"", 0) == rig.count_commits(b"")


def test_missing_rights_are_said(monkeypatch):
    """Without root the benchmark says what it needs."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(WrongUse, match="need root: run it with sudo"), rig.make_cable():
        pass
