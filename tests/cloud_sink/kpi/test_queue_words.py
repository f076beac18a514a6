"""Agents' states from Asterisk's own queue_log."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cloud_sink.config import office_plans
from cloud_sink.contacts.records import AGENT_CODES
from cloud_sink.imports.columns import Context
from cloud_sink.imports.queue_log import read_queue_log
from cloud_sink.kpi.queue_words import AgentLog, QueueWord, edges_of, words_of
from cloud_sink.kpi.states import Registered, agent_states
from cloud_sink.store.logged import AGENT_KEY
from collector.adapters.pcapfile import open_captures
from collector.config import load
from fieldkit.replay import replay

from .conftest import START, build_leg

HOUR = [(START, START + 3_600_000)]
NINE = Registered(START, "101", registered=True)


def word(at_s: float, event: str, queue: str = "support") -> QueueWord:
    """101 in the log; within the second, so that it counts from then on."""
    return QueueWord(START + round(at_s * 1000) + 1, "101", event, queue)


def pauses(*words: QueueWord) -> list[tuple[int, bool]]:
    """When the break began or ended, in seconds."""
    return [((at_ms - START) // 1000, up) for at_ms, up in edges_of(words)[1]]


def logins(*words: QueueWord) -> list[tuple[int, bool]]:
    """The same of the login."""
    return [((at_ms - START) // 1000, up) for at_ms, up in edges_of(words)[0]]


def test_a_break_is_in_all_his_queues():
    """Paused in support alone he still takes calls of sales; the second pause makes the break."""
    words = [
        word(10, "PAUSE", "support"), word(20, "PAUSE", "sales"), word(30, "UNPAUSE", "support"),
        word(40, "UNPAUSE", "sales"),
    ]  # fmt: skip
    assert [(10, False), (20, True), (30, False)] == pauses(*words)


@pytest.mark.parametrize("detailed", [True, False])
def test_all_at_once(detailed: bool):
    """PAUSEALL, with the PBX's line for each queue or without."""
    each = [word(10, "PAUSE"), word(60, "UNPAUSE")] if detailed else []
    words = sorted([word(10, "PAUSEALL", "NONE"), word(60, "UNPAUSEALL", "NONE"), *each], key=lambda w: w.at_ms)
    assert [(10, True), (60, False)] == pauses(*words)


def test_back_in_one_queue_after_a_break_in_all():
    """He takes calls again, if of one queue only."""
    words = [word(10, "PAUSEALL", "NONE"), word(20, "UNPAUSE"), word(30, "UNPAUSEALL", "NONE")]
    assert [(10, True), (20, False)] == pauses(*words)


def test_logged_in_while_he_is_in_any_queue():
    """The last queue that he leaves logs him out."""
    words = [
        word(10, "ADDMEMBER"), word(20, "ADDMEMBER", "sales"), word(30, "REMOVEMEMBER"),
        word(40, "REMOVEMEMBER", "sales"),
    ]  # fmt: skip
    assert [(10, True), (40, False)] == logins(*words)


def test_a_member_by_configuration_is_not_logged_out_by_another_queue():
    """He pauses in support, which he never joined: leaving sales says nothing of his login."""
    assert [] == logins(word(10, "PAUSE"), word(20, "ADDMEMBER", "sales"), word(30, "REMOVEMEMBER", "sales"))


def test_whole_seconds_count_from_their_end():
    """A pause right after a call, written in the second in which the call ended, is not before its end."""
    assert [START + 10_999] == [at_ms for at_ms, _ in edges_of([QueueWord(START + 10_000, "101", "PAUSE", "q")])[1]]


def test_the_log_holds_while_it_lasts():
    """Until the import's end its word goes before the code dialled; after it the code is heard again."""
    code = build_leg("101", at_s=100, ring_s=None, talk_s=1, callee="*46", direction="int", caller="101")
    log = AgentLog((word(60, "PAUSE"), word(90, "UNPAUSE")), START + 600_000)
    found = agent_states([(code, "answered")], [NINE], watched=HOUR, codes=AGENT_CODES, log=log)["101"]
    breaks = [((each.from_ms - START) // 1000, (each.until_ms - START) // 1000, each.source) for each in found
              if each.state == "pause"]  # fmt: skip
    assert [(60, 90, "queue_log"), (600, 3600, "feature_code")] == breaks


def test_a_log_makes_no_agents():
    """Who is only named in the log has no phone here."""
    assert {} == agent_states([], [], watched=HOUR, codes=AGENT_CODES, log=AgentLog((word(60, "PAUSE"),)))


def test_the_recorded_pbx_s_log_says_what_its_codes_said(
    captures: Path, lab_config: Path, recording: Callable[[str], Path]
):
    """Every agent's break and login of a recorded day by the log are those by the codes dialled, within seconds."""
    names = ["Alice", "Bob", "Carol", "Dave", "Erin", "Frank", "Gina", "Hugo", "Ivan", "Judy", "Karl"]
    seats = {name: str(number) for number, name in enumerate(names, 101)} | {
        f"Agent{n}": f"{n}" for n in range(112, 121)
    }
    content = (captures / "office-day-A.truth" / "queue_log").read_bytes()
    rows = read_queue_log(content, "queue_log", Context("UTC", str), lambda name, _at: seats.get(name, ""))
    words = words_of((row.at_ms, row.values) for row in rows if row.key == AGENT_KEY)
    plan = office_plans(lab_config)["lab"]
    day = replay(
        open_captures([str(recording("office-day-A"))]), load(str(lab_config)).monitor_settings(), plan,
        box="lab", with_ladder=False, on_progress=lambda _share: None,
    )  # fmt: skip
    legs = [(leg, word) for leg, word, _ in day.kept.settled_legs() if leg.role == "phone"]
    log = AgentLog(tuple(words), max(row.at_ms for row in rows))
    by_code, by_log = (
        agent_states(legs, [], watched=[(day.first_ms or 0, day.last_ms or 0)], codes=plan.agent_codes, log=each)
        for each in (AgentLog(), log)
    )
    assert by_code.keys() == by_log.keys()
    assert "queue_log" in {each.source for found in by_log.values() for each in found if each.state == "pause"}
    for extension, found in by_log.items():
        for state in ("pause", "acw", "other"):
            one, other = (
                sum(each.length_ms for each in intervals if each.state == state)
                for intervals in (found, by_code[extension])
            )
            assert abs(one - other) <= 2_000, (extension, state)
