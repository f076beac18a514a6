"""How far the page can be trusted: what was watched, what was lost, who reports."""

from dataclasses import dataclass

from cloud_sink.boxes import troubles
from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.report import Report, Values
from cloud_sink.office import Office, Watch
from cloud_sink.shown import ago_text, clock_text, count_text, duration_text
from cloud_sink.store import BoxStatus

AHEAD_MS = 60_000  # beyond a minute times of day begin to mislead


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to know; `alarming` where somebody should look."""

    title: str
    text: str
    alarming: bool = False


@dataclass(frozen=True, slots=True)
class BoxRow:
    """One box as it reported last."""

    name: str
    online: bool
    seen: str
    version: str
    remarks: list[str]


@dataclass(frozen=True, slots=True)
class Quality:
    """Everything the data-quality line says."""

    facts: list[Fact]
    boxes: list[BoxRow]


def describe_quality(office: Office, period: Period, report: Report) -> Quality:
    """Put together what is known about the day's data."""
    watch = office.watch(period)
    facts = [
        _watched(watch, period, office.now_ms()),
        _gaps(watch),
        _doubtful(report),
        _quarantine(office.store.quarantined()),
        *_told_by_boxes(office.indicators(period)),
    ]
    return Quality(facts, [_describe_box(box, office.now_ms()) for box in office.boxes()])


def _watched(watch: Watch, period: Period, now_ms: int) -> Fact:
    """When the tap was watching."""
    if not watch.spans:
        return Fact("Watched", "not at all on this day", alarming=True)
    zone = period.time_zone
    first, last = watch.spans[0][0], watch.spans[-1][1]
    minutes = round(sum(end - start for start, end in watch.spans) / 60_000)
    length = f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
    share = f"{100 * watch.share:.0f}\N{NO-BREAK SPACE}% of the day{' so far' if now_ms < period.until_ms else ''}"
    return Fact("Watched", f"{clock_text(first, zone)} to {clock_text(last, zone)}: {length}, {share}")


def _gaps(watch: Watch) -> Fact:
    """How often and how long it was blind in between."""
    if not watch.gaps:
        return Fact("Gaps", "none")
    seconds = sum(gap.until_ms - gap.from_ms for gap in watch.gaps) / 1000
    lost = sum(gap.count for gap in watch.gaps)
    reasons = ", ".join(sorted({gap.reason for gap in watch.gaps}))
    return Fact("Gaps", f"{len(watch.gaps)} ({reasons}), {seconds:.0f} s, {lost} events lost", alarming=True)


def _doubtful(report: Report) -> Fact:
    """Contacts and legs that are not certain."""
    words = {
        "open": "still going on",
        "contacts_ambiguous": "ambiguous",
        "claimed_elsewhere": "said to be answered elsewhere",
        "unknown": "with unseen outcome",
        "partial_legs": "legs partly seen",
    }
    counts = {word: report.total[kpi_id].value or 0 for kpi_id, word in words.items()}
    found = [f"{count:.0f} {word}" for word, count in counts.items() if count]
    return Fact("Uncertain", ", ".join(found) or "nothing")


def _quarantine(kinds: int) -> Fact:
    """What arrived and could not be used."""
    words = f"{kinds} kind{'s' if kinds > 1 else ''} of unusable data"
    return Fact("Quarantine", words if kinds else "empty", alarming=kinds > 0)


def _told_by_boxes(indicators: Values) -> list[Fact]:
    """What boxes lost and how they deliver; nothing where none reported."""
    if not indicators["kernel_drops"].denominator:
        return []
    lost = [(kpi_id, indicators[kpi_id].value or 0) for kpi_id in ("kernel_drops", "parse_errors", "encrypted_sip")]
    words = [f"{count_text(count)} {CATALOGUE[kpi_id].title.lower()}" for kpi_id, count in lost if count]
    lag, offset = indicators["mqtt_lag_s"].value or 0, indicators["clock_offset_ms"].value or 0
    ahead = offset < -AHEAD_MS  # behind looks like late: a recording that is played back is hours late and not wrong
    clock = f"; a clock is {duration_text(-offset / 1000)} ahead of this server's" if ahead else ""
    return [
        Fact("Lost", ", ".join(words) or "nothing", alarming=bool(words)),
        Fact("Delivery", f"after {duration_text(lag)} on average{clock}", alarming=ahead),
    ]


def _describe_box(box: BoxStatus, now_ms: int) -> BoxRow:
    """One box."""
    return BoxRow(box.box, box.online, ago_text(now_ms - box.last_seen_ms), box.version, troubles(box))
