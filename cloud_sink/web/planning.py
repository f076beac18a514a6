"""Planning: what is asked, and its answer in the API's form."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from cloud_sink.calendars import WEEKDAYS
from cloud_sink.kpi.erlang import Goal
from cloud_sink.kpi.period import Period, iso_time
from cloud_sink.kpi.planning import (
    BusyHour,
    Demand,
    Hour,
    PlannedHour,
    arrival_profile,
    busy_hour,
    demand,
    plan_week,
    trunks_required,
    visits_of,
)
from cloud_sink.office import Office
from cloud_sink.question import BadQuestion, local_days, parse_day
from cloud_sink.web.api import AllOffices, responses_of_errors
from cloud_sink.web.schema import PeriodOut

DEFAULT_WEEKS = 8


@dataclass(frozen=True, slots=True)
class PlanQuestion:
    """What a planner asks; shares are 0 to 1."""

    weeks: int = DEFAULT_WEEKS
    until: str = ""
    queue: str = ""
    level: float | None = None
    threshold_s: float | None = None
    formula: str = "sl_offered"
    most_occupied: float = 0.85
    shrinkage: float = 0.3
    handle_s: float | None = None
    model: str = "auto"


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer: every hour of the week, and what it was computed from."""

    period: Period
    queue: str
    hours: list[PlannedHour]
    needs: Demand
    goal: Goal
    busiest: BusyHour | None
    lines: int | None

    @property
    def peak(self) -> PlannedHour | None:
        """The hour of the week with most calls; None before anybody called."""
        known = [each for each in self.hours if each.hour.mean]
        return max(known, key=lambda each: each.hour.mean or 0, default=None)


def make_plan(office: Office, question: PlanQuestion) -> Plan:
    """Plan from the weeks that end with the day asked for, without: the latest observed. Raises BadQuestion."""
    last = parse_day(question.until, office.plan.calendar) if question.until else office.latest_day()
    try:
        period = local_days(last - timedelta(days=7 * question.weeks - 1), last, office.plan.time_zone)
    except OverflowError as error:
        raise BadQuestion(f"{last} is outside the calendar: choose another day") from error
    everything = office.contacts(period)
    contacts = visits_of(everything, question.queue) if question.queue else everything
    watched = office.watch(period).spans
    hours = arrival_profile(contacts, period=period, watched=watched)
    needs = demand(contacts, handle_s=question.handle_s, model=question.model)
    goal = make_goal(office, question)
    busiest = busy_hour(everything, period=period, watched=watched)
    return Plan(period, question.queue, plan_week(hours, needs, goal), needs, goal, busiest, trunks_required(busiest))


def make_goal(office: Office, question: PlanQuestion) -> Goal:
    """The office's own service level unless another is asked for."""
    plan = office.plan
    return Goal(
        level=min(0.99, plan.service_level_target) if question.level is None else question.level,
        threshold_s=plan.service_level_s if question.threshold_s is None else question.threshold_s,
        most_occupied=question.most_occupied,
        shrinkage=question.shrinkage,
        formula=question.formula,
    )


def asked_plan(
    weeks: Annotated[int, Query(ge=1, le=52, description="weeks to look back on")] = DEFAULT_WEEKS,
    until: Annotated[str, Query(max_length=10, description="their last day; without: the latest observed")] = "",
    queue: Annotated[str, Query(max_length=200, description="one queue only")] = "",
    level: Annotated[float | None, Query(gt=0, le=0.99, description="service level to reach, 0 to 1")] = None,
    threshold_s: Annotated[float | None, Query(ge=0, le=3600, description="seconds; without: the office's")] = None,
    formula: Annotated[Literal["sl_offered", "sl_answered", "sl_late_ab"], Query()] = "sl_offered",
    max_occupancy: Annotated[float, Query(ge=0.1, le=1, description="share of time in calls at most")] = 0.85,
    shrinkage: Annotated[float, Query(ge=0, le=0.9, description="share of paid time away from the phone")] = 0.3,
    handle_s: Annotated[float | None, Query(gt=0, le=14_400, description="seconds; without: as measured")] = None,
    model: Annotated[Literal["auto", "a", "c"], Query(description="Erlang A, Erlang C, or whichever fits")] = "auto",
) -> PlanQuestion:
    """Read the question."""
    return PlanQuestion(
        weeks, until, queue, level, threshold_s, formula, max_occupancy, shrinkage, handle_s, model
    )  # fmt: skip


