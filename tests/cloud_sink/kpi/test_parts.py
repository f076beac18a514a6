"""Who spoke with a customer: each agent for his own part, in the reports of extensions and of the team."""

import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud_sink.config import office_plans
from cloud_sink.contacts.records import Contact, Destination, Leg, OfficePlan
from cloud_sink.contacts.stitch import stitch
from cloud_sink.kpi.after_call import AfterCall, measure_own_after_call
from cloud_sink.kpi.extensions import SettledLeg, by_extension, measure_extension, parts_of
from cloud_sink.kpi.parts import taken_over
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.report import report
from cloud_sink.kpi.roster import Roster, Seat
from cloud_sink.kpi.team_report import TeamFacts, team_report
from cloud_sink.kpi.value import Parts
from collector.adapters.pcapfile import open_captures
from collector.config import load
from fieldkit.replay import Replayed, replay

CUSTOMER = "447700900001"
PLAN = OfficePlan("lab", destinations=(Destination("codes", "feature", ("*8*", "700", "701")),))


@pytest.fixture(scope="module")
def features(recording: Callable[[str], Path], lab_config: Path) -> Replayed:
    """The recording with transfers, pickups and parked calls, as the whole pipeline understands it."""
    settings, plan = load(str(lab_config)).monitor_settings(), office_plans(lab_config)["lab"]
    source = open_captures([str(recording("d-features"))])
    return replay(source, settings, plan, box="lab", with_ladder=False, on_progress=lambda _share: None)


def phone_legs(replayed: Replayed) -> list[SettledLeg]:
    """The legs that KPIs of extensions rest on."""
    outcomes = replayed.outcomes
    return [(leg, outcomes[leg.leg_id]) for leg in replayed.legs if leg.role == "phone"]


def parts_by_contact(replayed: Replayed) -> Iterator[tuple[Contact, list[Leg]]]:
    """Customers' answered contacts with the parts of whoever spoke."""
    legs = phone_legs(replayed)
    taken = taken_over(replayed.contacts, legs, replayed.plan)
    parts = {leg.leg_id: leg for leg in parts_of(legs, taken)}
    for contact in replayed.contacts:
        if contact.direction == "in" and contact.disposition == "answered":
            yield contact, [parts[leg_id] for leg_id in contact.legs if leg_id in parts]


def spoke_by_pbx(captures: Path) -> dict[str, set[str]]:
    """Caller -> extensions that spoke with him, by the PBX's event log: who answered, picked up, fetched, was given."""
    with gzip.open(captures / "d-features.truth" / "calls.json.gz") as file:
        calls = json.load(file)["calls"]
    spoke: dict[str, set[str]] = {}
    for call in calls:
        caller = next((leg["num"] for leg in call["legs"] if leg["channel"].startswith("PJSIP/itsp")), "")
        answered = [leg["channel"] for leg in call["legs"] if leg.get("answer") and leg["bridges"]]
        named = re.findall(
            r'"(?:pickup_channel|retriever|transfer_target_channel_name)":"([^"]+)"',
            " ".join(each["extra"] for each in call["xfer"]),
        )
        phones = {found[1] for channel in answered + named if (found := re.match(r"PJSIP/(1\d\d)-", channel))}
        spoke.setdefault(caller, set()).update(phones)
    return spoke


def test_whoever_spoke_has_a_part(features, captures):
    """The agents of every customer's contact are those of the PBX's own event log."""
    truth = spoke_by_pbx(captures)
    found = {contact.caller: {leg.extension for leg in parts} for contact, parts in parts_by_contact(features)}
    assert len(found) > 20
    assert {caller: truth[caller] for caller in found} == found


def test_parts_add_up_to_the_contacts_talk(features):
    """Talk of all agents together is the talk of the contact, to the millisecond."""
    contacts = list(parts_by_contact(features))
    assert 8 == sum(leg.direction != "in" for _, parts in contacts for leg in parts)
    for contact, parts in contacts:
        assert contact.talk_ms == sum(leg.talk_ms or 0 for leg in parts)


