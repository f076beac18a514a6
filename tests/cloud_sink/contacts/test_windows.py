"""Stitching a window at a time: the contacts are those of all legs at once."""

import pytest
from leg_builders import PLAN, ring, trunk

from cloud_sink.config import office_plans
from cloud_sink.contacts.records import Contact, Leg, OfficePlan
from cloud_sink.contacts.stitch import stitch
from cloud_sink.contacts.windows import stitch_in_windows
from collector.adapters.pcapfile import open_captures
from collector.config import load
from fieldkit.replay import replay


def in_windows(legs: list[Leg], plan: OfficePlan, most_legs: int) -> tuple[list[Contact], dict[str, str]]:
    """Contacts in order, and the outcome of every leg."""
    finished = list(stitch_in_windows(legs, plan, sees_trunk=True, messages={}, most_legs=most_legs))
    contacts = sorted((each.contact for each in finished), key=lambda contact: (contact.t_offer, contact.contact_id))
    words = [(leg.leg_id, word) for each in finished for leg, word in each.legs]
    assert len(words) == len(set(words))
    return contacts, dict(words)


@pytest.mark.parametrize("most_legs", [200, 400, 10_000])
def test_a_whole_day_comes_out_the_same(most_legs, recording, lab_config):
    """Hours without a pause, cut where windows of a sixth of the day are full."""
    plan = office_plans(lab_config)["lab"]
    source = open_captures([str(recording("office-day-A"))])
    settings = load(str(lab_config)).monitor_settings()
    legs = replay(source, settings, plan, box="lab", with_ladder=False, on_progress=abs).legs
    whole = stitch(legs, plan)
    assert (whole.contacts, whole.outcomes) == in_windows(legs, plan, most_legs)


def test_calls_without_a_pause_are_finished_as_they_go():
    """Every second one more caller for half a minute, without end: never more than a window of legs is waiting."""
    taken = 0

    def coming():
        nonlocal taken
        for number in range(2_000):
            taken += 1
            yield trunk(f"t{number}", "4300", f"c{number}", number, number + 30, answer=number + 5)
            taken += 1
            yield ring(f"r{number}", "101", f"c{number}", number + 0.1, number + 30, answer=number + 5)

    given, most = 0, 0
    for finished in stitch_in_windows(coming(), PLAN, sees_trunk=True, messages={}, most_legs=400):
        assert 2 == len(finished.legs)
        most = max(most, taken - given)
        given += 2
    assert given == taken == 4_000
    assert most <= 401


def test_a_contact_that_fills_the_window_is_cut():
    """A phone that nobody answers rings for one number for ever: it is put down in parts, and no leg is lost."""
    legs = [ring(f"r{number:04}", "101", "sipp", number, number + 5) for number in range(1_000)]
    finished = list(stitch_in_windows(legs, PLAN, sees_trunk=False, messages={}, most_legs=100))
    assert [100] * 10 == [len(each.legs) for each in finished]
    assert {leg.leg_id for leg in legs} == {leg.leg_id for each in finished for leg, _ in each.legs}
