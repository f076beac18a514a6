"""The outcome word of a leg, with its siblings in view."""

import pytest
from leg_builders import PLAN, dial, leg, ring, trunk

from cloud_sink.contacts.records import Leg
from cloud_sink.contacts.stitch import stitch


def words(*legs: Leg) -> dict[str, str]:
    """Settled words by the names of the legs."""
    return stitch(legs, PLAN).outcomes


def test_nine_phones_beside_the_one_that_answered_missed_nothing() -> None:
    """A ring group of nine: one answered, eight elsewhere, with or without a Reason header."""
    legs = [trunk("t", "4300", "c", 0, 20, answer=5.01)]
    legs += [ring(f"r{n}", str(n), "c", 0.1, 5.02, reason_sip=200 * (n % 2)) for n in range(101, 109)]
    legs += [ring("r109", "109", "c", 0.1, 20, answer=5, ended_by="caller")]
    assert {"answered": 2, "elsewhere": 8} == _counts(words(*legs))


def _counts(outcomes: dict[str, str]) -> dict[str, int]:
    return {word: list(outcomes.values()).count(word) for word in sorted(set(outcomes.values()))}


def test_a_claim_of_elsewhere_without_an_answer_is_kept_apart() -> None:
    """The PBX says "completed elsewhere", but no sibling answered and no caller's leg is there to ask."""
    assert "elsewhere_claimed" == words(ring("r", "101", "c", 0, 5, reason_sip=200))["r"]


def test_a_caller_who_left_beats_the_claim() -> None:
    """Asterisk's Dial(c) claims "elsewhere" on every CANCEL: the caller's own end is better evidence."""
    outcomes = words(trunk("t", "4300", "c", 0, 5), ring("r", "101", "c", 0.1, 5.01, reason_sip=200))
    assert "caller_gone" == outcomes["r"]


def test_a_time_out_with_the_caller_still_there_is_no_answer() -> None:
    """The phone stops ringing, the caller waits on."""
    outcomes = words(trunk("t", "4400", "c", 0, 30), ring("r", "101", "c", 0.1, 10), ring("s", "102", "c", 11, 20))
    assert ("no_answer", "no_answer") == (outcomes["r"], outcomes["s"])


def test_two_phones_picked_up_at_once() -> None:
    """Both sent a 200; the PBX dropped one within a second: it lost the race and answered nothing."""
    outcomes = words(
        trunk("t", "4300", "c", 0, 20, answer=5.03),
        ring("r", "101", "c", 0.1, 5.3, answer=5.02, ended_by="caller", reason_sip=200),
        ring("s", "102", "c", 0.1, 20, answer=5.01, ended_by="caller"),
    )
    assert ("lost_race", "answered") == (outcomes["r"], outcomes["s"])


def test_two_phones_picked_up_and_the_pbx_left_both_alone() -> None:
    """chan_sip hangs up on nobody: whoever was up until the caller's end had him, the other talked to nobody."""
    outcomes = words(
        trunk("t", "4300", "c", 0, 20, answer=5.03),
        ring("r", "101", "c", 0.1, 9, answer=5.01, ended_by="callee"),
        ring("s", "102", "c", 0.1, 19.99, answer=5.02, ended_by="callee"),
    )
    assert ("lost_race", "answered") == (outcomes["r"], outcomes["s"])


def test_hunting_on_is_not_answering_elsewhere() -> None:
    """The next phone rings after the CANCEL of the one before and answers at once: the one before was no_answer."""
    outcomes = words(
        trunk("t", "4300", "c", 0, 20, answer=6),
        ring("r", "101", "c", 0.1, 5),
        ring("s", "102", "c", 5.01, 20, answer=6),
    )
    assert ("no_answer", "answered") == (outcomes["r"], outcomes["s"])


def test_voicemail_that_answers_a_colleague_is_not_elsewhere() -> None:
    """The caller's own leg is answered by the PBX as the called phone stops ringing: the phone missed the call."""
    outcomes = words(
        dial("d", "101", "102", 0, 20, direction="int", answer=10.01), ring("r", "102", "101", 0.1, 10, direction="int")
    )
    assert "no_answer" == outcomes["r"]


