"""Asterisk's queue_log: `time|call|queue|agent|event|data...`, one line per event; read as visits of queues.

Who joined a queue and who paused is read too. Source: Asterisk `queue_log` documentation; events that tell nothing of
a caller's visit or an agent's state (RINGNOANSWER: the phones' own legs tell more; penalties) are passed over.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from cloud_sink.imports.columns import Context
from cloud_sink.imports.errors import BadFile, Problem
from cloud_sink.kpi.queue_words import EVENTS, QueueWord
from cloud_sink.store.logged import AGENT_KEY, LONGEST_MS
from cloud_sink.store.records import ImportedRow

SAYS = (
    "Asterisk's own file /var/log/asterisk/queue_log: waits and outcomes of a queue whose trunk no box sees; "
    "agents' breaks and logins"
)
MOST_PROBLEMS = 1000
LEFT = {"ABANDON": "abandoned", "EXITWITHTIMEOUT": "overflow", "EXITEMPTY": "overflow", "EXITWITHKEY": "overflow"}
DONE = {"COMPLETEAGENT": "agent", "COMPLETECALLER": "caller"}  # who hung up
HANDED_ON = ("BLINDTRANSFER", "ATTENDEDTRANSFER", "TRANSFER")
INTERFACE = re.compile(r"(?:SIP|PJSIP|IAX2|Local|DAHDI|Agent)/?0*(\d+)", re.IGNORECASE)
WITHHELD = ("anonymous", "unknown", "restricted", "unavailable", "<unknown>")

AgentAt = Callable[[str, int], str]  # (an agent's name, a time) -> his extension then, "" where nobody says


@dataclass(slots=True)
class _Visit:
    """A visit while its events are read."""

    call_id: str
    queue: str
    number: int  # which visit of the call it is
    caller: str
    t_enter: int
    did: str = ""
    agent: str = ""
    t_answer: int | None = None
    t_end: int | None = None
    disposition: str = "open"
    ended_by: str = ""


@dataclass(slots=True)
class _Log:
    """All visits read so far."""

    visits: list[_Visit] = field(default_factory=list)
    words: list[QueueWord] = field(default_factory=list)  # with members' names instead of extensions
    open: dict[str, _Visit] = field(default_factory=dict)  # by call
    counts: dict[str, int] = field(default_factory=dict)  # visits by call
    numbers: dict[str, str] = field(default_factory=dict)  # what each call dialled


def read_queue_log(content: bytes, name: str, context: Context, agent_at: AgentAt) -> list[ImportedRow]:
    """Every visit, and every word about an agent, as a row.

    Raises BadFile naming line and column; a last line without its end is left out.
    """
    log = _Log()
    problems: list[Problem] = []
    for line, cells in _lines(content, name):
        problem = _take(log, cells, context)
        if problem:
            problems.append(Problem(line, *problem))
        if len(problems) >= MOST_PROBLEMS:
            break
    if not problems and not log.visits and not log.words:
        problems = [Problem(0, "", "has no ENTERQUEUE: this is no queue_log of Asterisk, or nobody called a queue")]
    if problems:
        raise BadFile(name, problems)
    return [*(_row(visit, agent_at) for visit in log.visits), *_word_rows(log.words, agent_at)]


def _lines(content: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    """Numbered lines; the PBX may be writing the last one now."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile(name, [Problem(0, "", "is no text in UTF-8, so no queue_log")]) from error
    lines: Iterable[str] = text.split("\n")[:-1] if not text.endswith("\n") else text.splitlines()
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, line.rstrip("\r").split("|")


def _take(log: _Log, cells: list[str], context: Context) -> tuple[str, str] | None:
    """One event; (column, what is wrong) where it cannot be one."""
    if len(cells) < 5:
        return "event", "is missing: a line has time|call|queue|agent|event|..."
    try:
        at_ms = round(float(cells[0]) * 1000)
    except ValueError:
        return "time", f'"{cells[0][:40]}" is no Unix time in seconds'
    call_id, queue, agent, event, data = cells[1], cells[2], cells[3], cells[4], cells[5:]
    if event == "DID" and data:
        log.numbers[call_id] = data[0]
    elif event in EVENTS and agent != "NONE":
        log.words.append(QueueWord(at_ms, agent, event, queue, data[0] if data else ""))
    elif event == "ENTERQUEUE":
        _enter(log, call_id, queue, at_ms, _caller(data[1] if len(data) > 1 else "", context))
    elif call_id in log.open and log.open[call_id].queue == queue:
        _tell(log, log.open[call_id], event, agent, at_ms)
    return None


def _enter(log: _Log, call_id: str, queue: str, at_ms: int, caller: str) -> None:
    number = log.counts[call_id] = log.counts.get(call_id, 0) + 1
    visit = _Visit(call_id, queue, number, caller, at_ms, log.numbers.get(call_id, ""))
    log.open[call_id] = visit
    log.visits.append(visit)


def _caller(text: str, context: Context) -> str:
    """The caller's number as contacts carry it; "" where it was withheld."""
    return context.number(text) if any(map(str.isdigit, text)) and text.lower() not in WITHHELD else ""


def _tell(log: _Log, visit: _Visit, event: str, agent: str, at_ms: int) -> None:
    """What became of a visit."""
    if at_ms - visit.t_enter > LONGEST_MS:
        return
    if event == "CONNECT":
        visit.agent, visit.t_answer, visit.disposition = agent, at_ms, "answered"
    elif event in LEFT or event in DONE or event in HANDED_ON:
        visit.t_end = at_ms
        visit.disposition = LEFT.get(event, visit.disposition)
        visit.ended_by = "caller" if event == "ABANDON" else DONE.get(event, "")
        del log.open[visit.call_id]


def _row(visit: _Visit, agent_at: AgentAt) -> ImportedRow:
    """How a visit is stored: under its call, so that a longer log replaces what was still open."""
    agent = _extension(visit.agent, visit.t_answer or visit.t_enter, agent_at) if visit.agent else ""
    values: dict[str, str | int | float | bool | None] = {
        "queue": visit.queue, "did": visit.did, "agent": agent, "t_answer": visit.t_answer, "t_end": visit.t_end,
        "disposition": visit.disposition, "ended_by": visit.ended_by,
    }  # fmt: skip
    until = max(each for each in (visit.t_enter, visit.t_answer, visit.t_end) if each is not None)
    return ImportedRow(visit.t_enter, until, visit.call_id, str(visit.number), visit.caller, values)


def _word_rows(words: Iterable[QueueWord], agent_at: AgentAt) -> list[ImportedRow]:
    """Each event by itself: a log that was rotated does not take away what the one before it told."""
    found: dict[str, ImportedRow] = {}
    for word in words:
        values: dict[str, str | int | float | bool | None] = {
            "agent": _extension(word.extension, word.at_ms, agent_at), "event": word.event, "queue": word.queue,
            "reason": word.reason,
        }  # fmt: skip
        part = f"{word.at_ms} {word.event} {word.queue} {word.extension}"
        found[part] = ImportedRow(word.at_ms, word.at_ms, part, AGENT_KEY, "", values)
    return list(found.values())


def _extension(name: str, at_ms: int, agent_at: AgentAt) -> str:
    """The extension behind a member's name: as imported for that time, as its interface says, else the name."""
    listed = agent_at(name, at_ms)
    found = INTERFACE.match(name)
    return listed or (found[1] if found else name)
