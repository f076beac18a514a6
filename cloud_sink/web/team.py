"""The team: agents by name, teams, discipline events, scorecards; what was imported, and templates to fill in."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud_sink.imports.kinds import KINDS
from cloud_sink.imports.queue_log import SAYS
from cloud_sink.imports.templates import template
from cloud_sink.kpi.discipline import RULES, Lapse
from cloud_sink.kpi.period import iso_time
from cloud_sink.kpi.report import Values
from cloud_sink.kpi.scorecard import Scored
from cloud_sink.question import BadQuestion
from cloud_sink.sheets import FORMATS, write
from cloud_sink.store.logged import QUEUE_LOG
from cloud_sink.web import schema
from cloud_sink.web.api import AllOffices, AskedFor, responses_of_errors

router = APIRouter(prefix="/api/v1", responses=responses_of_errors())


class TeamAgent(BaseModel):
    """One agent, all teams and phones together."""

    agent: str
    teams: list[str]
    extensions: list[str]
    kpis: dict[str, schema.Value]


class ScoredOut(BaseModel):
    """One criterion of a scorecard; nulls where the KPI is not known."""

    kpi: str
    target: float
    worst: float
    weight: float
    value: float | None
    points: float | None = Field(description="0 to 100")


class TeamOut(BaseModel):
    """Everybody together, each team, each agent, and the teams' scorecards."""

    period: schema.PeriodOut
    everybody: dict[str, schema.Value]
    teams: dict[str, dict[str, schema.Value]]
    agents: list[TeamAgent]
    scorecards: dict[str, list[ScoredOut]]


class LapseOut(BaseModel):
    """One time that a rule was broken."""

    at: str
    agent: str
    team: str
    rule: str
    what: str
    seconds: float = Field(description="beyond the grace; of calls: how long it rang or was talked")
    leg: str = Field(description="the call it is about, empty for breaks of the schedule")


class Discipline(BaseModel):
    """All of a period, in order."""

    period: schema.PeriodOut
    lapses: list[LapseOut]


class ImportOut(BaseModel):
    """What is stored of one kind; nulls where it holds always."""

    model_config = ConfigDict(populate_by_name=True)
    kind: str
    says: str
    rows: int
    first: str | None
    last: str | None


@router.get("/offices/{office}/team", summary="KPIs of agents and teams")
def get_team(about: AskedFor) -> TeamOut:
    """By name where agents were imported, else by extension; what needs a schedule is null without one."""
    found = about.office.team(about.period)
    return TeamOut.model_validate(
        {
            "period": about.period.to_json(),
            "everybody": _values(found.everybody),
            "teams": {name: _values(values) for name, values in found.teams.items()},
            "agents": [
                {"agent": each.agent, "teams": each.teams, "extensions": each.extensions, "kpis": _values(each.values)}
                for each in found.agents
            ],
            "scorecards": {team: [_write_scored(each) for each in scored] for team, scored in found.scorecards.items()},
        }
    )


def _values(values: Values) -> dict[str, object]:
    return {kpi_id: value.to_json() for kpi_id, value in values.items()}


def _write_scored(scored: Scored) -> dict[str, object]:
    """One criterion."""
    aim = scored.criterion
    value = None if scored.value is None else scored.value.value
    return {
        "kpi": aim.kpi,
        "target": aim.target,
        "worst": aim.worst,
        "weight": aim.weight,
        "value": None if value is None else round(value, 6),
        "points": None if scored.points is None else round(scored.points, 3),
    }


@router.get("/offices/{office}/discipline", summary="Who broke which rule when")
def list_lapses(about: AskedFor) -> Discipline:
    """Late, left early, long breaks, do not disturb on the queue; calls not taken, refused, cut short."""
    found = [_write_lapse(each, about.period.time_zone) for each in about.office.team(about.period).lapses]
    return Discipline.model_validate({"period": about.period.to_json(), "lapses": found})


def _write_lapse(lapse: Lapse, zone: str) -> dict[str, object]:
    """One event."""
    return {
        "at": iso_time(lapse.at_ms, zone),
        "agent": lapse.agent,
        "team": lapse.team,
        "rule": lapse.rule,
        "what": RULES[lapse.rule],
        "seconds": lapse.length_ms / 1000,
        "leg": lapse.leg_id,
    }


class StaffedHourOut(BaseModel):
    """One local hour; nulls where it was not watched, or never was in the weeks before."""

    model_config = ConfigDict(populate_by_name=True)
    from_: str = Field(alias="from")
    until: str
    offered: int
    expected: float | None = Field(description="calls of such an hour of the week")
    agents_needed: int | None
    agents_there: float | None = Field(description="logged in, on average")
    occupancy_forecast_gap: float | None = Field(description="needed less there: above 0 too few")


@router.get("/offices/{office}/staffing", summary="Agents needed and agents there, hour by hour")
def list_staffing(about: AskedFor) -> list[StaffedHourOut]:
    """Needed by what the eight weeks that end with the period let expect."""
    zone = about.period.time_zone
    return [
        StaffedHourOut.model_validate(
            {
                "from": iso_time(each.from_ms, zone), "until": iso_time(each.until_ms, zone), "offered": each.offered,
                "expected": each.expected, "agents_needed": each.needed, "agents_there": each.there,
                "occupancy_forecast_gap": each.gap,
            }
        )
        for each in about.office.staffing(about.period)
    ]  # fmt: skip


@router.get("/offices/{office}/imports", summary="What was imported")
def list_imports(offices: AllOffices, office: str) -> list[ImportOut]:
    """Every kind with its rows and the time they are about."""
    found = offices.get(office)
    stored = {each.kind: each for each in found.store.import_status(found.id)}
    zone = found.plan.time_zone
    rows = []
    for name, says in (*((kind.name, kind.says) for kind in KINDS.values()), (QUEUE_LOG, SAYS)):
        status = stored.get(name)
        ends = (status.first_ms, status.last_ms) if status else (None, None)
        first, last = (None if at is None else iso_time(at, zone) for at in ends)
        rows.append(ImportOut(kind=name, says=says, rows=status.rows if status else 0, first=first, last=last))
    return rows


@router.get("/imports/{kind}/template.{form}", summary="A file to fill in", response_class=Response)
def get_template(
    kind: Annotated[str, Path(description="what the file is to hold: " + ", ".join(KINDS))],
    form: Annotated[Literal["csv", "xlsx"], Path(description="csv or xlsx")],
) -> Response:
    """The heads and an example row, for `ringtap-sink import`."""
    if kind not in KINDS:
        raise BadQuestion(f'no import "{kind}": there is {", ".join(KINDS)}')
    headers = {"Content-Disposition": f'attachment; filename="ringtap-{kind}.{form}"'}
    return Response(write(template(KINDS[kind]), form), media_type=FORMATS[form], headers=headers)
