"""What the JSON API answers, for its OpenAPI description. Times of records are seconds since the Unix epoch."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Basis = Literal["caller", "queue", "ring"]


class Value(BaseModel):
    """One KPI: null where nothing was observed that it could rest on."""

    value: float | None
    numerator: float
    denominator: float
    basis: Basis
    unit: str
    interval: tuple[float, float] | None = Field(description="95 % Wilson interval in percent, shares only")
    small: bool = Field(description="fewer than 20 observations")


class PeriodOut(BaseModel):
    """From inclusive, until exclusive, ISO 8601."""

    model_config = ConfigDict(populate_by_name=True)
    from_: str = Field(alias="from")
    until: str
    time_zone: str


class ServiceLevel(BaseModel):
    """What the service level is measured against."""

    threshold_s: float
    target: float
    formula: str


class Report(BaseModel):
    """All KPIs of a period by id (see /api/v1/kpis)."""

    period: PeriodOut
    coverage: float
    service_level: ServiceLevel
    total: dict[str, Value]
    queues: dict[str, dict[str, Value]]
    queue_kinds: dict[str, str]
    extensions: dict[str, dict[str, Value]]
    percentiles: dict[str, dict[str, float | None]] = Field(
        description="p50, p90 and p95 in seconds of customers' calls: wait of the answered, ring, talk; within 5 %"
    )


class Quality(BaseModel):
    """Data-quality indicators by id (see /api/v1/kpis)."""

    period: PeriodOut
    indicators: dict[str, Value]


class Change(BaseModel):
    """One KPI against an earlier period; nulls where either is unknown."""

    before: Value
    difference: float | None = Field(description="in the KPI's unit; points for shares")
    percent: float | None = Field(description="relative to before; not for shares")
    certain: bool | None = Field(description="shares only: chance alone would do it in less than one of twenty cases")


class Comparison(BaseModel):
    """Every change since an earlier period."""

    period: PeriodOut
    coverage: float
    total: dict[str, Change]
    queues: dict[str, dict[str, Change]]
    extensions: dict[str, dict[str, Change]]


class ComparedReport(Report):
    """A report, beside an earlier one where asked for."""

    comparison: Comparison | None = None


class InsightOut(BaseModel):
    """One thing that stands out, with the contacts that show it."""

    model_config = ConfigDict(populate_by_name=True)
    rule: Literal["many_left", "waits_too_long", "does_not_answer"]
    subject: str
    text: str
    from_: str = Field(alias="from")
    until: str
    contacts: list[str]
    figures: dict[str, float]


class InsightList(BaseModel):
    """What stands out in a period."""

    period: PeriodOut
    insights: list[InsightOut]


class Bucket(BaseModel):
    """Contacts that arrived in one quarter hour."""

    model_config = ConfigDict(populate_by_name=True)
    from_: str = Field(alias="from")
    until: str
    offered: int
    answered: int
    answered_within: int
    abandoned: int
    short_abandoned: int
    missed: int
    open: int
    service_level: Value
    asa: float | None
    provisional: bool


class Grid(BaseModel):
    """The period by quarter hour (UTC grid)."""

    period: PeriodOut
    threshold_s: float
    buckets: list[Bucket]


class LegOut(BaseModel):
    """One leg with its settled outcome."""

    leg_id: str
    extension: str
    role: str
    direction: str
    caller: str
    callee: str
    t_invite: float
    t_ring: float | None
    t_answer: float | None
    t_end: float | None
    ring_ms: int | None
    talk_ms: int | None
    hold_ms: int
    holds: int
    outcome: str
    final_code: int
    ended_by: str
    transfer: str
    transport: str
    retransmissions: int
    partial: bool


class VisitOut(BaseModel):
    """One of several places that a caller waited in: transferred to it, or sent on when another's time was up."""

    queue: str
    kind: str
    t_enter: float
    t_agent_answer: float | None
    t_end: float | None
    disposition: str
    agent: str
    extension: str
    wait_ms: int | None
    ring_ms: int | None
    talk_ms: int
    hold_ms: int
    short: bool


class ContactOut(BaseModel):
    """One contact, as `ringtap replay --show contacts` prints it."""

    contact_id: str
    queue: str
    kind: str
    did: str
    direction: str
    caller: str
    t_offer: float
    t_pbx_answer: float | None
    t_first_ring: float | None
    t_agent_answer: float | None
    t_end: float | None
    disposition: str
    agent: str
    extension: str
    wait_ms: int | None
    wait_basis: str
    ring_ms: int | None
    talk_ms: int
    hold_ms: int
    transfers: int
    rings: int
    short: bool
    correlation: str
    visibility: str
    ended_by: str
    legs: list[str]
    visits: list[VisitOut]  # empty where it waited in one place only


class ContactPage(BaseModel):
    """A page of contacts, in order of arrival."""

    period: PeriodOut
    total: int
    offset: int
    limit: int
    contacts: list[ContactOut]


class ContactWithLegs(BaseModel):
    """One contact and every leg that served it."""

    contact: ContactOut
    legs: list[LegOut]


class MissedOut(BaseModel):
    """One caller nobody answered."""

    caller: str
    attempts: int
    first: str
    last: str
    queue: str
    did: str
    disposition: str
    longest_wait_s: float | None
    state: Literal["open", "called_back", "called_again", "not_callable"]
    cleared: str | None
    cleared_by: str
    contact_ids: list[str]


class MissedList(BaseModel):
    """Missed callers of a period, the latest first."""

    period: PeriodOut
    callers: list[MissedOut]


class Kpi(BaseModel):
    """One definition of the catalogue."""

    model_config = ConfigDict(populate_by_name=True)
    id: str
    title: str
    unit: str
    says: str
    formula: str
    source: str
    observability: str
    class_: str = Field(alias="class")
    averaged: bool
    roll: str
    scopes: list[str]
    section: str


class OfficeOut(BaseModel):
    """One office; first, last and latest_day are null before its first event."""

    office: str
    name: str
    time_zone: str
    first: str | None
    last: str | None
    latest_day: str | None


class BoxOut(BaseModel):
    """One box as it reported last."""

    box: str
    office: str
    online: bool
    last_seen: float
    version: str
    clock_ok: bool


class BoxReport(BoxOut):
    """One box with what it knows of itself; times in seconds since the epoch."""

    last_event: float | None = Field(description="when the latest call or registration that it told of happened")
    waiting: int | None = Field(description="events that it had not delivered when it reported last; null: never did")
    troubles: list[str] = Field(description="why its office's numbers may be wrong or late")


class Alive(BaseModel):
    """The database can be read."""

    status: str


class Health(BaseModel):
    """Whether the sink can answer, and who talks to it."""

    status: Literal["ok"]
    offices: int
    quarantined: int
    boxes: list[BoxOut]


class Problem(BaseModel):
    """What is wrong with the question, in one line."""

    detail: str
