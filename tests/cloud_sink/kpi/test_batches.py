"""A period measured in batches: the same report as all at once."""

from dataclasses import replace

import pytest

from cloud_sink.config import office_plans
from cloud_sink.kpi import batches
from cloud_sink.kpi.availability import measure_availability
from cloud_sink.kpi.batches import TIME_KPIS
from cloud_sink.kpi.coverage import coverage, watched_spans
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.report import measure, present
from cloud_sink.kpi.states import agent_states
from collector.adapters.pcapfile import open_captures
from collector.config import load
from fieldkit.replay import replay

RECORDINGS = ("b-ringgroup", "c-queue", "d-features", "e-outbound", "f-missing-bye", "f-survey", "office-day-A")


@pytest.mark.parametrize("batch_legs", [1, 50, 2_000])
@pytest.mark.parametrize("name", RECORDINGS)
def test_batches_say_what_everything_at_once_says(name, batch_legs, recording, lab_config, monkeypatch):
    """Unique callers, callbacks, repeats, peaks, days and busy time included, in total, by queue and by extension."""
    monkeypatch.setattr(batches, "BATCH_LEGS", batch_legs)
    plan = survey_after_support(office_plans(lab_config)["lab"])
    settings = load(str(lab_config)).monitor_settings()
    done = replay(open_captures([str(recording(name))]), settings, plan, box="lab", with_ladder=False, on_progress=abs)
    span = (done.first_ms, done.last_ms + 1)
    period, watched = Period(*span, plan.time_zone), watched_spans(span, done.gaps, span)
    phones = [(leg, done.outcomes[leg.leg_id]) for leg in done.legs if leg.role == "phone"]
    states = agent_states(
        phones,
        [change for name in done.kept.phones() for change in done.kept.registrations("phone", name, 0, span[1])],
        watched=watched,
        codes=plan.agent_codes,
        told=[word for name in done.kept.phones() for word in done.kept.told_of(name, 0, span[1])],
        wrap_up=wrap_up_of(done.contacts, plan),
    )
    at_once = measure(
        done.contacts, phones, period=period, plan=plan, observed=True, threshold_s=plan.service_level_s, states=states,
        surveyed=done.legs, beside=measure_availability(states, [], plan, watched),
    )  # fmt: skip
    shown = present(
        at_once, period=period, plan=plan, coverage=coverage(span, done.gaps, span), threshold_s=plan.service_level_s,
        missed=[],
    )  # fmt: skip
    assert shown.to_json() == done.report().to_json()


def survey_after_support(plan):
    """The lab's plan; its number 420 leads to support and then, once the agent hung up, to the survey."""
    places = [replace(place, after=("support",)) if place.questions else place for place in plan.destinations]
    return replace(plan, destinations=tuple(places))


def test_survey_on_the_line_of_the_call(recording, lab_config):
    """Case c24 of the recording: the agent hangs up, the caller stays and keys 5, 4, 3. It is about agent 101."""
    plan = survey_after_support(office_plans(lab_config)["lab"])
    settings = load(str(lab_config)).monitor_settings()
    captures = open_captures([str(recording("c-queue"))])
    found = replay(captures, settings, plan, box="lab", with_ladder=False, on_progress=abs).report()
    for values in (found.total, found.queues["support"], found.extensions["101"]):
        assert (5.0, 4.0, -100.0) == tuple(values[kpi].value for kpi in ("csat_mean", "ces", "nps"))
        assert (1, 1) == (values["survey_response_rate"].numerator, values["survey_response_rate"].denominator)
    assert found.queues["sales"]["csat"].value is None


def wrap_up_of(contacts, plan):
    """How long the PBX spares agents after each leg."""
    lengths = {place.name: place.wrap_up_ms for place in plan.destinations}
    return {leg_id: lengths.get(contact.queue, 0) for contact in contacts for leg_id in contact.legs}


def test_what_agents_did_is_in_a_replay_too(recording, lab_config):
    """States, after-call work, surveys and occupancy of the recorded day are numbers, not null."""
    plan = survey_after_support(office_plans(lab_config)["lab"])
    settings = load(str(lab_config)).monitor_settings()
    done = replay(
        open_captures([str(recording("office-day-A"))]), settings, plan, box="lab", with_ladder=False, on_progress=abs
    )
    told = done.report()
    for kpi_id in (*TIME_KPIS, "acw_avg"):
        assert told.total[kpi_id].value is not None, kpi_id
    assert told.total["queue_occupancy"].value < told.total["occupancy"].value < 100
    assert told.extensions["102"]["break_time"].value > 30
    vantages = done.signalling.vantages
    assert vantages["phone"].by_leg["sip_rrd"].value.denominator > 20
    assert vantages["trunk_in"].contacts == len(
        {leg.call_key for leg in done.legs if (leg.role, leg.direction) == ("trunk", "in")}
    )
