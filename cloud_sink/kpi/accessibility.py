"""Accessibility: how fast customers were answered, how many gave up.

The six service-level formulas in use stand side by side over the same six counters, because "80 % in 20 seconds"
means a different number in each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from cloud_sink.contacts.business_hours import BusinessHours
from cloud_sink.contacts.records import Contact
from cloud_sink.kpi.period import local_day
from cloud_sink.kpi.value import Parts
from cloud_sink.kpi.volume import (
    ABANDONED,
    ANSWERED,
    BLOCKED,
    OVERFLOW,
    TRUNK_SEEN,
    VOICEMAIL,
    abandons_seen,
    customers,
    offered,
    rang_in_vain,
)

DEFAULT_FORMULA = "sl_excl_short"
FORMULAS = ("sl_excl_short", "sl_offered", "sl_answered", "sl_late_ab", "sl_ab_ok", "sl_short_credit")
QUEUED = (ANSWERED, ABANDONED, OVERFLOW, VOICEMAIL)


@dataclass(frozen=True, slots=True)
class ServiceCounts:
    """The counters below every service level: A, A_T, B, B_T, b and F of the formulas.

    A contact that was answered although its wait was not seen (the tap joined in the middle) is in none of them.
    """

    answered: int = 0  # A
    answered_within: int = 0  # A_T: within the threshold, which is inclusive (R5)
    abandoned: int = 0  # B
    abandoned_within: int = 0  # B_T
    short: int = 0  # b
    overflow: int = 0  # F: overflow and voicemail, and phones that rang in vain where the caller is not seen

    def plus(self, other: "ServiceCounts") -> "ServiceCounts":
        """Both cohorts together."""
        return ServiceCounts(
            self.answered + other.answered,
            self.answered_within + other.answered_within,
            self.abandoned + other.abandoned,
            self.abandoned_within + other.abandoned_within,
            self.short + other.short,
            self.overflow + other.overflow,
        )

    def fields(self) -> list[int]:
        """All six in the order above."""
        return [
            self.answered, self.answered_within, self.abandoned, self.abandoned_within, self.short, self.overflow
        ]  # fmt: skip


def count_service(contacts: Sequence[Contact], threshold_ms: int) -> ServiceCounts:
    """Count a cohort against a threshold of milliseconds."""
    cohort = offered(contacts)
    waits = [c.wait_ms for c in cohort if c.disposition == ANSWERED and c.wait_ms is not None]
    abandoned = [c for c in cohort if c.disposition == ABANDONED]
    return ServiceCounts(
        answered=len(waits),
        answered_within=sum(wait <= threshold_ms for wait in waits),
        abandoned=len(abandoned),
        abandoned_within=sum(c.wait_ms is not None and c.wait_ms <= threshold_ms for c in abandoned),
        short=sum(c.short for c in abandoned),
        overflow=sum(c.disposition in (OVERFLOW, VOICEMAIL) or rang_in_vain(c) for c in cohort),
    )


def service_levels(n: ServiceCounts) -> dict[str, Parts]:
    """All six formulas, and `service_level` as the default one of them; after ICMI."""
    levels = {
        "sl_answered": Parts(n.answered_within, n.answered),
        "sl_offered": Parts(n.answered_within, n.answered + n.abandoned + n.overflow),
        "sl_excl_short": Parts(n.answered_within, n.answered + n.abandoned - n.short + n.overflow),
        "sl_late_ab": Parts(n.answered_within, n.answered + n.abandoned - n.abandoned_within),
        "sl_ab_ok": Parts(n.answered_within + n.abandoned_within, n.answered + n.abandoned),
        "sl_short_credit": Parts(n.answered_within + n.short, n.answered + n.abandoned),
    }
    return levels | {"service_level": levels[DEFAULT_FORMULA]}


def measure_waiting(contacts: Sequence[Contact]) -> dict[str, Parts]:
    """`asa`, `avg_queue_time`, `avg_abandon_time`, `max_wait`, `ring_time_avg`: times in milliseconds."""
    cohort = offered(contacts)
    rang = [c.ring_ms for c in cohort if c.disposition == ANSWERED and c.ring_ms is not None]
    longest = [c.wait_ms for c in cohort if c.wait_ms is not None]
    return {
        "asa": _mean_wait(cohort, (ANSWERED,)),
        "avg_queue_time": _mean_wait(cohort, QUEUED),
        "avg_abandon_time": _mean_wait(cohort, (ABANDONED,)),
        "max_wait": Parts(max(longest, default=0), 1 if longest else 0),
        "ring_time_avg": Parts(sum(rang), len(rang)),
    }


def _mean_wait(cohort: Sequence[Contact], dispositions: tuple[str, ...]) -> Parts:
    """Sum and number of the waits that were seen, of contacts that ended one of these ways."""
    waits = [c.wait_ms for c in cohort if c.disposition in dispositions and c.wait_ms is not None]
    return Parts(sum(waits), len(waits))


def measure_lost(contacts: Sequence[Contact]) -> dict[str, Parts]:
    """`abandon_rate`, `abandon_rate_all`, and what was refused at the door where a trunk can be seen."""
    cohort = offered(contacts)
    given_up = [c for c in cohort if c.disposition == ABANDONED]
    short = sum(c.short for c in given_up)
    seen = abandons_seen(cohort)
    return {
        "abandon_rate": Parts(len(given_up) - short, len(cohort) - short, seen),
        "abandon_rate_all": Parts(len(given_up), len(cohort), seen),
    } | _measure_blocked(contacts)


def measure_lost_by_day(contacts: Sequence[Contact], time_zone: str, hours: BusinessHours) -> dict[str, Parts]:
    """`avg_abandons_per_day`: per working day on which any customer called; without business hours every day is one."""
    at_work = [c for c in offered(contacts) if not hours.known or hours.is_working_day(local_day(c.t_offer, time_zone))]
    abandoned = sum(contact.disposition == ABANDONED for contact in at_work)
    days = days_with_calls(contacts, time_zone, hours)
    return {"avg_abandons_per_day": Parts(abandoned, len(days), abandons_seen(at_work))}


def days_with_calls(contacts: Sequence[Contact], time_zone: str, hours: BusinessHours) -> set[date]:
    """The working days on which any customer called."""
    days = {local_day(contact.t_offer, time_zone) for contact in offered(contacts)}
    return {day for day in days if not hours.known or hours.is_working_day(day)}


def _measure_blocked(contacts: Sequence[Contact]) -> dict[str, Parts]:
    """`blocked` and `blocked_rate`: a lower bound, and not observable at all without a trunk (R6)."""
    on_trunk = [c for c in customers(contacts) if c.visibility == TRUNK_SEEN]
    blocked = sum(c.disposition == BLOCKED for c in on_trunk)
    return {"blocked": Parts(blocked, 1 if on_trunk else 0), "blocked_rate": Parts(blocked, len(on_trunk))}
