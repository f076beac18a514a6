"""`ringtap decode`: payloads, lines of mosquitto_sub and spools, in words."""

import io
import json
import sys
from types import SimpleNamespace

import msgpack
import pytest

from collector.adapters.spool import Spool
from collector.core import wire
from collector.core.events import GapObserved, LegEnded, RegistrationChanged
from fieldkit.cli import main

AT_MS = 1_764_000_000_123  # 2025-11-24T16:00:00.123Z


def leg():
    """A call that rang, was answered and ended."""
    ended = LegEnded(AT_MS, b"\x01\x02\x03\x04\x05\x06")
    ended.role, ended.extension, ended.caller = "phone", "201", "442079460001"
    ended.ring_ms, ended.answer_ms, ended.end_ms = AT_MS + 100, AT_MS + 4_100, AT_MS + 64_100
    return ended


def batch(*events, seq=7):
    """The payload of these events as a box publishes it."""
    rows = [wire.encode_event(event) for event in events]
    return msgpack.packb(wire.encode_batch(0xABCD, seq, wire.CLOCK_SYNCHRONISED, rows))


@pytest.fixture
def decode(capsys, tmp_path, monkeypatch):
    """Runs `ringtap decode` over these bytes, from a file or from standard input; (exit code, output, complaints)."""

    def run(data, *arguments, piped=False):
        path = tmp_path / "file"
        path.write_bytes(data)
        if piped:
            monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
        code = main(["decode", "-" if piped else str(path), *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def as_rows(output):
    """The objects of JSON lines."""
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.parametrize("piped", [False, True])
def test_a_line_of_mosquitto_sub_names_box_numbering_and_every_field(decode, piped):
    """The topic says which box; times are readable."""
    line = f"rt/1/office-1/ev {batch(leg(), RegistrationChanged(AT_MS + 5, 'phone', '202', False)).hex()}\n".encode()
    code, output, complaints = decode(line, "--format", "jsonl", piped=piped)
    first, second = as_rows(output)
    assert (code, complaints) == (0, "")
    assert (first["box"], first["epoch"]) == ("office-1", "0000abcd")
    assert (first["seq"], second["seq"]) == (7, 8)
    assert (first["event"], first["time"]) == ("leg", "2025-11-24T16:00:00.123Z")
    assert first["answer"] == "2025-11-24T16:00:04.223Z"
    assert first["caller"] == "442079460001"
    assert second["registered"] is False


def test_a_table_leaves_out_what_says_nothing_but_a_phone_that_went(decode):
    """False is news of a registration only."""
    payload = batch(leg(), RegistrationChanged(AT_MS, "phone", "202", False))
    _, output, _ = decode(payload)
    header, of_leg, of_phone = output.splitlines()
    assert header.split() == ["time", "box", "seq", "event", "what"]
    assert "extension=201" in of_leg
    assert "refer_to" not in of_leg
    assert "registered=False" in of_phone


def test_bare_payloads_one_after_another_are_told_apart_by_what_they_are(decode):
    """Progress, states and batches look different."""
    progress = msgpack.packb(wire.encode_progress(leg(), 1, AT_MS))
    state = msgpack.packb({"online": True, "epoch": 1})
    code, output, _ = decode(progress + state + batch(GapObserved(AT_MS, AT_MS + 10, "asleep", 0)), "--format", "jsonl")
    ringing, said, gap = as_rows(output)
    assert code == 0
    assert (ringing["event"], ringing["extension"]) == ("ringing", "201")
    assert said["content"] == {"online": True, "epoch": 1}
    assert (gap["event"], gap["reason"], gap["until"]) == ("gap", "asleep", "2025-11-24T16:00:00.133Z")


def test_what_a_sink_would_quarantine_is_a_problem_and_the_rest_is_shown(decode):
    """One bad event or line spoils no other."""
    array = msgpack.unpackb(batch(leg(), leg()))
    array[5][0][2] = "not bytes"
    lines = f"{msgpack.packb(array).hex()}\nhello\n{batch(leg(), seq=20).hex()}\n".encode()
    code, output, complaints = decode(lines, "--format", "jsonl")
    assert code == 1
    assert [row["seq"] for row in as_rows(output)] == [8, 20]
    first, second = complaints.splitlines()
    assert "line 1: event 7: call_key" in first
    assert "line 2" in second
    assert "mosquitto_sub" in second


@pytest.mark.parametrize("data", [b"\xff" * 40, b"\x93\x01", b"\xc1", b"\x96\x09" + b"\x00" * 5])
def test_junk_is_named_and_harms_nothing(decode, data):
    """One complaint, whatever it is."""
    code, _, complaints = decode(data)
    assert code == 1
    assert len(complaints.splitlines()) == 1


def test_a_kind_that_a_newer_box_wrote_is_a_problem(decode):
    """It is named by its number."""
    array = msgpack.unpackb(batch(leg()))
    array[5][0][0] = 99
    code, _, complaints = decode(msgpack.packb(array))
    assert code == 1
    assert "unknown kind of event 99" in complaints


def test_a_spool_shows_what_its_box_keeps(decode, tmp_path):
    """With the numbers that the sink will see."""
    path = tmp_path / "spool.db"
    spool = Spool(str(path), max_bytes=1 << 20, max_days=1, machine="m")
    spool.append([wire.encode_event(leg()), wire.encode_event(GapObserved(AT_MS, AT_MS + 10, "asleep", 0))])
    epoch = spool.epoch
    spool.close()
    code, output, complaints = decode(path.read_bytes(), "--format", "json")
    rows = json.loads(output)
    assert (code, complaints) == (0, "")
    assert [(row["seq"], row["event"]) for row in rows] == [(1, "leg"), (2, "gap")]
    assert {row["epoch"] for row in rows} == {f"{epoch:08x}"}


def test_a_spool_in_use_and_a_database_of_another_kind_are_wrong_use(tmp_path, capsys):
    """The complaint says what to do."""
    path = tmp_path / "spool.db"
    spool = Spool(str(path), max_bytes=1 << 20, max_days=1, machine="m")
    assert main(["decode", str(path)]) == 2
    spool.close()
    assert "stop it" in capsys.readouterr().err
    assert main(["decode", str(tmp_path / "none")]) == 2
    assert "no such file" in capsys.readouterr().err
