"""Which office and which days a page shows: every page is asked in the same way."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from fastapi import Depends, Query

from cloud_sink.calendars import month_around
from cloud_sink.kpi.period import Period, local_day
from cloud_sink.office import Office, Offices
from cloud_sink.question import Question
from cloud_sink.web.api import all_offices

DAY = timedelta(days=1)
Range = tuple[date, date]  # first and last day


class NothingYet(Exception):
    """There is no office to show."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """An office and its days; `asked`: somebody named the days, else they are the latest and follow new calls."""

    office: Office
    offices: list[Office]  # that may be chosen from
    period: Period
    asked: bool

    @property
    def first(self) -> date:
        """The first day."""
        return local_day(self.period.from_ms, self.period.time_zone)

    @property
    def last(self) -> date:
        """The last day, included."""
        return local_day(self.period.until_ms - 1, self.period.time_zone)

    @property
    def one_day(self) -> bool:
        """Whether it is a single day."""
        return self.first == self.last

    @property
    def newest(self) -> date:
        """The latest day that there is anything to show of, or will be."""
        return max(self.office.today(), self.office.latest_day())

    @property
    def around(self) -> date:
        """A day of these, of the past where there is one: its week and month are offered."""
        return max(self.first, min(self.last, self.newest))

    @property
    def earlier(self) -> Range:
        """The days before: the whole month before a month, else as many days."""
        if self._is_month:
            return month_around(self.first - DAY, self.office.plan.calendar)
        return self.first - self._length, self.last - self._length

    @property
    def later(self) -> Range | None:
        """The days after, as `earlier`; None where nothing has happened yet."""
        if self.last >= self.newest:
            return None
        if self._is_month:
            return month_around(self.last + DAY, self.office.plan.calendar)
        return self.first + self._length, self.last + self._length

    def as_context(self) -> dict[str, object]:
        """What the template of every page about an office's days is told of them."""
        return {
            "chosen": self,
            "office": self.office,
            "offices": self.offices,
            "first": self.first,
            "last": self.last,
        }

    @property
    def _is_month(self) -> bool:
        return (self.first, self.last) == month_around(self.first, self.office.plan.calendar)

    @property
    def _length(self) -> timedelta:
        return self.last - self.first + DAY


Word = Annotated[str, Query(max_length=10)]


def chosen_office(
    offices: Annotated[Offices, Depends(all_offices)], office: Annotated[str, Query(max_length=64)] = ""
) -> Office:
    """The office asked for, without any the first. Raises NothingYet."""
    names = offices.names()
    if not names:
        raise NothingYet
    return offices.get(office or names[0])


def asked_days(
    day: Word = "",
    week: Word = "",
    month: Word = "",
    from_: Annotated[str, Query(alias="from", max_length=10)] = "",
    until: Word = "",
) -> Question:
    """How the days are asked for; one end alone is a single day."""
    return Question(day or None, from_ or until or None, until or from_ or None, week or None, month or None)


ChosenOffice = Annotated[Office, Depends(chosen_office)]
Others = Annotated[Offices, Depends(all_offices)]
AskedDays = Annotated[Question, Depends(asked_days)]


def chosen_days(office: ChosenOffice, offices: Others, question: AskedDays) -> Chosen:
    """Any days; without a question the latest one that anything was seen on."""
    return Chosen(office, offices.all(), office.period(question), bool(question.ways))


def chosen_week(office: ChosenOffice, offices: Others, question: AskedDays) -> Chosen:
    """Any days; without a question the week of the latest one that anything was seen on."""
    wanted = question if question.ways else Question(None, None, None, week=office.latest_day().isoformat())
    return Chosen(office, offices.all(), office.period(wanted), bool(question.ways))


def chosen_day(office: ChosenOffice, offices: Others, question: AskedDays) -> Chosen:
    """One day; of several the last that is not still to come."""
    found = chosen_days(office, offices, question)
    if found.one_day:
        return found
    day = Question(found.around.isoformat(), None, None)
    return Chosen(office, found.offices, office.period(day), asked=True)


DaysChosen = Annotated[Chosen, Depends(chosen_days)]
WeekChosen = Annotated[Chosen, Depends(chosen_week)]
DayChosen = Annotated[Chosen, Depends(chosen_day)]
