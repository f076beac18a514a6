"""Closed days: what their rows say is what the calls say, whatever arrives later, on SQLite and PostgreSQL alike."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from cloud_sink.contacts.records import Destination, Leg, OfficePlan
from cloud_sink.kpi.fleet import FLEET_KPIS, Watched, measure_fleet
from cloud_sink.kpi.period import Period, day_number, midnight_ms
from cloud_sink.kpi.report import Report
from cloud_sink.office import Office, Offices
from cloud_sink.rolling import CLOSING_MS, Roller
from cloud_sink.store import BatchArrived, Gap, Registration, Store
from cloud_sink.store.rows import leg_id

ZONE = "Australia/Lord_Howe"  # its clocks change by half an hour: on 2026-04-05 a day has 24.5 hours
FIRST = date(2026, 3, 30)
DAYS = 12
PLAN = OfficePlan(
    "lab", time_zone=ZONE, repeat_days=3,
    destinations=(Destination("support", "queue", ("442079460400",)), Destination("sales", "queue", ("442079460401",))),
)  # fmt: skip
DAY_MS = 86_400_000


def at(day: int, hour: float = 0) -> int:
    """Milliseconds of an hour of the office's day so many days after the first."""
    return midnight_ms(FIRST + timedelta(days=day), ZONE) + round(hour * 3_600_000)


def make_call(chance: random.Random, seq: int, start: int) -> list[Leg]:
    """A customer's call over the trunk, answered or not, or an extension's call to the outside."""
    number = f"4477009000{chance.randrange(12):02}"
    talk = chance.choice([None, None, chance.randrange(5_000, 200_000)])
    wait = chance.randrange(1_000, 70_000)
    answer = None if talk is None else start + wait
    end = start + wait + (talk or 0)

    def leg(offset: int, role: str, direction: str, caller: str, callee: str, **facts: object) -> Leg:
        extension = f"10{chance.randrange(3)}" if role == "phone" else ""
        made = Leg(
            leg_id("box", 7, seq + offset), "lab", "box", 7, seq + offset, f"{seq + offset:012x}", role, direction,
            extension, caller, callee or extension, start + offset * 100, start + 300, answer, end,
        )  # fmt: skip
        return replace(made, **facts)  # type: ignore[arg-type]

    if chance.random() < 0.2:
        return [leg(0, "trunk", "out", "442079460999", number, final_code=200)]
    queue = chance.choice(["442079460400", "442079460401"])
    ended = "caller" if chance.random() < 0.7 else "pbx"
    trunk = leg(0, "trunk", "in", number, queue, t_answer=start + 50, ended_by=ended)
    return [trunk, leg(1, "phone", "in", number, "", ended_by=ended, final_code=200 if answer else 487)]


def make_traffic(seed: int) -> list[Leg]:
    """Calls of every day but Sundays, in the order of their end, as a box sends them."""
    chance = random.Random(seed)
    legs: list[Leg] = []
    for day in range(DAYS):
        if (FIRST + timedelta(days=day)).weekday() != 6:
            for hour in sorted(chance.uniform(0.5, 23) for _ in range(chance.randrange(2, 9))):
                legs += make_call(chance, len(legs) + 1, at(day, hour))
    return legs


def send(store: Store, legs: Sequence[Leg], now_ms: int, **more: object) -> None:
    """Ingest legs one batch each: they may come in any order."""
    batches = [BatchArrived("box", "lab", 7, leg.seq, leg.seq, 1, now_ms, legs=[leg]) for leg in legs]
    if more:
        batches.append(replace(BatchArrived("box", "lab", 7, 9_000, 9_000, 1, now_ms), **more))  # type: ignore[arg-type]
    store.ingest(batches, {"lab": PLAN}, now_ms)


def office_at(store: Store, now_ms: int, plan: OfficePlan = PLAN) -> Office:
    """The office, at a moment."""
    return Offices(store, {"lab": plan}, lambda: now_ms).get("lab")


def roll(store: Store, now_ms: int, plan: OfficePlan = PLAN) -> int:
    """Compute what is due at a moment."""
    return Roller(store, {"lab": plan}, lambda: now_ms).roll()


