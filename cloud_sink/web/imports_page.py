"""The page `/imports`: a file chosen, checked, looked at and stored; what was imported, and the latest taken back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from cloud_sink.calendars import date_text
from cloud_sink.errors import SinkError
from cloud_sink.imports.columns import Value, last_moment, moment, time_of_day
from cloud_sink.imports.errors import BadFile, Problem
from cloud_sink.imports.importing import apply, read_content
from cloud_sink.imports.kinds import KINDS, Kind
from cloud_sink.imports.queue_log import SAYS
from cloud_sink.kpi.period import local_day, local_time
from cloud_sink.kpi.state_sources import FOREVER
from cloud_sink.office import Office
from cloud_sink.question import BadQuestion
from cloud_sink.shown import NOTHING, clock_text, count_text
from cloud_sink.store import CannotUndo, ImportCounts, ImportedRow, ImportOrigin, ImportRun, ImportStatus
from cloud_sink.store.logged import QUEUE_LOG
from cloud_sink.web.asking import Changing, WhoAsks
from cloud_sink.web.chosen import ChosenOffice, Others
from cloud_sink.web.page import templates
from cloud_sink.web.uploads import Upload, Uploads, read_form, read_upload

SHOWN_PROBLEMS = 200
SHOWN_CHANGES = 20
NOBODY = "page"  # who imported, where nobody has to sign in
TIMES = (moment, last_moment, time_of_day)  # columns that hold one
LOGGED_TIMES = ("at", "t_answer", "t_end")  # of a queue log

pages = APIRouter(include_in_schema=False)


def all_uploads(request: Request) -> Uploads:
    """The files that wait to be confirmed."""
    uploads: Uploads = request.app.state.uploads
    return uploads


Waiting = Annotated[Uploads, Depends(all_uploads)]


@dataclass(frozen=True, slots=True)
class KindRow:
    """One kind of import, and what is stored of it."""

    name: str
    title: str
    says: str
    columns: str
    template: bool  # whether there is one to fill in
    stored: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """One import of the past."""

    run: str
    at: str
    kind: str
    source: str
    by: str
    done: str
    undone: str
    undoable: bool


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One part that would change: its rows now and then, in words."""

    before: list[str]
    after: list[str]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file holds: mistakes, or what would change."""

    name: str
    kind: str
    problems: list[Problem]  # the first of them
    problems_in_all: int
    failure: str  # why it could not be checked at all
    rows: str = ""
    counts: str = ""
    changes: tuple[ChangeRow, ...] = ()
    changes_in_all: int = 0
    key: str = ""  # to confirm it; "" where there is nothing to store


@pages.get("/imports")
def show_imports(
    request: Request,
    who: WhoAsks,
    office: ChosenOffice,
    offices: Others,
) -> Response:
    """What was imported, and a form for more."""
    context = _describe(office) | {"offices": offices.all(), "changes": who.changes}
    return templates.TemplateResponse(request, "imports.html", context)


@pages.post("/imports/check")
async def check_import(
    request: Request, _who: Changing, office: ChosenOffice, offices: Others, uploads: Waiting
) -> Response:
    """Read a file and say what is wrong with it, or what storing it would change; nothing is stored."""
    form = await read_form(request)
    kind = str(form.get("kind", ""))
    if kind not in (*KINDS, QUEUE_LOG):
        raise BadQuestion(f'no import "{kind}": there is {", ".join((*KINDS, QUEUE_LOG))}')
    upload = await read_upload(form, office.id, kind)
    checked = await run_in_threadpool(check, upload, office, uploads)
    context = await run_in_threadpool(_describe, office)
    context |= {"offices": offices.all(), "changes": True, "checked": checked, "chosen_kind": kind}
    status = 200 if checked.key or not (checked.problems or checked.failure) else 422
    return templates.TemplateResponse(request, "imports.html", context, status_code=status)


@pages.post("/imports/store")
async def store_import(request: Request, who: Changing, office: ChosenOffice, uploads: Waiting) -> Response:
    """Store a file that was checked."""
    form = await read_form(request)
    upload = uploads.take(str(form.get("key", "")), office.id)
    if upload is None:
        raise BadQuestion("this file is not kept any more (for half an hour, and once): choose it again")
    await run_in_threadpool(_store, upload, office, who.name or NOBODY)
    return _back(office)


@pages.post("/imports/undo")
async def undo_import(request: Request, _who: Changing, office: ChosenOffice) -> Response:
    """Take the latest import of a kind back."""
    form = await read_form(request)
    try:
        await run_in_threadpool(office.store.undo_import, office.plan, str(form.get("run", "")), office.now_ms())
    except CannotUndo as error:
        raise BadQuestion(f"it cannot be taken back: {error}") from error
    return _back(office)


def _back(office: Office) -> Response:
    """To the page, by a request of its own: loading it again sends nothing twice."""
    return RedirectResponse(f"/imports?office={office.id}#history", status_code=303)


def _store(upload: Upload, office: Office, by: str) -> None:
    """Read it again and store it: what people changed meanwhile is taken into account."""
    try:
        rows = read_content(upload.content, upload.name, upload.kind, office.plan, office.store)
    except SinkError as error:
        raise BadQuestion(str(error)) from error
    origin = ImportOrigin(office.now_ms(), upload.name, by)
    apply(rows, upload.kind, office.plan, office.store, how="write", origin=origin)


def check(upload: Upload, office: Office, uploads: Uploads) -> Checked:
    """Find out what a file holds; one that can be stored is kept."""
    title = kind_title(upload.kind)
    try:
        rows = read_content(upload.content, upload.name, upload.kind, office.plan, office.store)
        change = office.store.change_of_import(office.id, upload.kind, rows, "write")
    except BadFile as error:
        return Checked(upload.name, title, error.problems[:SHOWN_PROBLEMS], len(error.problems), "")
    except SinkError as error:
        return Checked(upload.name, title, [], 0, str(error))
    counts, touched = change.counts, change.rows()
    return Checked(
        upload.name,
        title,
        [],
        0,
        "",
        rows=_rows_text(len(rows)),
        counts=_count_words(counts),
        changes=tuple(_change_row(before, after, upload.kind, office) for before, after in touched[:SHOWN_CHANGES]),
        changes_in_all=len(touched),
        key=uploads.keep(upload) if touched else "",
    )


def _count_words(counts: ImportCounts) -> str:
    """What became of the file's parts, such as agents' days or customers."""
    told = ((counts.new, "new"), (counts.changed, "corrected"), (counts.same, "as before"))
    return ", ".join(f"{count_text(count)} {word}" for count, word in told if count) or "nothing in it"


def _change_row(before: Iterable[ImportedRow], after: Iterable[ImportedRow], kind: str, office: Office) -> ChangeRow:
    words = [[row_text(row, kind, office) for row in rows] for rows in (before, after)]
    return ChangeRow(words[0], words[1])


def row_text(row: ImportedRow, kind: str, office: Office) -> str:
    """A row in words: what is filled in, in the file's order, times by the office's clock."""
    columns = {column.name: column.read for column in KINDS[kind].columns} if kind in KINDS else {}
    told = {name: row.values.get(name) for name in columns} or {"at": row.at_ms, "caller": row.number, **row.values}
    words = {
        name: _cell_text(value, office, timed=columns.get(name) in TIMES or name in LOGGED_TIMES)
        for name, value in told.items()
        if value not in (None, "", FOREVER)
    }
    return " · ".join(f"{name.replace('_', ' ')} {word}" for name, word in words.items())


def _cell_text(value: Value, office: Office, *, timed: bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and timed:
        return local_time(value, office.plan.time_zone).strftime("%Y-%m-%d %H:%M")
    return f"{value:g}" if isinstance(value, float) else str(value)


def kind_title(name: str) -> str:
    """A kind for people: "QA scores"."""
    words = name.replace("_", " ")
    return words.replace("qa", "QA") if words.startswith("qa") else words[:1].upper() + words[1:]


def _describe(office: Office) -> dict[str, object]:
    """Everything the page shows beside a file."""
    stored = {each.kind: each for each in office.store.import_status(office.id)}
    kinds = [*KINDS.values(), None]
    return {
        "office": office,
        "kinds": [_kind_row(kind, stored, office) for kind in kinds],
        "runs": [_run_row(run, office) for run in office.store.import_runs(office.id)],
    }


def _kind_row(kind: Kind | None, stored: Mapping[str, ImportStatus], office: Office) -> KindRow:
    """One kind; None: Asterisk's own log, of which nothing is to be filled in."""
    name = kind.name if kind else QUEUE_LOG
    columns = ", ".join(column.name for column in kind.columns) if kind else "as Asterisk writes it"
    return KindRow(
        name,
        kind_title(name),
        kind.says if kind else SAYS,
        columns,
        kind is not None,
        _stored(stored.get(name), office),
    )


