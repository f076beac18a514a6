"""The page `/now`: what rings and talks this moment, who is there, and how the day stands; for team leads and walls.

Phones come from the boxes' live channel, within a second; what agents are doing otherwise (on break, available) and the
numbers of the day from the store, a few seconds old. It follows by itself.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fastapi import APIRouter, Request, Response

from cloud_sink.contacts.groups import party_key
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.states import Interval
from cloud_sink.live import LivePicture, Progress
from cloud_sink.office import Office
from cloud_sink.question import one_day
from cloud_sink.shown import clock_text, duration_text, show, show_all
from cloud_sink.web.agents_page import STATE_WORDS
from cloud_sink.web.chosen import ChosenOffice, Others
from cloud_sink.web.metrics import Measured
from cloud_sink.web.page import templates

REFRESH_S = 3
FRESH_S = 5.0  # what agents are doing is read again when it is older
BUSY = {"calling": "dialling", "ringing": "ringing", "talking": "in a call"}
ORDER = ("ringing", "talk", "calling", "acw", "pause", "dnd", "available", "other", "offline")  # who matters first
STATE_OF = {"ringing": "ringing", "talking": "talk", "calling": "calling"}

pages = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class PhoneRow:
    """One agent, or the phone nobody is listed for, at this moment."""

    name: str
    phone: str
    state: str
    words: str
    since: str  # for how long
    whom: str  # with whom, "" where not in a call


@dataclass(frozen=True, slots=True)
class Moment:
    """What goes on."""

    ringing: int
    talking: int
    waiting: int
    longest: str  # how long the first of those who wait has been on the line
    rows: list[PhoneRow]


@dataclass(slots=True)
class Doings:
    """What agents of each office were doing today, read once in a while for all who look."""

    monotonic: Callable[[], float] = time.monotonic
    _found: dict[str, tuple[float, dict[str, list[Interval]], dict[str, str]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, office: Office) -> tuple[dict[str, list[Interval]], dict[str, str]]:
        """(states by extension, who sits there)."""
        with self._lock:
            at = self.monotonic()
            known = self._found.get(office.id)
            if known is None or at - known[0] >= FRESH_S:
                known = self._found[office.id] = (at, *_read(office))
        return known[1], known[2]


def _read(office: Office) -> tuple[dict[str, list[Interval]], dict[str, str]]:
    now = office.now_ms()
    today = one_day(office.today(), office.plan.time_zone)
    states = office.states(Period(today.from_ms, max(today.from_ms + 1, now), today.time_zone))
    seats = [seat for seat in office.roster(today).seats if seat.from_ms <= now < seat.until_ms]
    return states, {seat.extension: seat.agent for seat in sorted(seats, key=lambda seat: seat.from_ms)}


@pages.get("/now")
def show_now(request: Request, office: ChosenOffice, offices: Others) -> Response:
    """One office at this moment."""
    measured: Measured = request.app.state.measured
    live: LivePicture | None = getattr(request.app.state, "live", None)
    legs = [] if live is None else live.legs(office.id, office.now_ms())
    shown = offices.disguise.number if offices.disguise else str
    [(_, today)] = [each for each in measured.of([office]) if each[0].id == office.id]
    lines = today.total["trunk_peak"].value is not None or any(leg.role == "trunk" for leg in legs)
    context = {
        "lines": lines,  # whether customers' own legs are seen: with phones only nobody can be seen to wait
        "office": office,
        "offices": offices.all(),
        "refresh_s": REFRESH_S,
        "clock": clock_text(office.now_ms(), office.plan.time_zone, seconds=True),
        "online": any(box.online for box in office.boxes()),
        "moment": describe_moment(legs, *request.app.state.doings.of(office), now_ms=office.now_ms(), shown=shown),
        "total": show_all(today.total),
        "target": 100 * office.plan.service_level_target,
        "threshold_s": office.plan.service_level_s,
        "queues": {
            name: {kpi: show(kpi, value) for kpi, value in values.items()} for name, values in today.queues.items()
        },
    }
    return templates.TemplateResponse(request, "now.html", context)


def describe_moment(
    legs: Sequence[Progress],
    states: dict[str, list[Interval]],
    names: dict[str, str],
    *,
    now_ms: int,
    shown: Callable[[str], str] = str,
) -> Moment:
    """Live legs and what agents were doing until just now, as rows; the legs' word goes first."""
    phones = [leg for leg in legs if leg.role == "phone" and leg.extension]
    lines = [leg for leg in legs if leg.role == "trunk" and leg.direction == "in"]
    waiting = _waiting(lines, phones)
    busy = {leg.extension: _busy_row(leg, names, now_ms, shown) for leg in sorted(phones, key=_talking_last)}
    rest = {
        phone: _state_row(phone, intervals, names)
        for phone, intervals in states.items()
        if intervals and phone not in busy
    }
    rows = sorted((busy | rest).values(), key=lambda row: (ORDER.index(row.state), row.name))
    phases = [leg.phase for leg in phones]
    longest = max((now_ms - leg.since_ms for leg in waiting), default=None)
    return Moment(
        ringing=phases.count("ringing"),
        talking=phases.count("talking"),
        waiting=len(waiting),
        longest="" if longest is None else duration_text(longest / 1000),
        rows=rows,
    )


def _waiting(lines: Sequence[Progress], phones: Sequence[Progress]) -> list[Progress]:
    """Customers on the line whom nobody speaks with, as far as numbers tell: in a queue, a menu, or ringing."""
    spoken = Counter(party_key(leg.caller) for leg in phones if leg.phase == "talking" and leg.direction == "in")
    found = []
    for leg in lines:
        number = party_key(leg.caller)
        if spoken[number]:
            spoken[number] -= 1
        else:
            found.append(leg)
    return found


def _talking_last(leg: Progress) -> bool:
    """Of two legs of one phone the one that talks is told."""
    return leg.phase == "talking"


def _busy_row(leg: Progress, names: dict[str, str], now_ms: int, shown: Callable[[str], str]) -> PhoneRow:
    other = leg.caller if leg.direction == "in" or leg.callee == leg.extension else leg.callee
    since = duration_text(max(0, now_ms - leg.since_ms) / 1000)
    whom = shown(other) if other else "withheld"
    return PhoneRow(
        names.get(leg.extension, leg.extension), leg.extension, STATE_OF[leg.phase], BUSY[leg.phase], since, whom
    )


def _state_row(phone: str, intervals: Sequence[Interval], names: dict[str, str]) -> PhoneRow:
    """The latest state, and since when: intervals that only differ in their source are one."""
    last = intervals[-1]
    begun = last.from_ms
    for each in reversed(intervals):
        if (each.state, each.until_ms >= begun) != (last.state, True):
            break
        begun = each.from_ms
    since = duration_text((last.until_ms - begun) / 1000)
    state = last.state if last.state in ORDER else "other"
    return PhoneRow(names.get(phone, phone), phone, state, STATE_WORDS.get(last.state, last.state), since, "")
