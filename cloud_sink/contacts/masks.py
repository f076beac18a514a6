"""Numbers that a PBX shows its phones instead of the caller's own: its main number, the queue's, or none at all.

Who is behind such a number is told by nothing but time, so every caller who is there may be. That a number is one is
seen where legs coincide to the millisecond: the same number shown for callers whose own numbers differ.
"""

from collections.abc import Iterable, Sequence

from cloud_sink.contacts.evidence import coincides
from cloud_sink.contacts.groups import Group, is_customer, party_key
from cloud_sink.contacts.records import Leg

Claim = tuple[Leg, list[Group]]  # a ringing phone, and the calls that it may belong to


def put_on_masks(groups: Iterable[Group], strangers: Iterable[Claim]) -> bool:
    """Let callers be shown by the masks of this PBX, given phones whose number is nobody's; True where it has any.

    A mask that was only seen before callers of one number (a queue that shows its own) hides no others.
    """
    masks = {mask: behind for mask, behind in _seen_behind(strangers).items() if _differ(behind)}
    customers = [group for group in groups if is_customer(group.anchor)] if masks else []
    for mask, behind in masks.items():
        dialled = {group.anchor.callee for group in behind}
        for group in customers:
            if len(dialled) > 1 or group.anchor.callee in dialled:
                group.parties.add(mask)
    return bool(masks)


def _seen_behind(strangers: Iterable[Claim]) -> dict[str, list[Group]]:
    """Callers whose leg alone coincides with a phone's, by the number that it shows."""
    behind: dict[str, list[Group]] = {}
    for leg, groups in strangers:
        tied = [group for group in groups if coincides(group, leg)]
        if len(tied) == 1:
            behind.setdefault(party_key(leg.caller), []).append(tied[0])
    return behind


def _differ(behind: Sequence[Group]) -> bool:
    """Whether they are different callers."""
    return len({party_key(group.anchor.caller) for group in behind}) > 1