def _stored(status: ImportStatus | None, office: Office) -> str:
    """How much is stored, and of when."""
    if status is None:
        return NOTHING
    rows = _rows_text(status.rows)
    if status.first_ms is None or status.last_ms is None:
        return rows
    zone, calendar = office.plan.time_zone, office.plan.calendar
    first, last = (local_day(at, zone) for at in (status.first_ms, status.last_ms))
    return f"{rows}, {date_text(first, calendar)}" + ("" if first == last else f" to {date_text(last, calendar)}")


def _rows_text(count: int) -> str:
    return f"{count_text(count)} row{'s' if count != 1 else ''}"


def _run_row(run: ImportRun, office: Office) -> RunRow:
    """One import in words."""
    counts = run.counts
    if run.how == "remove":
        done = f"{count_text(counts.changed)} removed"
    else:
        done = f"{_rows_text(run.rows)}: {_count_words(counts)}"
    undone = "" if run.undone_ms is None else _moment_text(run.undone_ms, office)
    at = _moment_text(run.origin.at_ms, office)
    return RunRow(run.run, at, kind_title(run.kind), run.origin.source, run.origin.by, done, undone, run.undoable)


def _moment_text(at_ms: int, office: Office) -> str:
    zone = office.plan.time_zone
    return f"{date_text(local_day(at_ms, zone), office.plan.calendar)}, {clock_text(at_ms, zone)}"
