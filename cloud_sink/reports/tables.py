"""What can be taken away as a file: each export is a table of one office's period."""

from collections.abc import Callable

from cloud_sink.contacts.records import Contact
from cloud_sink.kpi.catalogue import CATALOGUE, definitions_of
from cloud_sink.kpi.definition import EXTENSIONS
from cloud_sink.kpi.grid import grid_json
from cloud_sink.kpi.missed import MissedCaller
from cloud_sink.kpi.period import Period, iso_time
from cloud_sink.kpi.report import Report, Values
from cloud_sink.office import Office
from cloud_sink.question import BadQuestion
from cloud_sink.reports import team, technical
from cloud_sink.reports.cells import value_cell
from cloud_sink.reports.customers import with_customers
from cloud_sink.reports.lists import callers_table, insights_table, outbound_table, results_table
from cloud_sink.reports.summaries import comparison_table, summary_table, targets_table
from cloud_sink.reports.week import planning_table
from cloud_sink.sheets import Cell, Table


def report_table(office: Office, period: Period) -> Table:
    """Every KPI in total, per queue and per extension: one row each."""
    report = office.report(period)
    heads = ("scope", "name", "kpi", "title", "value", "unit", "numerator", "denominator", "low", "high", "basis",
             "small", "from", "until", "coverage")  # fmt: skip
    ends: list[Cell] = [*list(period.to_json().values())[:2], round(report.coverage, 6)]
    rows: list[list[Cell]] = [
        [scope, name, *row, *ends]
        for scope, name, values in _scopes(report)
        for row in _value_rows(values)
    ]  # fmt: skip
    printed = ("scope", "name", "title", "value", "unit", "low", "high", "basis")
    return Table("report", heads, rows, printed)


def _scopes(report: Report) -> list[tuple[str, str, Values]]:
    """The report's parts in order."""
    queues = [("queue", name, values) for name, values in report.queues.items()]
    extensions = [("extension", name, values) for name, values in report.extensions.items()]
    return [("total", "", report.total), *queues, *extensions]


def _value_rows(values: Values) -> list[list[Cell]]:
    """KPIs of one part, in the catalogue's order."""
    rows: list[list[Cell]] = []
    for kpi_id, kpi in CATALOGUE.items():
        if value := values.get(kpi_id):
            low, high = value.interval or (None, None)
            parts = (value.numerator, value.denominator, _rounded(low), _rounded(high))
            rows.append([kpi_id, kpi.title, value_cell(value), value.unit, *parts, value.basis, value.small])
    return rows


def _rounded(share: float | None) -> float | None:
    """A bound of an interval."""
    return None if share is None else round(share, 3)


CONTACT_TIMES = ("t_offer", "t_pbx_answer", "t_first_ring", "t_agent_answer", "t_end")
CONTACT_SECONDS = ("wait_ms", "ring_ms", "talk_ms", "hold_ms")
CONTACT_WORDS = (
    "contact_id", "direction", "queue", "kind", "did", "caller", "disposition", "agent", "extension", "wait_basis",
    "transfers", "rings", "short", "correlation", "visibility", "ended_by",
)  # fmt: skip


def contacts_table(office: Office, period: Period) -> Table:
    """One row per contact, in order of arrival."""
    seconds = tuple(name.removesuffix("_ms") + "_s" for name in CONTACT_SECONDS)
    heads = (*CONTACT_TIMES, *seconds, *CONTACT_WORDS, "further_queues", "legs")
    printed = (
        "t_offer",
        "caller",
        "did",
        "queue",
        "direction",
        "disposition",
        "agent",
        "wait_s",
        "talk_s",
        "transfers",
    )
    return Table("contacts", heads, [_contact_row(each, period.time_zone) for each in office.contacts(period)], printed)


def _contact_row(contact: Contact, time_zone: str) -> list[Cell]:
    """One contact; times as the office's clocks show them, with offset."""
    times = [_moment(getattr(contact, name), time_zone) for name in CONTACT_TIMES]
    seconds = [_seconds(getattr(contact, name)) for name in CONTACT_SECONDS]
    further = " ".join(visit.queue for visit in contact.visits[1:])
    return [*times, *seconds, *(getattr(contact, name) for name in CONTACT_WORDS), further, len(contact.legs)]


