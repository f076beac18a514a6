"""The command `ringtap`: `fieldkit.cli`."""

import csv
import gzip
import io
import json
import subprocess
import sys

import pytest

from fieldkit.cli import main
from fieldkit.views import STATISTICS

LEG_FIELDS = [
    "leg_id",
    "call_id",
    "extension",
    "role",
    "direction",
    "caller",
    "callee",
    "t_invite",
    "t_ring",
    "t_answer",
    "t_end",
    "ring_ms",
    "talk_ms",
    "hold_ms",
    "holds",
    "outcome",
    "final_code",
    "ended_by",
    "reason",
    "transfer",
    "transport",
    "retransmissions",
    "partial",
]
CONTACT_FIELDS = [
    "contact_id",
    "queue",
    "did",
    "direction",
    "caller",
    "t_offer",
    "t_pbx_answer",
    "t_first_ring",
    "t_agent_answer",
    "t_end",
    "disposition",
    "agent",
    "extension",
    "wait_ms",
    "wait_basis",
    "ring_ms",
    "talk_ms",
    "hold_ms",
    "transfers",
    "rings",
    "short",
    "correlation",
    "legs",
    "call_ids",
    "visits",
]
VISIT_FIELDS = [
    "queue",
    "t_enter",
    "t_agent_answer",
    "t_end",
    "disposition",
    "agent",
    "wait_ms",
    "talk_ms",
    "short",
    "kind",
    "extension",
    "ring_ms",
    "hold_ms",
]


@pytest.fixture
def replay(capsys, lab_config):
    """Runs `ringtap replay ... --config LAB`; (exit code, standard output, standard error)."""

    def run(*arguments, config=True):
        extra = ["--config", str(lab_config)] if config else []
        code = main(["replay", *map(str, arguments), *extra])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def lines(text):
    """The objects of JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


def test_legs_have_the_promised_fields_in_order_of_time(replay, captures):
    """One object per leg; times in seconds with three decimals at most, null where it did not happen."""
    code, out, err = replay(captures / "a-direct.pcap.gz", "--show", "legs", "--format", "jsonl")
    legs = lines(out)
    assert (0, "", 64) == (code, err, len(legs))
    assert all(LEG_FIELDS == list(leg) for leg in legs)
    assert sorted(leg["t_invite"] for leg in legs) == [leg["t_invite"] for leg in legs]
    assert any(leg["t_answer"] is None for leg in legs)
    times = [leg[name] for leg in legs for name in ("t_invite", "t_ring", "t_answer", "t_end") if leg[name] is not None]
    assert all(round(at, 3) == at and at > 1.7e9 for at in times)
    assert len({leg["leg_id"] for leg in legs}) == 64


def test_reasons_are_written_as_on_the_wire(replay, captures):
    """SIP and Q.850 causes, joined by a comma where both were there."""
    _, out, _ = replay(captures / "b-ringgroup.pcap.gz", "--show", "legs", "--format", "jsonl")
    reasons = {leg["reason"] for leg in lines(out)}
    assert {"SIP;cause=200, Q.850;cause=26", "Q.850;cause=16", ""} <= reasons


def test_contacts_have_the_promised_fields(replay, captures):
    """With the legs that served them and every Call-ID of those legs."""
    code, out, _ = replay(captures / "c-queue.pcap.gz", "--show", "contacts", "--format", "jsonl")
    contacts = lines(out)
    assert code == 0
    assert all(CONTACT_FIELDS == list(contact) for contact in contacts)
    assert sorted(contact["t_offer"] for contact in contacts) == [contact["t_offer"] for contact in contacts]
    _, out, _ = replay(captures / "c-queue.pcap.gz", "--show", "legs", "--format", "jsonl")
    call_ids = {leg["leg_id"]: leg["call_id"] for leg in lines(out)}
    for contact in contacts:
        assert {call_ids[leg] for leg in contact["legs"]} == set(contact["call_ids"])
    assert sorted(call_ids) == sorted(leg for contact in contacts for leg in contact["legs"])


def test_a_transferred_callers_visits_are_told(replay, captures):
    """Of fpbx, then of sales: times in seconds as the contact's own."""
    _, out, _ = replay(captures / "office-day-A.pcap.gz", "--show", "contacts", "--format", "jsonl")
    contact = next(each for each in lines(out) if each["visits"] and each["queue"] == "fpbx")
    first, second = contact["visits"]
    assert VISIT_FIELDS == list(first) == list(second)
    assert ("fpbx", "answered", "sales", "abandoned") == (
        first["queue"], first["disposition"], second["queue"], second["disposition"]
    )  # fmt: skip
    assert (first["t_enter"], first["t_agent_answer"]) == (contact["t_offer"], contact["t_agent_answer"])
    assert first["t_enter"] < first["t_end"] <= second["t_enter"] < second["t_end"]


