"""Callers for whom no phone was seen to ring: marked, unless everybody was busy or the time was too short."""

import pytest

from cloud_sink.contacts.records import Contact, Destination, Leg, OfficePlan
from cloud_sink.contacts.stitch import stitch
from tests.cloud_sink.contacts.leg_builders import PLAN, leg, ring, trunk

TWO = OfficePlan(office="lab", destinations=(Destination("support", "queue", ("4400",), ("101", "102")),))


def busy(extension: str, until: float) -> list[Leg]:
    """An agent who is in a call with somebody else until then."""
    name = f"{extension}-before"
    return [
        trunk(f"t-{name}", "4400", name, -100, until, answer=-99),
        ring(name, extension, name, -98, until, answer=-90),
    ]


def caller(*legs: Leg, plan: OfficePlan = TWO) -> Contact:
    """The contact of the caller "c"."""
    return next(contact for contact in stitch(legs, plan).contacts if contact.caller == "c")


def test_somebody_was_free_and_was_not_rung():
    """102 was in no call for twenty seconds, and no phone rang: somebody unseen may have answered."""
    contact = caller(trunk("t", "4400", "c", 0, 20, answer=0.1), *busy("101", 30), *busy("102", -20))
    assert ("abandoned", "ambiguous") == (contact.disposition, contact.correlation)


def test_all_were_busy():
    """Nobody could be rung: a caller who gave up, for sure."""
    contact = caller(trunk("t", "4400", "c", 0, 40, answer=0.1), *busy("101", 50), *busy("102", 30))
    assert ("abandoned", "exact") == (contact.disposition, contact.correlation)


def test_too_short_to_tell():
    """A queue tries again after some seconds, an agent wraps up after a call."""
    contact = caller(trunk("t", "4400", "c", 0, 12, answer=0.1), *busy("101", -5), *busy("102", -20))
    assert "exact" == contact.correlation


def test_phones_that_are_never_seen_may_answer_at_once():
    """No leg of 102 was ever seen: after the short limit nothing is sure."""
    left_at_once, stayed = (
        caller(trunk("t", "4400", "c", 0, end, answer=0.1), *busy("101", 30)).correlation for end in (4, 12)
    )
    assert ("exact", "ambiguous") == (left_at_once, stayed)


def test_after_the_last_phone_stopped():
    """A phone rang in vain and then nobody's for twenty seconds."""
    contact = caller(
        trunk("t", "4400", "c", 0, 40, answer=0.1), ring("a", "101", "c", 1, 16), *busy("101", -20), *busy("102", 50)
    )
    assert ("abandoned", "ambiguous") == (contact.disposition, contact.correlation)


def test_without_configured_members_those_who_rang_for_others_are_known():
    """102 rang for 4400 before and is free now."""
    contact = caller(
        trunk("t", "4400", "c", 0, 20, answer=0.1), *busy("101", 30), *busy("102", -20), plan=OfficePlan(office="lab")
    )
    assert "ambiguous" == contact.correlation


def test_sent_on_when_the_queues_time_was_up_is_sure():
    """Sixty seconds were the queue's own limit."""
    contact = caller(trunk("t", "4400", "c", 0, 61, answer=0.1, ended_by="callee"), plan=PLAN)
    assert ("overflow", "exact") == (contact.disposition, contact.correlation)


@pytest.mark.parametrize(("did", "word"), [("44600101", "ambiguous"), ("4520", "exact")])
def test_a_number_that_answers_without_its_phone(did, word):
    """101's own number was answered and 101 did not ring; an announcement has no phone."""
    assert word == caller(trunk("t", did, "c", 0, 8, answer=0.1), plan=PLAN).correlation


def test_sent_outside_is_no_mystery():
    """The PBX called a mobile for him."""
    mobile = leg("m", role="trunk", direction="out", caller="c", callee="49170", invite=1, end=30, answer=5)
    contact = caller(trunk("t", "44600101", "c", 0, 30, answer=5.1), mobile, plan=PLAN)
    assert "ambiguous" != contact.correlation