def test_extensions_report_the_talk_of_all_contacts(features):
    """In the report no second of a customer's talk is missing, and none is there twice."""
    values = features.report().extensions.values()
    talked = sum(each["avg_talk_time"].numerator for each in values)
    contacts = [contact for contact, _ in parts_by_contact(features)]
    assert round(1000 * talked) == sum(contact.talk_ms for contact in contacts)
    assert sum(each["answered"].value or 0 for each in values) == sum(len(p) for _, p in parts_by_contact(features))


def test_agents_by_name_have_the_same_parts(features):
    """The team's report credits whoever sat at the phone; the office's report has as many answers."""
    first, last = features.first_ms or 0, (features.last_ms or 0) + 1
    whole = features.report()
    facts = TeamFacts(whole, features.contacts, phone_legs(features), {}, [(first, last)], [])
    roster = Roster(seats=(Seat("Ann", "102", first, last, team="day"),))
    team = team_report(facts, roster, features.plan)
    ann = next(each for each in team.agents if each.agent == "Ann")
    for kpi_id in ("answered", "avg_talk_time", "aht"):
        assert whole.extensions["102"][kpi_id] == ann.values[kpi_id]
    assert team.everybody["answered"].value == sum(each["answered"].value or 0 for each in whole.extensions.values())


def picked_up(make_leg) -> list[Leg]:
    """101 rings for a customer; 109 dials *8, has him half a second after the PBX's answer, for twenty seconds."""
    return [
        make_leg("", role="trunk", callee="442079460101", ring_s=1, talk_s=30),
        make_leg("101", at_s=1, ring_s=5, talk_s=None, t_end=make_leg().t_invite + 6_000, cancelled=True),
        make_leg("109", at_s=5.5, direction="int", caller="109", callee="*8", ring_s=None, talk_s=20.5,
                 connected=CUSTOMER),
    ]  # fmt: skip


def settled(legs: list[Leg]) -> tuple[list[Contact], list[SettledLeg]]:
    """What stitching makes of legs."""
    stitched = stitch(legs, PLAN)
    return stitched.contacts, [(leg, stitched.outcomes[leg.leg_id]) for leg in legs if leg.role == "phone"]


def test_a_pickup_is_an_answer_but_no_ring(make_leg):
    """The picker has answer, talk and after-call work from when he had the customer; his rings are none of it."""
    contacts, legs = settled(picked_up(make_leg))
    taken = taken_over(contacts, legs, PLAN)
    own = by_extension(legs)["109"]
    measured = measure_extension(own, taken)
    works = {own[0][0].leg_id: AfterCall("109", 3_000, assumed=False)}
    assert [20_000] == [contact.talk_ms for contact in contacts]
    assert (Parts(1), Parts(20_000, 1)) == (measured["answered"], measured["avg_talk_time"])
    assert (Parts(0), Parts(0, 0)) == (measured["rings"], measured["agent_answer_rate"])
    assert Parts(23_000, 1) == measure_own_after_call(own, works, taken)["aht_acw"]
    assert Parts(0) == measure_extension(by_extension(legs)["101"], taken)["answered"]


def test_a_part_counts_on_its_own_day(make_leg, start):
    """A call picked up after midnight is the picker's of that day, told by the contact that began before."""
    contacts, legs = settled(picked_up(make_leg))
    day = Period(start + 3_000, start + 86_400_000)
    found = report(contacts, legs, period=day, plan=PLAN, coverage=1.0)
    assert (0, 1, 20.0) == (
        found.total["answered"].value, found.extensions["109"]["answered"].value,
        found.extensions["109"]["avg_talk_time"].value,
    )  # fmt: skip


def test_a_colleagues_call_is_no_customers(make_leg):
    """A call inside the office, or a code that fetched nobody, stays out."""
    contacts, legs = settled(
        [
            make_leg("102", direction="int", caller="102", callee="103", ring_s=2, talk_s=10),
            make_leg("103", direction="int", caller="102", ring_s=2, talk_s=10),
            make_leg("104", at_s=60, direction="int", caller="104", callee="*8", ring_s=None, talk_s=1),
        ]
    )
    assert {} == taken_over(contacts, legs, PLAN)