AskedPlan = Annotated[PlanQuestion, Depends(asked_plan)]


class PlannedHourOut(BaseModel):
    """One hour of the week; null where it was not watched."""

    weekday: str
    hour: int
    offered: int
    watched_h: float
    arrival_profile: float | None = Field(description="calls per such hour")
    agents_required: int | None
    rostered: int | None
    service_level: float | None = Field(description="expected with so many agents, 0 to 1")
    asa: float | None
    occupancy: float | None


class PlanOut(BaseModel):
    """How many agents and lines are needed, and what that was computed from."""

    model_config = ConfigDict(populate_by_name=True)
    period: PeriodOut
    queue: str
    goal: dict[str, float | str]
    model: Literal["erlang_a", "erlang_c"]
    handle_s: float | None
    handle_from: int = Field(description="answered calls that the handle time was measured from")
    patience_mean: float | None = Field(description="seconds; null where nobody gave up or no trunk is seen")
    patience_from: int = Field(description="callers who gave up")
    trunks_required: int | None
    busy_hour: str | None
    busy_hour_erlangs: float | None
    hours: list[PlannedHourOut]


router = APIRouter(prefix="/api/v1", responses=responses_of_errors())


@router.get("/offices/{office}/planning", summary="Agents and lines needed, by hour of the week")
def get_planning(
    offices: AllOffices, office: Annotated[str, Path(description="id of the office")], question: AskedPlan
) -> PlanOut:
    """Arrivals of the last weeks, agents by Erlang A or C, lines by Erlang B."""
    plan = make_plan(offices.get(office), question)
    busiest, zone = plan.busiest, plan.period.time_zone
    return PlanOut(
        period=PeriodOut.model_validate(plan.period.to_json()),
        queue=plan.queue,
        goal=_write_goal(plan.goal),
        model="erlang_a" if plan.needs.patience_s else "erlang_c",
        handle_s=plan.needs.handle_s,
        handle_from=plan.needs.handle_from,
        patience_mean=patience_s(plan.needs),
        patience_from=plan.needs.patience.denominator,
        trunks_required=plan.lines,
        busy_hour=None if busiest is None else iso_time(busiest.from_ms, zone),
        busy_hour_erlangs=None if busiest is None else round(busiest.load, 6),
        hours=[_write_hour(each) for each in plan.hours],
    )


def patience_s(needs: Demand) -> float | None:
    """`patience_mean` in seconds."""
    waited = needs.patience
    return waited.numerator / 1000 / waited.denominator if waited.denominator else None


def _write_goal(goal: Goal) -> dict[str, float | str]:
    """What the staffing had to reach."""
    return {
        "level": goal.level,
        "threshold_s": goal.threshold_s,
        "max_occupancy": goal.most_occupied,
        "shrinkage": goal.shrinkage,
        "formula": goal.formula,
    }


def _write_hour(planned: PlannedHour) -> PlannedHourOut:
    """One hour of the week."""
    hour: Hour = planned.hour
    staffing = planned.staffing
    expected = staffing.expected if staffing and staffing.agents else None
    return PlannedHourOut(
        weekday=WEEKDAYS[hour.weekday],
        hour=hour.clock_hour,
        offered=hour.offered,
        watched_h=round(hour.watched_ms / 3_600_000, 3),
        arrival_profile=None if hour.mean is None else round(hour.mean, 6),
        agents_required=None if staffing is None else staffing.agents,
        rostered=None if staffing is None else staffing.rostered,
        service_level=None if expected is None else round(expected.levels["sl_offered"], 6),
        asa=None if expected is None else round(expected.mean_wait, 3),
        occupancy=None if expected is None else round(expected.occupancy, 6),
    )
