"""Offices beside each other: rows and open days together are what each office's own report says."""

import random
from dataclasses import replace
from datetime import date

from cloud_sink.contacts.records import Destination, Leg, OfficePlan
from cloud_sink.fleet import compare_offices
from cloud_sink.kpi.fleet import FLEET_KPIS
from cloud_sink.kpi.period import Period, midnight_ms
from cloud_sink.office import Offices
from cloud_sink.rolling import Roller
from cloud_sink.store import BatchArrived, Gap, Store
from cloud_sink.store.rows import leg_id

FIRST, LAST = date(2026, 6, 1), date(2026, 6, 4)
PLACES = (Destination("support", "queue", ("442079460400",)),)
PLANS = {
    "tehran": OfficePlan("tehran", time_zone="Asia/Tehran", destinations=PLACES, service_level_s=30),
    "york": OfficePlan("york", time_zone="America/New_York", destinations=PLACES),
    "quiet": OfficePlan("quiet", time_zone="Asia/Kathmandu"),
    "unseen": OfficePlan("unseen"),
}
NOW = midnight_ms(LAST, "UTC") + 18 * 3_600_000


def make_call(office: str, seq: int, start: int, wait_ms: int, *, answered: bool) -> list[Leg]:
    """A customer's call over the trunk to a queue, and the phone that rang for it."""
    end = start + wait_ms + 60_000 * answered
    trunk = Leg(
        leg_id(office, 1, seq), office, office, 1, seq, f"{seq:012x}", "trunk", "in", "", f"4477009{seq % 5:05}",
        "442079460400", start, start + 20, start + 50, end, 200, ended_by="caller",
    )  # fmt: skip
    phone = replace(
        trunk, leg_id=leg_id(office, 1, seq + 1), seq=seq + 1, call_key=f"{seq + 1:012x}", role="phone",
        extension="101", callee="101", t_invite=start + 100, t_ring=start + 200,
        t_answer=start + wait_ms if answered else None, final_code=200 if answered else 487,
    )  # fmt: skip
    return [trunk, phone]


def fill(store: Store) -> None:
    """Four days of two offices, one office that is watched and not called, and one that is not even that."""
    chance = random.Random(3)
    for office in ("tehran", "york"):
        zone, legs = PLANS[office].time_zone, []
        for day in range(4):
            start = midnight_ms(date(2026, 6, 1 + day), zone)
            for _ in range(12):
                at = start + chance.randrange(8 * 3_600_000)
                if at < NOW:
                    wait = chance.randrange(2_000, 70_000)
                    legs += make_call(office, len(legs) + 1, at, wait, answered=chance.random() < 0.7)
        gap = Gap(
            office, midnight_ms(date(2026, 6, 2), zone), midnight_ms(date(2026, 6, 2), zone) + 3_600_000, "", 0, 900
        )
        store.ingest([BatchArrived(office, office, 1, 1, 900, 1, NOW, legs=legs, gaps=[gap])], PLANS, NOW)
    gaps = [Gap("quiet", NOW - ago, NOW - ago + 1000, "", 0, seq) for seq, ago in ((1, 100_000_000), (2, 5_000))]
    store.ingest([BatchArrived("quiet", "quiet", 1, 1, 2, 1, NOW, gaps=gaps)], PLANS, NOW)


def assert_every_line_is_the_offices_report(store: Store) -> None:
    """Every KPI of every office, to the digit."""
    offices = Offices(store, PLANS, lambda: NOW)
    for threshold in (None, 20):
        fleet = compare_offices(offices, FIRST, LAST, threshold)
        assert PLANS.keys() == {line.office for line in fleet.offices}
        for line in fleet.offices:
            office = offices.get(line.office)
            report = office.report(Period.of_days(FIRST, LAST, office.plan.time_zone), threshold)
            for kpi_id in FLEET_KPIS:
                if kpi_id != "coverage":
                    assert (line.office, kpi_id, report.total[kpi_id]) == (line.office, kpi_id, line.values[kpi_id])
            assert report.percentiles["wait"] == line.waits_s


def test_a_fleet_says_what_its_offices_say(store: Store) -> None:
    """Before any day was computed, afterwards, and with days out of date; on SQLite and PostgreSQL."""
    fill(store)
    assert_every_line_is_the_offices_report(store)
    roller = Roller(store, PLANS, lambda: NOW)
    assert 3 + 3 + 1 == roller.roll()
    assert_every_line_is_the_offices_report(store)
    late = make_call("york", 951, midnight_ms(date(2026, 6, 2), "America/New_York") + 5_000_000, 3_000, answered=True)
    store.ingest([BatchArrived("york", "york", 1, 951, 952, 1, NOW, legs=late)], PLANS, NOW)
    assert_every_line_is_the_offices_report(store)


def test_watched_time_is_of_the_days_that_were_watched(store: Store) -> None:
    """From the first event to the last, without gaps, of the time that is over; the same with and without rows."""
    fill(store)
    offices = Offices(store, PLANS, lambda: NOW)

    def watched() -> dict[str, tuple[float, float]]:
        fleet = compare_offices(offices, FIRST, LAST)
        return {
            line.office: (line.values["coverage"].numerator, line.values["coverage"].denominator)
            for line in fleet.offices
        }

    before = watched()
    Roller(store, PLANS, lambda: NOW).roll()
    assert before == watched()
    seen, length = before["york"]
    assert 0 < seen < length
    assert (0, 0) == before["unseen"]


def test_the_worst_comes_first_and_the_unseen_last(store: Store) -> None:
    """By how far the service level is from the office's own target; what is not known is null, not 0."""
    fill(store)
    fleet = compare_offices(Offices(store, PLANS, lambda: NOW), FIRST, LAST)
    distance = [
        level / 100 - line.target for line in fleet.offices if (level := line.values["service_level"].value) is not None
    ]
    assert distance == sorted(distance)
    assert {"quiet", "unseen"} == {line.office for line in fleet.offices[2:]}
    unseen = next(line for line in fleet.offices if line.office == "unseen")
    assert {None} == {value.value for value in unseen.values.values()}
    quiet = next(line for line in fleet.offices if line.office == "quiet")
    assert (0, None) == (quiet.values["offered"].value, quiet.values["service_level"].value)
    assert sum(line.values["offered"].numerator for line in fleet.offices) == fleet.total.values["offered"].value
