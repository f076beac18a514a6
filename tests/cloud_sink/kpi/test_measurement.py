"""Days put together are the period: whatever adds up, in any order (I5)."""

import random

from hypothesis import given
from hypothesis import strategies as st

from cloud_sink.contacts.records import OfficePlan, Tariff
from cloud_sink.kpi.accessibility import count_service
from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.definition import RECOMPUTE
from cloud_sink.kpi.measurement import STANDARD_THRESHOLDS_S, Cohort, merge_measurements
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.report import measure
from cloud_sink.kpi.states import Interval

DAYS = 3
DAY_S = 86_400
DAY_MS = 1000 * DAY_S
PLAN = OfficePlan(
    "lab", service_level_s=25, tariffs=(Tariff("all", ("44",), 0.1),), repeat_days=1, shared_numbers=("447700900002",)
)
MADE_ANEW = {kpi.id for kpi in CATALOGUE.values() if kpi.roll == RECOMPUTE}


@st.composite
def contact_fields(draw):
    """What varies; nobody talks across midnight, where the most calls at once of both days would be one."""
    disposition = draw(
        st.sampled_from(["answered", "abandoned", "overflow", "voicemail", "unknown", "open", "blocked"])
    )
    return {
        "disposition": disposition,
        "at_s": draw(st.integers(0, DAYS - 1)) * DAY_S + draw(st.integers(0, 50_000)),
        "wait_s": draw(st.none() | st.integers(0, 90)),
        "talk_s": draw(st.integers(0, 600)),
        "hold_s": draw(st.sampled_from([0, 7])),
        "direction": draw(st.sampled_from(["in", "in", "in", "out", "int"])),
        "queue": draw(st.sampled_from(["support", "sales"])),
        "caller": draw(st.sampled_from(["", "447700900001", "447700900002", "447700900003"])),
        "visibility": draw(st.sampled_from(["T1", "T2"])),
        "ended_by": draw(st.sampled_from(["pbx", "agent", "caller"])),
        "wait_basis": draw(st.sampled_from(["queue", "ring", "caller"])),
    }


LEGS = st.lists(
    st.tuples(
        st.integers(0, DAYS - 1),
        st.integers(0, 50_000),
        st.sampled_from(["101", "102"]),
        st.sampled_from(["answered", "no_answer", "declined", "caller_gone"]),
    ),
    max_size=12,
)


def measured(contacts, legs, states, first_day, last_day, start):
    """The counters of some days, contacts around them known."""
    period = Period(start + first_day * DAY_MS, start + (last_day + 1) * DAY_MS)
    return measure(
        contacts, legs, period=period, plan=PLAN, observed=True, threshold_s=25, now_ms=start + 30 * DAY_MS,
        states={name: [each for each in found if period.holds(each.from_ms)] for name, found in states.items()},
    )  # fmt: skip


@given(fields=st.lists(contact_fields(), max_size=30), legs=LEGS, seed=st.integers(0, 99))
def test_days_in_any_order_are_the_period(make_contact, make_leg, start, fields, legs, seed):
    """Every KPI that is not made anew, of the office, of each queue, of each extension; thresholds and hours too."""
    contacts = [make_contact(contact_id=f"lab-{at}", **each) for at, each in enumerate(fields)]
    phones = [
        (make_leg(phone, at_s=day * DAY_S + second, talk_s=60 if word == "answered" else None), word)
        for day, second, phone, word in legs
    ]
    states = {"101": [Interval("talk", start + d * DAY_MS, start + d * DAY_MS + 5000, True) for d in range(DAYS)]}
    whole = measured(contacts, phones, states, 0, DAYS - 1, start)
    days = [measured(contacts, phones, states, day, day, start) for day in range(DAYS)]
    random.Random(seed).shuffle(days)
    merged = merge_measurements([merge_measurements(days[:2]), *days[2:]])
    for found, wanted in _cohorts(merged, whole):
        assert _told(found) == _told(wanted)
        assert (found.basis, found.kind, found.service) == (wanted.basis, wanted.kind, wanted.service)
    assert (merged.hours, merged.durations) == (whole.hours, whole.durations)


def _cohorts(found, wanted):
    """Every part of two measurements side by side."""
    yield found.total, wanted.total
    for groups, others in ((found.queues, wanted.queues), (found.extensions, wanted.extensions)):
        assert groups.keys() == others.keys()
        yield from ((groups[name], others[name]) for name in groups)


def _told(cohort: Cohort):
    """What is shown of counters: of what could not be seen, or has nothing below the line, nothing."""
    found = {name: parts for name, parts in cohort.measured().items() if name not in MADE_ANEW}
    return {n: (p.numerator, p.denominator) if p.seen and p.denominator else None for n, p in found.items()}


@given(fields=st.lists(contact_fields(), max_size=30))
def test_standard_thresholds_and_the_offices_own_are_counted(make_contact, start, fields):
    """So that the threshold can be changed afterwards without looking at the calls again."""
    contacts = [make_contact(contact_id=f"lab-{at}", **each) for at, each in enumerate(fields)]
    total = measured(contacts, [], {}, 0, DAYS - 1, start).total
    for threshold in (*STANDARD_THRESHOLDS_S, 25):
        assert count_service(contacts, threshold * 1000) == total.service_counts(threshold)
    assert total.service_counts(17) is None


def test_a_day_of_an_older_version_lacks_what_it_did_not_measure(make_contact, start):
    """Columns are matched by name: what the older day did not count is counted of the newer one alone."""
    day = measured([make_contact()], [], {}, 0, 0, start)
    old = Cohort(("offered",), [5], [1], [0])
    merged = merge_measurements([day, measured([], [], {}, 1, 1, start).__class__(True, old, {}, {}, [0] * 24, {})])
    counters = merged.total.measured()
    assert (6, 1) == (counters["offered"].numerator, counters["answered"].numerator)


def test_of_no_days_nothing_was_observed():
    """An empty period is an unobserved one."""
    assert not merge_measurements([]).observed