def test_kpis_are_the_report(replay, captures):
    """period, coverage, total, queues, extensions; each KPI with its counters and what it rests on."""
    code, out, _ = replay(captures / "c-queue.pcap.gz", "--show", "kpis", "--format", "json")
    report = json.loads(out)
    assert code == 0
    assert {"period", "coverage", "total", "queues", "extensions"} <= set(report)
    assert {"value", "numerator", "denominator", "basis"} <= set(report["total"]["offered"])
    assert {"support", "sales", "billing"} <= set(report["queues"])
    assert "101" in report["extensions"]


def test_statistics_have_every_counter_and_the_span(replay, captures):
    """The counters in their order, then the first and the last frame's time."""
    _, out, _ = replay(captures / "a-direct.pcap.gz", "--show", "stats", "--format", "json")
    found = json.loads(out)
    assert [*STATISTICS, "first_time", "last_time"] == list(found)
    assert (786, 786, 375, 411) == tuple(
        found[name] for name in ("frames", "sip_messages", "sip_requests", "sip_responses")
    )
    assert 0 < found["last_time"] - found["first_time"] < 600


def test_ladder_draws_each_call(replay, captures):
    """Columns are addresses, arrows point the way the message went; registrations are no calls."""
    _, out, _ = replay(captures / "a-direct.pcap.gz", "--show", "ladder")
    first = out.split("\n\n", maxsplit=1)[0].splitlines()
    assert first[0].startswith("Call-ID ")
    assert first[1].split() == ["198.51.100.10:5060", "10.77.1.5:5060"]
    assert first[2].split(maxsplit=1)[0] == "0.000"
    assert "- INVITE -" in first[2]
    assert first[2].endswith(">|")
    assert "|<-" in first[3]
    assert "REGISTER" not in out
    _, out, _ = replay(captures / "a-direct.pcap.gz", "--show", "ladder", "--format", "jsonl")
    calls = lines(out)
    assert {"call_id", "messages", "left_out"} == set(calls[0])
    assert ["time", "from", "to", "message"] == list(calls[0]["messages"][0])


@pytest.mark.parametrize("show", ["legs", "contacts", "kpis", "ladder", "stats"])
@pytest.mark.parametrize("form", ["table", "jsonl", "json", "csv"])
def test_every_view_has_every_format(replay, captures, show, form):
    """Each can be read back by what it is meant for."""
    code, out, err = replay(captures / "b-ringgroup.pcap.gz", "--show", show, "--format", form)
    assert (0, "") == (code, err)
    if form == "csv":
        rows = list(csv.reader(io.StringIO(out)))
        assert len(rows) > 1
        assert {len(rows[0])} == {len(row) for row in rows}
    elif form != "table":
        assert json.loads(out) if form == "json" else lines(out)
    else:
        assert max(map(len, out.splitlines())) < 160


def test_the_default_is_a_table_of_contacts(replay, captures):
    """What a person wants to see first; times are those of the office's clocks."""
    _, out, _ = replay(captures / "c-queue.pcap.gz")
    assert out.splitlines()[0].split() == [
        "time", "dir", "queue", "caller", "disposition", "extension", "wait", "s", "talk", "s", "rings", "transfers",
        "correlation",
    ]  # fmt: skip


def test_several_captures_are_one_stream(replay, recording, tmp_path, captures):
    """A recording cut in two, named in the wrong order, gives the same legs as the whole one."""
    whole = recording("a-direct").read_bytes()
    at, cut = 24, 0
    while at < len(whole):
        cut = at if at < len(whole) // 2 else cut
        at += 16 + int.from_bytes(whole[at + 8 : at + 12], "little")
    (tmp_path / "1.pcap").write_bytes(whole[:cut])
    (tmp_path / "2.pcap").write_bytes(whole[:24] + whole[cut:])
    form = ("--show", "legs", "--format", "jsonl")
    _, parts, _ = replay(tmp_path / "2.pcap", tmp_path / "1.pcap", *form)
    _, once, _ = replay(captures / "a-direct.pcap.gz", *form)
    assert once == parts


def test_without_a_configuration_something_sensible_is_shown(replay, captures):
    """Roles and extensions are learned from the registrations and the look of numbers."""
    code, out, _ = replay(captures / "c-queue.pcap.gz", "--show", "legs", "--format", "jsonl", config=False)
    legs = lines(out)
    assert (0, 223) == (code, len(legs))
    assert {"101", "102", "103", "104"} <= {leg["extension"] for leg in legs}


