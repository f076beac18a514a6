"""One import: a file into the store, all of it or nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.errors import ConfigurationError
from cloud_sink.imports.checking import Checked, read_records
from cloud_sink.imports.columns import Context
from cloud_sink.imports.errors import BadFile, Problem
from cloud_sink.imports.kinds import KINDS
from cloud_sink.imports.numbers import number_form
from cloud_sink.imports.queue_log import AgentAt, read_queue_log
from cloud_sink.kpi.state_sources import FOREVER
from cloud_sink.kpi.surveys import scales_of
from cloud_sink.store import ImportCounts, ImportedRow, ImportOrigin, Store
from cloud_sink.store.logged import QUEUE_LOG


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do."""

    rows: int
    counts: ImportCounts


def context_of(plan: OfficePlan, store: Store) -> Context:
    """What reading cells needs to know of an office. Raises ConfigurationError where its key cannot be read."""
    form = number_form(plan.imports, plan.office, store.caller_numbers(plan.office))
    return Context(plan.time_zone, form, plan.calendar)


def read_file(path: Path, kind: str, plan: OfficePlan, store: Store) -> list[ImportedRow]:
    """The records of a file, each checked. Raises BadFile with all that is wrong."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    return read_content(content, str(path), kind, plan, store)


def read_content(content: bytes, name: str, kind: str, plan: OfficePlan, store: Store) -> list[ImportedRow]:
    """The same of a file's bytes; `name` is what mistakes call it."""
    context = context_of(plan, store)
    if kind == QUEUE_LOG:
        return read_queue_log(content, name, context, _agent_at(store, plan.office))
    checked = read_records(content, name, KINDS[kind], context)
    if kind == "surveys":
        _check_scales(checked, name, plan)
    if kind in ("dispositions", "surveys"):
        checked = _with_times(checked, name, lambda contact: _time_of(store, plan.office, contact))
    return [each.record for each in checked]


def rehearse(rows: Sequence[ImportedRow], kind: str, plan: OfficePlan, store: Store, *, how: str) -> Imported:
    """What it would do, without doing it."""
    return Imported(len(rows), store.change_of_import(plan.office, kind, rows, how).counts)


def apply(
    rows: Sequence[ImportedRow], kind: str, plan: OfficePlan, store: Store, *, how: str, origin: ImportOrigin
) -> Imported:
    """Do what was asked for, "write" or "remove"; the history keeps where it came from."""
    return Imported(len(rows), store.change_imported(plan, kind, rows, how, origin))


def _agent_at(store: Store, office: str) -> AgentAt:
    """At which extension an agent sat at some time, by the seats that were imported."""
    seats: dict[str, list[ImportedRow]] = {}
    for row in store.imported(office, "agents", 0, FOREVER):
        seats.setdefault(str(row.values["agent"]), []).append(row)

    def agent_at(name: str, at_ms: int) -> str:
        held = [row for row in seats.get(name, []) if row.at_ms <= at_ms < row.until_ms]
        return str(held[-1].values["extension"]) if held else ""

    return agent_at


def _check_scales(checked: Sequence[Checked], name: str, plan: OfficePlan) -> None:
    """Raise BadFile where an answer lies beyond the office's own scale."""
    scales = scales_of(plan)
    problems = [
        Problem(each.row, "score", f"must be a whole number from 1 to {scales[question][-1]} for {question} here")
        for each in checked
        if each.record.values["score"] not in scales[question := str(each.record.values["question"])]
    ]
    if problems:
        raise BadFile(name, problems)


def _time_of(store: Store, office: str, contact_id: str) -> int | None:
    legs = store.legs_of(office, contact_id)
    return min((leg.t_invite for leg, _ in legs), default=None)


def _with_times(checked: Sequence[Checked], name: str, time_of: Callable[[str], int | None]) -> list[Checked]:
    """What names its contact is stored at its time; one that nobody knows is a mistake."""
    found: list[Checked] = []
    problems: list[Problem] = []
    for each in checked:
        record, contact_id = each.record, str(each.record.values["contact_id"] or "")
        at_ms = time_of(contact_id) if contact_id else record.at_ms
        if at_ms is None:
            text = f'"{contact_id}" is no contact of this office: the export of contacts shows their ids'
            problems.append(Problem(each.row, "contact_id", text))
        else:
            stored = ImportedRow(at_ms, at_ms, record.part, record.key, record.number, record.values | {"at": at_ms})
            found.append(Checked(each.row, stored))
    if problems:
        raise BadFile(name, problems)
    return found
