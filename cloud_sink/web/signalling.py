"""Signalling health and sound, as the API and the page `/signalling` show them."""

from dataclasses import dataclass, replace

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from cloud_sink.kpi.catalogue_signalling import SIGNALLING_HEALTH
from cloud_sink.kpi.signalling import PHONE, SHARES, TRUNK_IN, TRUNK_OUT, Figure, SignallingReport, Sound
from cloud_sink.kpi.value import MILLISECONDS, SECONDS
from cloud_sink.shown import NOTHING, WRITERS, Shown, show
from cloud_sink.web import schema
from cloud_sink.web.api import AskedFor, responses_of_errors
from cloud_sink.web.chosen import DaysChosen
from cloud_sink.web.page import templates

VANTAGE_WORDS = {PHONE: "PBX and phones", TRUNK_IN: "calls from the carrier", TRUNK_OUT: "calls to the carrier"}


class FigureOut(schema.Value):
    """One KPI with its spread: median and 95th percentile in its unit, null for shares."""

    p50: float | None
    p95: float | None


class VantageOut(BaseModel):
    """Everything seen from one point."""

    invites: int = Field(description="legs seen whole")
    contacts: int
    by_leg: dict[str, FigureOut]
    by_contact: dict[str, FigureOut] = Field(description="shares, each contact by the best of its legs")


class SoundOut(BaseModel):
    """How calls sounded, by the phones' own reports; nulls where none came."""

    mos_lq: FigureOut
    worst: float | None = Field(description="5 % of calls had this score or less")
    loss_percent: float | None
    delay_ms: float | None
    jitter_ms: float | None


class SignallingOut(BaseModel):
    """Signalling by vantage point, and sound in all and by extension."""

    period: schema.PeriodOut
    vantages: dict[str, VantageOut]
    sound: SoundOut
    sound_of: dict[str, SoundOut]


router = APIRouter(prefix="/api/v1", responses=responses_of_errors())
pages = APIRouter(include_in_schema=False)


@router.get("/offices/{office}/signalling", summary="Signalling health and sound")
def read_signalling(about: AskedFor) -> SignallingOut:
    """RFC 6076 by vantage point and by leg or contact, and what phones reported of voice quality (RFC 6035)."""
    return SignallingOut.model_validate(about.office.signalling(about.period).to_json())


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of the page with its spread in words."""

    shown: Shown
    spread: str


@dataclass(frozen=True, slots=True)
class Row:
    """One KPI from every vantage point; shares by contact as well."""

    kpi: Shown
    by_leg: list[Cell]
    by_contact: list[Cell]


@pages.get("/signalling")
def signalling(request: Request, chosen: DaysChosen) -> Response:
    """Show one office's signalling."""
    report = chosen.office.signalling(chosen.period)
    context = chosen.as_context() | {
        "vantages": [(VANTAGE_WORDS[name], vantage) for name, vantage in report.vantages.items()],
        "rows": [_row(kpi.id, report) for kpi in SIGNALLING_HEALTH if kpi.id != "mos_lq"],
        "sound": _describe_sound("all phones", report.sound),
        "sounds": [_describe_sound(name, sound) for name, sound in report.sound_of.items()],
    }
    return templates.TemplateResponse(request, "signalling.html", context)


def _row(kpi_id: str, report: SignallingReport) -> Row:
    by_leg = [_cell(kpi_id, vantage.by_leg[kpi_id]) for vantage in report.vantages.values()]
    by_contact = [_cell(kpi_id, vantage.by_contact[kpi_id]) for vantage in report.vantages.values() if kpi_id in SHARES]
    return Row(by_leg[0].shown, by_leg, by_contact)


def _cell(kpi_id: str, figure: Figure) -> Cell:
    value, shown, spread = figure.value, show(kpi_id, figure.value), ""
    if value.unit == SECONDS and value.value is not None:
        shown = replace(shown, text=_write(value.value, SECONDS))
    if figure.p50 is not None and figure.p95 is not None:
        spread = f"half within {_write(figure.p50, value.unit)}, 95 % within {_write(figure.p95, value.unit)}"
    return Cell(shown, spread)


def _write(number: float, unit: str) -> str:
    """A delay of less than a second is told in milliseconds."""
    return WRITERS[MILLISECONDS](1000 * number) if unit == SECONDS and number < 1 else WRITERS[unit](number)


@dataclass(frozen=True, slots=True)
class SoundRow:
    """One phone's sound in words."""

    name: str
    score: Shown
    worst: str
    loss: str
    delay: str
    jitter: str


def _describe_sound(name: str, sound: Sound) -> SoundRow:
    return SoundRow(
        name,
        show("mos_lq", sound.mos_lq.value),
        NOTHING if sound.worst is None else f"{sound.worst:.2f}",
        NOTHING if sound.loss_percent is None else f"{sound.loss_percent:.2f} %",
        NOTHING if sound.delay_ms is None else f"{sound.delay_ms:.0f} ms",
        NOTHING if sound.jitter_ms is None else f"{sound.jitter_ms:.0f} ms",
    )