@pytest.mark.parametrize(
    ("name", "content", "code", "complaint"),
    [
        ("empty.pcap", b"", 2, "empty.pcap: is empty"),
        ("text.pcap", b"hello, world", 2, "text.pcap: is no capture"),
        ("box.toml", b"[box]\nidd = 1", 2, "is no capture"),
    ],
)
def test_what_is_no_capture_is_one_line(replay, tmp_path, name, content, code, complaint):
    """It names the file; nothing is on standard output."""
    (tmp_path / name).write_bytes(content)
    found, out, err = replay(tmp_path / name)
    assert (code, "", 1) == (found, out, err.count("\n"))
    assert complaint in err


def test_a_folder_and_a_missing_file_are_one_line(replay, tmp_path):
    """Exit 2."""
    for path, complaint in ((tmp_path, "is a directory"), (tmp_path / "none", "No such file")):
        code, out, err = replay(path)
        assert (2, "", 1, True) == (code, out, err.count("\n"), complaint in err)


def test_a_truncated_capture_shows_what_is_whole_and_exits_with_1(replay, tmp_path, captures):
    """The problem names the packet."""
    whole = gzip.decompress((captures / "a-direct.pcap.gz").read_bytes())
    (tmp_path / "cut.pcap").write_bytes(whole[:-7])
    code, out, err = replay(tmp_path / "cut.pcap", "--show", "stats", "--format", "json")
    assert (1, 785) == (code, json.loads(out)["frames"])
    assert "cut short or damaged in packet 786" in err
    assert err.count("\n") == 1


def test_a_capture_without_sip_says_what_to_do(replay, tmp_path):
    """Exit 1: it is a good capture, but of something else."""
    frame = bytes(12) + b"\x08\x06" + bytes(28)
    header = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")
    (tmp_path / "arp.pcap").write_bytes(header + bytes(8) + len(frame).to_bytes(4, "little") * 2 + frame)
    code, _, err = replay(tmp_path / "arp.pcap")
    assert code == 1
    assert "no SIP message in 1 frames; if it uses another port" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[sip]\nportz = [5060]", '[sip] portz: unknown key; did you mean "ports"?'),
        ("[box]\nid = 'x'\n[offices.lab]\ntime_zone = 'Europe/Londn'", "Europe/Londn"),
        ("[box", "TOML"),
    ],
)
def test_a_wrong_configuration_is_one_line(replay, tmp_path, captures, text, complaint):
    """The box's part and the sink's part; exit 2."""
    (tmp_path / "box.toml").write_text(text)
    code, out, err = replay(captures / "a-direct.pcap.gz", "--config", tmp_path / "box.toml", config=False)
    assert (2, "", 1) == (code, out, err.count("\n"))
    assert "box.toml" in err
    assert complaint in err


def test_a_pipe_works_both_ways(captures):
    """From standard input; and a reader that has seen enough is no reason for a traceback."""
    command = (
        f"{sys.executable} -m fieldkit replay - --show legs --format jsonl < {captures}/office-day-A.pcap.gz | head -1"
    )
    done = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True, timeout=60)
    assert ("", 1) == (done.stderr, len(lines(done.stdout)))


@pytest.mark.parametrize(
    "arguments", [[], ["replay"], ["replay", "x", "--show", "nothing"], ["replay", "x", "--format", "xml"]]
)
def test_wrong_use_exits_with_2(arguments, capsys):
    """Argparse says how it is used."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: ringtap" in capsys.readouterr().err


def test_help_has_examples_and_version_is_told(capsys):
    """Only commands that exist are listed."""
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert "examples:" in shown
    assert "serve" not in shown
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.startswith("ringtap ")


def test_without_configuration_sip_is_heard_on_any_port(replay, captures, tmp_path):
    """A recording from a PBX on port 5999 needs no file that says so; a --config file's ports are final."""
    recording = gzip.decompress((captures / "a-direct.pcap.gz").read_bytes())
    (tmp_path / "moved.pcap").write_bytes(recording.replace((5060).to_bytes(2), (5999).to_bytes(2)))
    code, out, _ = replay(tmp_path / "moved.pcap", "--show", "legs", "--format", "jsonl", config=False)
    assert (0, 64) == (code, len(lines(out)))
    code, _, err = replay(tmp_path / "moved.pcap")
    assert code == 1
    assert "name it: [sip] ports" in err