def _moment(at_ms: int | None, time_zone: str) -> str | None:
    """A time that may not have come."""
    return None if at_ms is None else iso_time(at_ms, time_zone)


def _seconds(duration_ms: int | None) -> float | None:
    """A duration in seconds."""
    return None if duration_ms is None else duration_ms / 1000


def missed_table(office: Office, period: Period) -> Table:
    """One row per caller nobody answered, the latest first."""
    heads = ("caller", "attempts", "first", "last", "queue", "did", "disposition", "longest_wait_s", "state",
             "cleared", "cleared_by")  # fmt: skip
    return Table("missed", heads, [_missed_row(each, period.time_zone) for each in office.report(period).missed])


def _missed_row(caller: MissedCaller, time_zone: str) -> list[Cell]:
    """One caller."""
    waits = [contact.wait_ms for contact in caller.attempts if contact.wait_ms is not None]
    times = (iso_time(caller.attempts[0].t_offer, time_zone), iso_time(caller.last.t_offer, time_zone))
    came_of = (caller.state, _moment(caller.cleared_ms, time_zone), caller.cleared_by)
    place = (caller.last.queue, caller.last.did, caller.last.disposition, _seconds(max(waits, default=None)))
    return [caller.caller, len(caller.attempts), *times, *place, *came_of]


PRINTED = (
    "offered", "answered", "abandoned", "missed_contacts", "service_level", "asa", "max_wait", "avg_talk_time",
    "abandon_rate", "rings", "agent_non_response", "agent_answer_rate", "login_time", "occupancy", "calls_per_hour",
)  # fmt: skip


def extensions_table(office: Office, period: Period) -> Table:
    """One row per extension, one column per KPI; its unit stands in the head."""
    return _wide("extensions", "extension", office.report(period).extensions, EXTENSIONS)


def queues_table(office: Office, period: Period) -> Table:
    """One row per queue, group and number called."""
    return _wide("queues", "queue", office.report(period).queues, "queues")


def _wide(name: str, first: str, parts: dict[str, Values], scope: str) -> Table:
    """Parts of a report side by side."""
    kpis = definitions_of(scope)
    head_of = {kpi.id: kpi.id if kpi.unit == "n" else f"{kpi.id} ({kpi.unit})" for kpi in kpis}
    printed = (first, *(head for kpi_id, head in head_of.items() if kpi_id in PRINTED))
    rows = [[each, *(value_cell(values.get(kpi_id)) for kpi_id in head_of)] for each, values in parts.items()]
    return Table(name, (first, *head_of.values()), rows, printed)


def grid_table(office: Office, period: Period) -> Table:
    """One row per quarter hour."""
    buckets = grid_json(office.contacts(period), period=period, threshold_s=office.plan.service_level_s)
    heads = ("from", "until", "offered", "answered", "answered_within", "abandoned", "short_abandoned", "missed",
             "open", "asa")  # fmt: skip
    return Table("grid", heads, [[_plain(bucket[head]) for head in heads] for bucket in buckets])


def _plain(value: object) -> Cell:
    """A cell as it is."""
    return value if isinstance(value, str | int | float) else None


EXPORTS: dict[str, Callable[[Office, Period], Table]] = {
    "report": report_table,
    "queues": queues_table,
    "extensions": extensions_table,
    "contacts": with_customers(contacts_table),
    "missed": with_customers(missed_table),
    "grid": grid_table,
    "summary": summary_table,
    "comparison": comparison_table,
    "targets": targets_table,
    "callers": with_customers(callers_table),
    "outbound": outbound_table,
    "insights": insights_table,
    "results": results_table,
    **team.TABLES,
    "planning": planning_table,
    **technical.TABLES,
}


def make_table(office: Office, period: Period, name: str) -> Table:
    """One table by its name. Raises BadQuestion."""
    if name not in EXPORTS:
        raise BadQuestion(f'no table "{name}": there is {", ".join(EXPORTS)}')
    return EXPORTS[name](office, period)
