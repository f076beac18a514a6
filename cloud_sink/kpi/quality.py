"""Data quality: how far the other numbers can be trusted."""

from collections.abc import Sequence

from cloud_sink.contacts.records import Contact
from cloud_sink.kpi.extensions import SettledLeg
from cloud_sink.kpi.value import Parts
from cloud_sink.kpi.volume import offered

_PARTS_OF_WHOLE = 1_000_000  # coverage as counters: millionths


def measure_ambiguity(contacts: Sequence[Contact]) -> dict[str, Parts]:
    """`contacts_ambiguous`."""
    return {"contacts_ambiguous": Parts(sum(c.correlation == "ambiguous" for c in offered(contacts)))}


def measure_partial(legs: Sequence[SettledLeg]) -> dict[str, Parts]:
    """`partial_legs`."""
    return {"partial_legs": Parts(sum(leg.partial for leg, _ in legs))}


def measure_coverage(share: float) -> dict[str, Parts]:
    """`coverage`, given as a share of 0 to 1."""
    return {"coverage": Parts(round(share * _PARTS_OF_WHOLE), _PARTS_OF_WHOLE)}
