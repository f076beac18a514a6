"""Agents: what each extension was doing, as the API tells it."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from cloud_sink.kpi.period import iso_time
from cloud_sink.kpi.states import Interval
from cloud_sink.web import schema
from cloud_sink.web.api import AskedFor, responses_of_errors


class IntervalOut(BaseModel):
    """One state; from inclusive, until exclusive."""

    model_config = ConfigDict(populate_by_name=True)
    state: str
    from_: str = Field(alias="from")
    until: str
    seconds: float
    logged_in: bool
    source: str


class AgentOut(BaseModel):
    """One extension."""

    extension: str
    kpis: dict[str, schema.Value]
    states: list[IntervalOut]


class AgentList(BaseModel):
    """Every extension's states and numbers."""

    period: schema.PeriodOut
    agents: list[AgentOut]


router = APIRouter(prefix="/api/v1", responses=responses_of_errors())


@router.get("/offices/{office}/agents", summary="What each extension was doing")
def list_agents(about: AskedFor) -> AgentList:
    """Intervals that never overlap, and the extension's KPIs."""
    zone = about.period.time_zone
    report, states = about.office.report(about.period).to_json(), about.office.states(about.period)
    kpis = report["extensions"]
    rows = [
        {"extension": name, "kpis": values, "states": [_write(each, zone) for each in states.get(name, [])]}
        for name, values in (kpis.items() if isinstance(kpis, dict) else ())
    ]
    return AgentList.model_validate({"period": report["period"], "agents": rows})


def _write(interval: Interval, zone: str) -> dict[str, object]:
    """One interval."""
    return {
        "state": interval.state,
        "from": iso_time(interval.from_ms, zone),
        "until": iso_time(interval.until_ms, zone),
        "seconds": interval.length_ms / 1000,
        "logged_in": interval.logged_in,
        "source": interval.source,
    }
