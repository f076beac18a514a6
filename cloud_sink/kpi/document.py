"""The catalogue as a page: `python -m cloud_sink.kpi.document > cloud_sink/kpi/README.md`."""

import sys

from cloud_sink.kpi.catalogue import SECTIONS
from cloud_sink.kpi.definition import Definition
from cloud_sink.kpi.value import NUMBER

HEAD = """\
# KPIs

Every number ringtap shows, with its formula and what it rests on. Made from `catalogue.py` by
`python -m cloud_sink.kpi.document`; a test fails when the two differ.

## Rules

- R1: nothing to divide by is shown as "—" (`null`), never as 100 % or 0 (RFC 6076 section 4: undefined).
- R2: a contact counts where it *arrived*, whatever happened later; while one goes on, its quarter hour is provisional.
- R3: the grid is the quarter hour in UTC. Every zone's offset is a multiple of it, so local days add up exactly.
- R4: durations come from packet times, which a step of the clock cannot bend.
- R5: "within the threshold" includes the threshold, as in Asterisk.
- R6: every value says its `basis`: `caller` (waiting counted from the caller's INVITE), `queue` (from the PBX's answer)
  or `ring` (from the first ring, all that can be seen with a hosted PBX); of a mixture the weakest is named. What
  cannot be seen is `null`, never 0.
- R7: internal calls, feature codes and surveys are no customers and stay out of the total. The rows of queues and ring
  groups count whoever waited there: a colleague too, and a caller once for each queue that he was passed on to.
- R8: averages are a sum divided by a count; averages are never averaged.
  Percentiles (p50, p90, p95) come from bins that grow by 10.5 %, so that days add up: they are right within 5 %.
- R9: shares carry their 95 % Wilson interval; under 20 observations a share or an average is greyed.

What is shown for `teams` is shown for everybody together, for each team and for each agent, and so is what is shown for
`extensions`: agents by name where `agents` were imported, with whatever they did at whichever phone they sat at.

Letters: A answered, B abandoned, b abandoned at once, F overflow and voicemail, `_T` within the threshold (the office's
`service_level_s`; the API's `threshold_s` switches it). A contact answered after a wait the tap did not see is in no
service level. With a hosted PBX a call that rang in vain is in F: nobody here answered it, and whether its caller left
or went on to voicemail, a menu or another queue is not seen.

## Always true

- I1: offered = answered + abandoned + overflow + voicemail + claimed_elsewhere + open + unknown.
- I2: short_abandoned ≤ abandoned; percentiles of waits, ringing and talk rest on exactly the calls of their averages.
- I3: with a short limit within the threshold, sl_offered ≤ sl_excl_short ≤ sl_late_ab ≤ sl_answered,
  sl_late_ab ≤ sl_ab_ok and sl_excl_short ≤ sl_short_credit ≤ sl_ab_ok.
- I4: the states of an agent never overlap, at however many phones.
- I5: days, and quarter hours, may be added up in any order.
"""
UNIT_WORDS = {NUMBER: "number"}


def page() -> str:
    """The whole page in Markdown."""
    return "\n".join([HEAD, *(_group(title, group) for title, group in SECTIONS.items())])


def _group(title: str, group: tuple[Definition, ...]) -> str:
    """One section: a heading and an entry for each KPI."""
    return "\n".join([f"## {title}\n", *(_entry(definition) for definition in group)])


def _entry(kpi: Definition) -> str:
    """One KPI."""
    unit = UNIT_WORDS.get(kpi.unit, kpi.unit)
    return (
        f"### `{kpi.id}`: {kpi.title}\n\n{kpi.says}\n\n"
        f"- Formula: {kpi.formula}\n"
        f"- Unit {unit} · class {kpi.kpi_class} · rolls up by {kpi.roll} · shown for {', '.join(kpi.scopes)}\n"
        f"- Source: {kpi.source}\n"
        f"- Rests on: {kpi.observability}\n"
    )


if __name__ == "__main__":
    sys.stdout.write(page())
