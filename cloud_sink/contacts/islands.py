"""Time ranges that no contact crosses: what must be stitched together when legs arrive late or out of order."""

from collections.abc import Sequence

from cloud_sink.contacts.records import Leg

OPEN_LEG_MS = 4 * 3_600_000  # a leg without a seen end may still serve its contact for this long


def end_of(leg: Leg) -> int:
    """When the leg was over, or the latest it can matter where no end was seen. Unix ms."""
    end = leg.t_end
    if end is not None:
        return end if end > leg.t_invite else leg.t_invite  # noqa: FURB136  (asked for so often that max() shows)
    return (leg.t_answer if leg.t_answer is not None else leg.t_invite) + OPEN_LEG_MS


def islands(legs: Sequence[Leg], gap_ms: int) -> list[tuple[int, int]]:
    """Ranges [from, until] in ms: legs of one contact overlap or follow within `gap_ms`, so they share a range."""
    ranges: list[tuple[int, int]] = []
    for leg in sorted(legs, key=lambda leg: leg.t_invite):
        until = end_of(leg)
        if ranges and leg.t_invite <= ranges[-1][1] + gap_ms:
            ranges[-1] = (ranges[-1][0], max(ranges[-1][1], until))
        else:
            ranges.append((leg.t_invite, until))
    return ranges