def from_calls(office: Office, period: Period, threshold_s: float) -> Report:
    """The same report with every day's calls looked at, as if no day had been counted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "rollup", lambda _store, _office: None)
        return office.report(period, threshold_s)


def days(first: int, last: int) -> Period:
    """Local days so many days after the first."""
    return Period.of_days(FIRST + timedelta(days=first), FIRST + timedelta(days=last), ZONE)


def assert_rows_say_what_calls_say(office: Office) -> None:
    """Of some periods: with and without today, with parts of days, by several thresholds."""
    part = replace(days(2, DAYS - 1), from_ms=at(2, 10), until_ms=at(DAYS - 3, 15.5))
    for period, threshold in ((days(0, DAYS - 1), 20), (days(3, 7), 5), (days(5, 5), 20), (part, 20), (part, 17)):
        assert from_calls(office, period, threshold).to_json() == office.report(period, threshold).to_json()


def test_rows_say_what_the_calls_say(store: Store) -> None:
    """Through a day with 24.5 hours; with late calls, gaps and registrations; before and after they are settled."""
    legs = make_traffic(1)
    late = random.Random(1).sample(legs, 5)
    now = at(DAYS - 1, 20)
    registrations = [Registration(9_000, at(1, 8), "phone", "101", True)]
    send(store, [leg for leg in legs if leg not in late and leg.t_invite < now], now, registrations=registrations)
    assert DAYS - 1 == roll(store, now)
    assert_rows_say_what_calls_say(office_at(store, now))
    gap = replace(
        BatchArrived("box", "lab", 7, 9_001, 9_001, 1, now), gaps=[Gap("box", at(4, 9), at(4, 11), "", 0, 9_001)]
    )
    store.ingest([gap], {"lab": PLAN}, now)
    send(store, [leg for leg in late if leg.t_invite < now], now)
    assert_rows_say_what_calls_say(office_at(store, now))  # the days touched are read from their calls
    assert 0 < roll(store, now) < DAYS
    assert 0 == roll(store, now)
    assert_rows_say_what_calls_say(office_at(store, now))
    much_later = now + 10 * DAY_MS
    assert 0 < roll(store, much_later)
    assert_rows_say_what_calls_say(office_at(store, much_later))


def test_days_by_themselves_are_the_reports_of_each(store: Store) -> None:
    """Read from rows or from calls, through the long day; those before the first call, and to come, are left out."""
    now = at(DAYS - 1, 20)
    send(store, [leg for leg in make_traffic(1) if leg.t_invite < now], now)
    office, around = office_at(store, now), days(-5, DAYS + 5)
    shown = ("offered", "answered", "abandoned", "missed_contacts", "service_level", "asa", "coverage")
    expected = [
        (day, [report.total[kpi_id].to_json() for kpi_id in shown])
        for number in range(-5, DAYS + 6)
        if (report := from_calls(office, days(number, number), 20)).coverage
        for day in [FIRST + timedelta(days=number)]
    ]
    assert DAYS == len(expected)
    for _ in range(2):
        found = office.by_day(around)
        assert expected == [(day, [values[kpi_id].to_json() for kpi_id in shown]) for day, values in found]
        roll(store, now)
    assert [] == office.by_day(days(-5, -2))


def test_counters_of_the_database_are_the_kpis(store: Store) -> None:
    """What SQL counts for fleets is what the report computes from the contacts, to the last digit."""
    now = at(DAYS, 1)
    send(store, make_traffic(3), now)
    office = office_at(store, now)
    for period in (days(0, DAYS - 1), days(4, 4), days(7, 7)):
        counts = store.count_contacts(["lab"], period.from_ms, period.until_ms, PLAN.service_level_s)["lab"]
        total = office.measure(period).total.measured()
        measured = measure_fleet(counts, Watched(1, 1))
        for kpi_id in FLEET_KPIS:
            if kpi_id != "coverage":
                assert (kpi_id, total[kpi_id]) == (kpi_id, measured[kpi_id])
        for threshold in (5, 10, 15, 20, 30, 60):
            assert counts.service(threshold) == office.measure(period).total.service_counts(threshold)
        assert office.report(period).total["asa"].basis == counts.basis


def test_a_day_is_closed_ten_minutes_after_midnight(store: Store) -> None:
    """Until then it is read from its calls; calls of today mark nothing but the night before them as watched."""
    send(store, [leg for leg in make_traffic(4) if leg.t_invite < at(3)], at(3))
    midnight = at(4)
    assert 3 == roll(store, midnight + CLOSING_MS - 1)
    assert 1 == roll(store, midnight + CLOSING_MS)
    first, second = (replace(make_call(random.Random(5), 900 + n, at(4, 9 + n))[0], seq=900 + n) for n in range(2))
    send(store, [first], at(4, 9.5))
    assert {"lab"} == store.dirty_days(0, 1 << 20).keys()
    roll(store, at(4, 9.6))
    send(store, [second], at(4, 10.5))
    assert {} == store.dirty_days(0, 1 << 20)


def test_a_late_call_marks_the_days_it_may_change(store: Store) -> None:
    """Its own, and those within the days in which a repeat is looked for; rolling takes the marks away."""
    now = at(11, 12)
    legs = make_traffic(6)
    send(store, [leg for leg in legs if leg.t_invite < at(11)], now)
    roll(store, now)
    late = replace(make_call(random.Random(5), 900, at(5, 9))[0], seq=900)
    send(store, [late], now)
    sixth = day_number(at(5, 9), ZONE)
    assert list(range(sixth - 4, sixth + 5)) == sorted(store.dirty_days(0, 1 << 20)["lab"])
    assert 9 == roll(store, now)
    assert {} == store.dirty_days(0, 1 << 20)


def test_a_mark_that_comes_while_a_day_is_computed_stays(store: Store) -> None:
    """The row is of before it, so the day is computed once more."""
    now = at(8, 12)
    send(store, [leg for leg in make_traffic(7) if leg.t_invite < at(8)], now)
    roller = Roller(store, {"lab": PLAN}, lambda: now)
    roller.roll()
    day = day_number(at(2, 9), ZONE)
    store.mark_days("lab", [day])
    (work,) = roller.due()
    store.mark_days("lab", [day])  # arrives between looking and writing
    assert [day] == list(roller.compute(work))
    assert {"lab": {day: 2}} == store.dirty_days(day, day)
    assert 1 == roller.roll()


def test_another_plan_computes_every_day_again(store: Store) -> None:
    """A row is of the plan it was computed by: with another threshold it is not believed, and replaced."""
    now = at(8, 12)
    send(store, [leg for leg in make_traffic(8) if leg.t_invite < at(8)], now)
    assert 8 == roll(store, now)
    strict = replace(PLAN, service_level_s=6)
    office, period = office_at(store, now, strict), days(0, 7)
    assert from_calls(office, period, 6).to_json() == office.report(period).to_json()
    assert 8 == roll(store, now, strict)
    assert from_calls(office, period, 6).to_json() == office.report(period).to_json()
    assert 0 == roll(store, now, replace(strict, name="The lab"))


def test_rebuild_computes_every_day_again(store: Store) -> None:
    """Stitching everything again may change any day."""
    now = at(8, 12)
    send(store, [leg for leg in make_traffic(9) if leg.t_invite < at(8)], now)
    assert 8 == roll(store, now)
    store.rebuild(PLAN, lambda _done, _all: None)
    assert 8 == roll(store, now)


def test_an_office_nothing_was_seen_of_has_no_days(store: Store) -> None:
    """There is nothing to compute."""
    assert 0 == roll(store, at(3))


def test_a_call_picked_up_after_midnight_is_the_pickers_of_that_day(store: Store) -> None:
    """Of two closed days the first has the customer, the second the colleague's part; together nothing is lost."""
    plan = replace(PLAN, destinations=(*PLAN.destinations, Destination("codes", "feature", ("*8*",))))
    begun, midnight, number = at(3) - 4_000, at(3), "447700900001"

    def leg(seq: int, role: str, extension: str, start: int, end: int, **facts: object) -> Leg:
        made = Leg(leg_id("box", 7, seq), "lab", "box", 7, seq, f"{seq:012x}", role, "in", extension, number,
                   extension, start, start + 100, None, end)  # fmt: skip
        return replace(made, **facts)  # type: ignore[arg-type]

    legs = [
        leg(1, "trunk", "", begun, midnight + 60_000, callee="442079460400", t_answer=begun + 50, ended_by="caller"),
        leg(2, "phone", "101", begun + 500, midnight + 2_000, cancelled=True, final_code=487),
        leg(3, "phone", "109", midnight + 1_000, midnight + 60_000, direction="int", caller="109", callee="*8",
            t_answer=midnight + 1_500, connected=number),
    ]  # fmt: skip
    batches = [BatchArrived("box", "lab", 7, each.seq, each.seq, 1, at(4), legs=[each]) for each in legs]
    store.ingest(batches, {"lab": plan}, at(4))
    assert 2 == roll(store, at(5), plan)
    office = office_at(store, at(5), plan)
    customers = [office.report(days(day, day)).total["answered"].value for day in (2, 3)]
    own = [office.report(days(*span)).extensions.get("109", {}) for span in ((2, 2), (3, 3), (2, 3))]
    assert ([1, 0], {}) == (customers, own[0])
    assert [(1, 58.0), (1, 58.0)] == [(each["answered"].value, each["avg_talk_time"].value) for each in own[1:]]
    assert from_calls(office, days(2, 3), 20).to_json() == office.report(days(2, 3)).to_json()
