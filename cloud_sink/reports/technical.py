"""Tables of what lies below the numbers: signalling and sound by vantage point, and how far the data can be trusted."""

from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.period import Period, iso_time
from cloud_sink.kpi.report import Values
from cloud_sink.kpi.signalling import Figure, Sound, Vantage
from cloud_sink.office import Office
from cloud_sink.reports.cells import value_cell
from cloud_sink.sheets import Cell, Table
from cloud_sink.store import Gap

ALL_PHONES = "all phones"
OF_THE_REPORT = ("coverage", "contacts_ambiguous", "claimed_elsewhere", "open", "unknown", "partial_legs")


def signalling_table(office: Office, period: Period) -> Table:
    """Signalling health after RFC 6076: one row per vantage point and KPI, shares by leg and by contact."""
    heads = ("seen_at", "kpi", "title", "counted_by", "value", "unit", "p50", "p95", "numerator", "denominator")
    found = office.signalling(period).vantages
    rows = [row for place, vantage in found.items() for row in _vantage_rows(place, vantage)]
    return Table("signalling", heads, rows, heads[:1] + heads[2:8])


def _vantage_rows(place: str, vantage: Vantage) -> list[list[Cell]]:
    """Everything seen from one point."""
    kinds = (("leg", vantage.by_leg), ("contact", vantage.by_contact))
    return [
        [place, kpi_id, CATALOGUE[kpi_id].title, counted, *_figure_cells(figures[kpi_id])]
        for counted, figures in kinds
        for kpi_id in CATALOGUE
        if kpi_id in figures
    ]


def _figure_cells(figure: Figure) -> list[Cell]:
    """Value, unit, spread and counters."""
    value = figure.value
    spread = (_rounded(figure.p50), _rounded(figure.p95))
    return [value_cell(value), value.unit, *spread, value.numerator, value.denominator]


def sound_table(office: Office, period: Period) -> Table:
    """How calls sounded by the phones' own reports (RFC 6035): all of them, then each phone that sent any."""
    heads = ("extension", "reports", "mos_lq", "median", "worst", "loss (%)", "delay_ms", "jitter_ms")
    report = office.signalling(period)
    rows = [_sound_row(name, sound) for name, sound in [(ALL_PHONES, report.sound), *report.sound_of.items()]]
    return Table("sound", heads, rows)


def _sound_row(name: str, sound: Sound) -> list[Cell]:
    """One phone."""
    score = sound.mos_lq
    means = (sound.loss_percent, sound.delay_ms, sound.jitter_ms)
    return [name, score.value.denominator, value_cell(score.value), *map(_rounded, (score.p50, sound.worst, *means))]


def quality_table(office: Office, period: Period) -> Table:
    """How far the period's numbers can be trusted: each indicator, then each stretch in which a box was blind."""
    heads = ("what", "title", "value", "unit", "box", "from", "until")
    total = office.report(period).total
    values = {kpi_id: total[kpi_id] for kpi_id in OF_THE_REPORT} | office.indicators(period)
    rows = _indicator_rows(values) + [_gap_row(gap, period.time_zone) for gap in office.watch(period).gaps]
    return Table("quality", heads, rows)


def _indicator_rows(values: Values) -> list[list[Cell]]:
    """One row each."""
    return [
        [kpi_id, CATALOGUE[kpi_id].title, value_cell(value), value.unit, None, None, None]
        for kpi_id, value in values.items()
    ]


def _gap_row(gap: Gap, time_zone: str) -> list[Cell]:
    """One gap: why, how many events were lost, at which box."""
    ends = (iso_time(gap.from_ms, time_zone), iso_time(gap.until_ms, time_zone))
    return ["gap", f"Blind: {gap.reason}", gap.count, "n", gap.box, *ends]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


TABLES = {"signalling": signalling_table, "sound": sound_table, "quality": quality_table}