def test_an_outside_number_that_the_pbx_gave_up_did_not_answer() -> None:
    """Dial's time-out cancels the trunk leg while the extension still waits: no_answer; had it left: caller_gone."""
    for end, word in ((30.5, "no_answer"), (30, "caller_gone")):
        ended_by = "callee" if word == "no_answer" else "caller"
        outcomes = words(
            dial("d", "101", "4470", 0, end, direction="out", ended_by=ended_by),
            trunk("t", "4470", "101", 0.1, 30, direction="out", ring=1, cancelled=True, call_key="d"),
        )
        assert word == outcomes["t"]


@pytest.mark.parametrize(
    ("code", "rang", "end", "word"),
    [
        (486, None, 0.2, "dnd"),
        (603, None, 0.2, "dnd"),
        (486, 0.3, 4, "declined"),
        (480, 0.3, 4, "declined"),
        (603, None, 4, "declined"),
        (486, None, 4, "busy"),
        (600, 0.3, 4, "busy"),
        (408, 0.3, 30, "no_answer"),
        (408, None, 30, "unreachable"),
        (404, None, 0.1, "unreachable"),
        (503, None, 0.1, "unreachable"),
        (0, None, 32, "unreachable"),
        (302, None, 0.1, "forwarded"),
        (488, None, 0.1, "failed"),
        (500, 0.3, 4, "failed"),
    ],
)
def test_refusals(code: int, rang: float | None, end: float, word: str) -> None:
    """The status, whether it rang and how fast it came decide."""
    refused = ring("r", "101", "c", 0, end, ring=rang, final_code=code, ended_by="callee")
    assert word == words(refused)["r"]


@pytest.mark.parametrize(("facts", "word"), [({}, "caller_gone"), ({"retransmissions": 4}, "unreachable")])
def test_a_phone_that_refused_what_was_cancelled_is_there(facts: dict[str, object], word: str) -> None:
    """Cancelled before it rang: not the phone's fault, unless the PBX had to ask it again and again."""
    assert word == words(ring("r", "101", "c", 0, 0.2, ring=None, **facts))["r"]


def test_busy_while_talking() -> None:
    """A 486 from a phone that is in another call is busy, however fast it comes."""
    talking = ring("x", "101", "d", -10, 20, answer=-5)
    assert "busy" == words(talking, ring("r", "101", "c", 0, 0.1, ring=None, final_code=486))["r"]


def test_calls_of_phones_and_open_legs() -> None:
    """Who dialled and gave up is gone; a leg whose end was not seen is open."""
    outcomes = words(dial("d", "101", "104", 0, 5, cancelled=True), ring("o", "102", "c", 0, None))
    assert ("caller_gone", "open") == (outcomes["d"], outcomes["o"])


def test_a_trunk_that_refuses_is_busy_or_failed() -> None:
    """The carrier's own answers keep their plain meaning."""
    out = leg("o", role="trunk", direction="out", caller="1", callee="4477", invite=0, end=1, final_code=486)
    assert "busy" == words(out)["o"]


def test_a_long_call_makes_busy_after_a_shorter_one_beside_it_ended() -> None:
    """Two lines on one phone: the earlier call outlasts the later one, and the phone is still in it."""
    outcomes = words(
        ring("long", "101", "a", 0, 600, answer=5),
        ring("short", "101", "b", 100, 200, answer=105),
        ring("refused", "101", "c", 300, 300.1, ring=None, final_code=486),
        ring("later", "101", "d", 700, 700.1, ring=None, final_code=486),
    )
    assert ("busy", "dnd") == (outcomes["refused"], outcomes["later"])


def test_a_race_reaches_over_one_second_only() -> None:
    """Three phones answered in turn: only the one that was told so by the PBX, within a second of another, lost."""
    outcomes = words(
        trunk("t", "4300", "c", 0, 20, answer=5.03),
        ring("r", "101", "c", 0.1, 5.1, answer=5.0, ended_by="caller", reason_sip=200),
        ring("s", "102", "c", 0.1, 6.1, answer=6.0, ended_by="caller"),
        ring("u", "103", "c", 0.1, 20, answer=7.001, ended_by="caller"),
    )
    assert {"r": "lost_race", "s": "answered", "u": "answered"} == {name: outcomes[name] for name in "rsu"}
