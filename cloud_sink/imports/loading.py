"""What was imported, out of the store and into the records that KPIs are computed from."""

from collections.abc import Iterable
from typing import Any

from cloud_sink.contacts.records import OfficePlan, Tariff
from cloud_sink.imports.kinds import DAY_MS, KINDS, SHARED
from cloud_sink.kpi.answers import Answer, asked_elsewhere
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.personnel import YEAR_DAYS
from cloud_sink.kpi.roster import (
    Absence,
    Cost,
    Customer,
    Employee,
    Evaluation,
    Planned,
    Result,
    Roster,
    Seat,
)
from cloud_sink.kpi.spending import Spending, spending
from cloud_sink.kpi.state_sources import FOREVER
from cloud_sink.kpi.surveys import Asked
from cloud_sink.store import ImportedRow, Store

LONGEST_CALL_MS = 3_600_000  # an answer of the period may be about a call that began so long before it


def load_roster(store: Store, office: str, period: Period) -> Roster:
    """All that holds in the period or near it: shifts of a day around it, absences of the year before its end."""

    def rows(kind: str, before_ms: int = 0, after_ms: int = 0) -> list[ImportedRow]:
        span = (period.from_ms - before_ms, period.until_ms + after_ms)
        return store.imported(office, kind, *span, KINDS[kind].longest_ms)

    year_ms = YEAR_DAYS * DAY_MS
    return Roster(
        seats=[_seat(row) for row in rows("agents")],
        planned=[_planned(row) for row in rows("schedules", DAY_MS, DAY_MS)],
        absences=[_absence(row) for row in rows("absences", year_ms)],
        staff=[_employee(row) for row in rows("staff")],
        evaluations=[_evaluation(row) for row in rows("qa_scores")],
        results=[_result(row) for row in rows("dispositions", DAY_MS, DAY_MS)],
    )


def load_spending(store: Store, plan: OfficePlan, period: Period) -> Spending:
    """What staff and the rest cost in the period; schedules are read only where anything says what an hour costs."""
    span = (period.from_ms, period.until_ms)
    staff = [_employee(row) for row in store.imported(plan.office, "staff", *span)]
    costs = [_cost(row) for row in store.imported(plan.office, "costs", *span)]
    planned: list[Planned] = []
    if plan.work.hourly_cost is not None or any(each.hourly_cost is not None for each in staff):
        rows = store.imported(plan.office, "schedules", *span, KINDS["schedules"].longest_ms)
        planned = [_planned(row) for row in rows]
    return spending(planned, staff, plan.work.hourly_cost, costs, period)


def load_customers(store: Store, office: str, numbers: Iterable[str]) -> dict[str, Customer]:
    """Those of these numbers whose customers are known."""
    rows = store.imported_parts(office, "customers", sorted({number for number in numbers if number}))
    return {row.number: _customer(row) for row in rows}


def load_shared_numbers(store: Store, office: str) -> list[str]:
    """The numbers that many people share."""
    return [row.number for row in store.imported(office, "customers", 0, 1, key=SHARED)]


def load_tariffs(store: Store, office: str) -> list[Tariff]:
    """Every tariff, those that are to come included: each says since when it holds."""
    return [_tariff(row) for row in store.imported(office, "tariffs", 0, FOREVER)]


def load_asked(store: Store, office: str, period: Period) -> list[Asked]:
    """Whom surveys asked in the period where no box heard it; calls are read only where there are any answers."""
    rows = store.imported(office, "surveys", period.from_ms, period.until_ms, KINDS["surveys"].longest_ms)
    if not rows:
        return []
    around = (office, period.from_ms - LONGEST_CALL_MS, period.until_ms)
    return asked_elsewhere(map(_answer, rows), store.contacts(*around), store.phone_legs(*around))


def _seat(row: ImportedRow) -> Seat:
    values: dict[str, Any] = row.values
    return Seat(values["agent"], values["extension"], row.at_ms, row.until_ms, values["team"])


def _planned(row: ImportedRow) -> Planned:
    values: dict[str, Any] = row.values
    return Planned(values["agent"], row.at_ms, row.until_ms, values["activity"], values["paid"])


def _absence(row: ImportedRow) -> Absence:
    values: dict[str, Any] = row.values
    return Absence(values["agent"], row.at_ms, row.until_ms, values["reason"])


def _employee(row: ImportedRow) -> Employee:
    values: dict[str, Any] = row.values
    return Employee(values["agent"], row.at_ms, row.until_ms, values["hourly_cost"])


def _evaluation(row: ImportedRow) -> Evaluation:
    values: dict[str, Any] = row.values
    return Evaluation(values["agent"], row.at_ms, values["score"], values["out_of"])


def _result(row: ImportedRow) -> Result:
    values: dict[str, Any] = row.values
    return Result(values["contact_id"], row.number, row.at_ms, values["disposition"], values["success"])


def _answer(row: ImportedRow) -> Answer:
    values: dict[str, Any] = row.values
    return Answer(
        row.at_ms,
        values["question"],
        round(values["score"]),
        values["contact_id"],
        row.number,
        values["queue"],
        values["agent"],
    )


def _cost(row: ImportedRow) -> Cost:
    values: dict[str, Any] = row.values
    return Cost(values["what"], row.at_ms, row.until_ms, values["amount"])


def _customer(row: ImportedRow) -> Customer:
    values: dict[str, Any] = row.values
    return Customer(row.number, values["name"], values["segment"], values["shared"])


def _tariff(row: ImportedRow) -> Tariff:
    values: dict[str, Any] = row.values
    return Tariff(
        values["name"],
        (values["prefix"],),
        values["per_minute"],
        values["connect_fee"],
        values["first_s"],
        values["step_s"],
        row.at_ms,
    )
