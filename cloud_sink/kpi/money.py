"""What calls cost: outgoing calls by the office's tariffs.

A tariff is chosen by the longest prefix of the number called; time is counted in whole steps after a first, longer one.
"""

from collections.abc import Sequence

from cloud_sink.contacts.records import Contact, OfficePlan, Tariff
from cloud_sink.kpi.value import Parts
from cloud_sink.kpi.volume import ANSWERED

MICRO = 1_000_000  # money is counted in whole millionths, so that adding it up is exact in any order
MINUTE_S = 60


def tariff_of(number: str, tariffs: Sequence[Tariff], at_ms: int | None = None) -> Tariff | None:
    """The tariff with the longest prefix that fits, of those the latest that holds; None where there is none."""
    fitting = [
        (len(prefix), tariff.since_ms, -order, tariff)
        for order, tariff in enumerate(tariffs)
        for prefix in tariff.prefixes
        if number.startswith(prefix) and (at_ms is None or tariff.since_ms <= at_ms)
    ]
    return max(fitting, key=lambda found: found[:3])[3] if fitting else None


def cost_micro(talk_ms: int, tariff: Tariff) -> int:
    """Cost of a conversation in millionths of the currency."""
    seconds = -(-talk_ms // 1000)
    steps = max(0, -(-(seconds - tariff.first_s) // tariff.step_s))
    charged = tariff.first_s + steps * tariff.step_s
    return round(tariff.connect_fee * MICRO) + -(-charged * round(tariff.per_minute * MICRO) // MINUTE_S)


def price(contacts: Sequence[Contact], plan: OfficePlan) -> list[tuple[Tariff | None, int]]:
    """(tariff, cost in millionths) of each answered call to the outside that is over; no tariff, no cost."""
    made = [c for c in contacts if c.direction == "out" and c.disposition == ANSWERED and c.t_end is not None]
    found = [(contact, tariff_of(contact.did, plan.tariffs, contact.t_offer)) for contact in made]
    return [(tariff, 0 if tariff is None else cost_micro(_length_ms(contact), tariff)) for contact, tariff in found]


def measure_money(contacts: Sequence[Contact], plan: OfficePlan) -> dict[str, Parts]:
    """`call_cost`, `unpriced`, `cost_per_contact` (calls alone); null where the office has no tariffs."""
    priced = price(contacts, plan)
    cost = sum(micro for _, micro in priced)
    known = 1 if plan.tariffs else 0
    answered = sum(c.direction == "in" and c.disposition == ANSWERED for c in contacts)
    return {
        "call_cost": Parts(cost, known),
        "unpriced": Parts(sum(tariff is None for tariff, _ in priced), known),
        "cost_per_contact": Parts(cost, answered * known),
    }


def _length_ms(contact: Contact) -> int:
    """How long the line was up: hold is paid like talk."""
    if contact.t_agent_answer is None or contact.t_end is None:
        return contact.talk_ms + contact.hold_ms
    return max(0, contact.t_end - contact.t_agent_answer)
