"""The dashboard: one page, made on the server; without JavaScript only the chart is missing, its table is there."""

from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader

from cloud_sink.calendars import date_text, day_id, days_text, short_date_text, weekday_text
from cloud_sink.kpi.accessibility import FORMULAS
from cloud_sink.kpi.catalogue import CATALOGUE, SECTIONS
from cloud_sink.kpi.grid import grid
from cloud_sink.question import ranges_around
from cloud_sink.shown import show_all
from cloud_sink.users.roles import ANYBODY
from cloud_sink.web.api import Formula
from cloud_sink.web.beside import describe_comparison, describe_insights, describe_targets
from cloud_sink.web.chosen import Chosen, DayChosen
from cloud_sink.web.describe import describe_fates, describe_level, describe_missed, describe_places, describe_quarters
from cloud_sink.web.quality import describe_quality

REFRESH_S = 15

pages = APIRouter(include_in_schema=False)


def _about_the_visitor(request: Request) -> dict[str, object]:
    """Who is signed in, or why nobody has to be: every page says it."""
    return {"asker": getattr(request.state, "asker", ANYBODY), "open": getattr(request.state, "open", "")}


templates = Jinja2Templates(
    context_processors=[_about_the_visitor],
    env=Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    ),
)
templates.env.filters.update(
    {each.__name__: each for each in (date_text, day_id, days_text, short_date_text, weekday_text, ranges_around)}
)  # dates by the office's calendar


@pages.get("/")
def dashboard(
    request: Request,
    chosen: DayChosen,
    compare: Annotated[Literal["", "previous", "week"], Query()] = "",
    threshold_s: Annotated[float | None, Query(ge=0, le=3600)] = None,
    formula: Formula = "",
) -> Response:
    """Show one office's day; without any choice the first office's latest, which follows new data."""
    context = _describe(chosen, compare, threshold_s, formula) | {
        "refresh_s": REFRESH_S if not chosen.asked or chosen.first == chosen.office.today() else 0,
    }
    return templates.TemplateResponse(request, "dashboard.html", context)


def waiting_page(request: Request) -> Response:
    """What is there before the first office is known; it looks again by itself."""
    return templates.TemplateResponse(request, "waiting.html", {"refresh_s": REFRESH_S})


def problem_page(request: Request, status: int, problem: str) -> Response:
    """A mistake, told in one line, with a way back."""
    return templates.TemplateResponse(request, "problem.html", {"problem": problem}, status_code=status)


def _describe(chosen: Chosen, compare: str, threshold_s: float | None, formula: str) -> dict[str, object]:
    """Everything the page shows of one office's day."""
    office, period = chosen.office, chosen.period
    report = office.report(period, threshold_s, formula)
    buckets = grid(office.contacts(period), period=period, threshold_s=report.threshold_s)
    quarters = describe_quarters(buckets, period, report.formula)
    level = describe_level(report)
    total = show_all(report.total)
    return chosen.as_context() | {
        "day": chosen.first,
        "total": total,
        "level": level,
        "threshold_s": report.threshold_s,
        "formula": CATALOGUE[report.formula],
        "switched": threshold_s is not None or bool(formula),
        "formulas": [(CATALOGUE[name], total[name]) for name in FORMULAS],
        "places": describe_places(report),
        "extensions": {name: show_all(values) for name, values in report.extensions.items()},
        "missed": describe_missed(report),
        "quarters": quarters,
        "fates": describe_fates(quarters, level.threshold),
        "quality": describe_quality(office, period, report),
        "sections": SECTIONS,
        "compare": compare,
        "comparison": describe_comparison(report, office, compare),
        "insights": describe_insights(office, period),
        "aims": describe_targets(report.total, office.plan),
        "watched": report.coverage > 0,
    }
