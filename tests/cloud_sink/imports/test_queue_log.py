import json
from pathlib import Path

import pytest

from cloud_sink.imports.columns import Context
from cloud_sink.imports.errors import BadFile
from cloud_sink.imports.queue_log import read_queue_log
from cloud_sink.store.logged import AGENT_KEY, visit_of

CONTEXT = Context("UTC", lambda number: number.lstrip("+"))


def read(text: str, agents: dict[str, str] | None = None):
    """The visits of a log."""
    rows = read_queue_log(text.encode(), "queue_log", CONTEXT, lambda name, _at: (agents or {}).get(name, ""))
    return [visit_of(row) for row in rows if row.key != AGENT_KEY]


def test_a_days_log_is_counted_as_the_pbx_counts(captures: Path):
    """Offered, answered, abandoned and the speed of answer of each queue are those of the recorded PBX's own log."""
    truth = captures / "office-day-A.truth"
    visits = read((truth / "queue_log").read_text())
    for queue, expected in json.loads((truth / "kpi.json").read_text())["from_queue_log"].items():
        if queue != "ALL":
            mine = [visit for visit in visits if visit.queue == queue]
            waits = [visit.wait_ms for visit in mine if visit.disposition == "answered"]
            words = [visit.disposition for visit in mine]
            assert (expected["offered"], expected["answered"], expected["abandoned"]) == (
                len(mine), len(waits), words.count("abandoned"),
            )  # fmt: skip
            assert expected["ASA_s"] == round(sum(waits) / len(waits) / 1000, 2)


def test_one_visit_from_event_to_event():
    """Entered, connected, completed; a member is his extension as imported, as his interface says, or his name."""
    log = "1000|c1|NONE|NONE|DID|442079460400\n1000|c1|support|NONE|ENTERQUEUE||+447700900123|1\n"
    log += "1007|c1|support|{}|CONNECT|7|c2|3\n1067|c1|support|{}|COMPLETEAGENT|7|60|1\n"
    for name, extension in (("Alice", "101"), ("PJSIP/102", "102"), ("Local/103@from-queue/n", "103"), ("Zoe", "Zoe")):
        (visit,) = read(log.format(name, name), {"Alice": "101"})
        assert ("447700900123", "442079460400", extension, "answered", "agent") == (
            visit.caller, visit.did, visit.agent, visit.disposition, visit.ended_by,
        )  # fmt: skip
        assert (7000, 1_000_000, 1_067_000) == (visit.wait_ms, visit.t_enter, visit.t_end)


@pytest.mark.parametrize(
    ("events", "disposition", "ended_by"),
    [
        ("1009|c|q|NONE|ABANDON|1|1|9\n", "abandoned", "caller"),
        ("1009|c|q|NONE|EXITWITHTIMEOUT|1|1|9\n", "overflow", ""),
        ("1009|c|q|NONE|EXITEMPTY|1|1|9\n", "overflow", ""),
        ("1009|c|q|NONE|EXITWITHKEY|1|1\n", "overflow", ""),
        ("1005|c|q|A|CONNECT|5|x|1\n1009|c|q|A|BLINDTRANSFER|106|i|2|9|1\n", "answered", ""),
        ("1005|c|q|A|CONNECT|5|x|1\n1009|c|q|A|COMPLETECALLER|2|9|1\n", "answered", "caller"),
        ("1005|c|q|A|RINGNOANSWER|1000\n", "open", ""),
        ("1005|c|other|NONE|ABANDON|1|1|9\n", "open", ""),
        ("99999999|c|q|NONE|ABANDON|1|1|9\n", "open", ""),
    ],
)
def test_outcomes(events: str, disposition: str, ended_by: str):
    """By the events of this call and queue, within a day; what is not over yet is open."""
    (visit,) = read("1000|c|q|NONE|ENTERQUEUE||anonymous|1\n" + events)
    assert ("", disposition, ended_by) == (visit.caller, visit.disposition, visit.ended_by)


def test_words_about_agents_are_rows_of_their_own():
    """Each event once, under the extension that the member's name or interface says; it is no visit."""
    log = "1000|NONE|NONE|Bob|PAUSEALL|lunch\n1000|NONE|support|Bob|PAUSE|lunch\n1000|NONE|support|Bob|PAUSE|lunch\n"
    log += (
        "1002|c1|tech|PJSIP/112|ADDMEMBER|\n1003|c1|tech|PJSIP/112|RINGNOANSWER|1000\n1004|NONE|NONE|NONE|PAUSEALL|\n"
    )
    rows = read_queue_log(log.encode(), "queue_log", CONTEXT, lambda name, _at: {"Bob": "102"}.get(name, ""))
    assert {AGENT_KEY} == {row.key for row in rows}
    assert [
        (1_000_000, "102", "PAUSEALL", "NONE", "lunch"),
        (1_000_000, "102", "PAUSE", "support", "lunch"),
        (1_002_000, "112", "ADDMEMBER", "tech", ""),
    ] == [(row.at_ms, *(row.values[name] for name in ("agent", "event", "queue", "reason"))) for row in rows]


def test_the_line_being_written_is_left_out():
    """A log that is copied while the PBX writes it."""
    log = "1000|c|q|NONE|ENTERQUEUE||447700900123|1\n1009|c|q|NONE|ABAND"
    assert ["open"] == [visit.disposition for visit in read(log)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1000|c|q|NONE|ENTERQUEUE||1|1\nnoon|c|q|NONE|ABANDON\n", 'row 2, column "time": "noon" is no Unix time'),
        ("1000|c|q\n", 'row 1, column "event": is missing'),
        ("1000|c|q|NONE|QUEUESTART|\n", "has no ENTERQUEUE"),
        ("", "has no ENTERQUEUE"),
    ],
)
def test_what_is_no_queue_log_is_refused(text: str, said: str):
    """By its line, as a table is by its row."""
    with pytest.raises(BadFile, match=said.replace("(", r"\(")):
        read(text)
