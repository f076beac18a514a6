"""One leg seen by several boxes of an office: their views put together into one.

Two taps may both hear a call: a box at the PBX and one at the branch, two mirrored ports, a box beside a PBX that sends
HEP itself. The Call-ID, the role and the extension are the same, and so is the time but for the clocks' difference.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from cloud_sink.contacts.islands import end_of
from cloud_sink.contacts.records import Leg

CLOCKS_MS = 2_000  # two boxes' clocks, set by NTP, are not further apart

SEEN_TWICE = "seen_twice"  # outcome word of the views beside the one that counts


def merge_views(legs: Sequence[Leg]) -> tuple[list[Leg], dict[str, tuple[str, ...]]]:
    """The legs that there were, and by leg_id the other boxes' views of a leg that was seen several times."""
    if len({leg.box for leg in legs}) < 2:
        return list(legs), {}
    alike: dict[tuple[str, str, str, str], list[Leg]] = {}
    for leg in legs:
        alike.setdefault((leg.call_key, leg.role, leg.direction, leg.extension), []).append(leg)
    merged: list[Leg] = []
    others: dict[str, tuple[str, ...]] = {}
    for same_call in alike.values():
        for views in _of_one_leg(same_call) if same_call[0].call_key else ([leg] for leg in same_call):
            leg = _merge(views)
            merged.append(leg)
            if len(views) > 1:
                others[leg.leg_id] = tuple(view.leg_id for view in views if view.leg_id != leg.leg_id)
    return merged, others


def _of_one_leg(legs: Sequence[Leg]) -> list[list[Leg]]:
    """Views of different boxes that overlap in time; a box sees each of its legs once."""
    found: list[list[Leg]] = []
    for leg in sorted(legs, key=lambda leg: (leg.t_invite, leg.leg_id)):
        for views in found:
            apart = all(view.box != leg.box for view in views)
            if apart and leg.t_invite <= max(end_of(view) for view in views) + CLOCKS_MS:
                views.append(leg)
                break
        else:
            found.append([leg])
    return found


def _merge(views: Sequence[Leg]) -> Leg:
    """The best view, with what only another one shows."""
    best = min(views, key=lambda leg: (leg.partial, leg.t_end is None, leg.t_invite, leg.leg_id))
    rest = [view for view in views if view is not best]
    if not rest:
        return best
    end = best if best.t_end is not None else next((view for view in rest if view.t_end is not None), best)
    return replace(
        best,
        t_ring=_first(best.t_ring, rest, lambda view: view.t_ring),
        t_answer=_first(best.t_answer, rest, lambda view: view.t_answer),
        t_end=end.t_end,
        ended_by=end.ended_by or best.ended_by,
        final_code=best.final_code or max(view.final_code for view in rest),
        cancelled=any(view.cancelled for view in views),
        reason_sip=best.reason_sip or max(view.reason_sip for view in rest),
        reason_q850=_first(best.reason_q850, rest, lambda view: view.reason_q850),
        hold_ms=max(view.hold_ms for view in views),
        holds=max(view.holds for view in views),
        transfer=best.transfer or _text(rest, lambda view: view.transfer),
        refer_to=best.refer_to or _text(rest, lambda view: view.refer_to),
        replaces_key=best.replaces_key or _text(rest, lambda view: view.replaces_key),
        connected=best.connected or _text(rest, lambda view: view.connected),
        diverted_by=best.diverted_by or _text(rest, lambda view: view.diverted_by),
        session_key=best.session_key or _text(rest, lambda view: view.session_key),
        digits=max((view.digits for view in views), key=lambda digits: (len(digits), digits)),
        partial=all(view.partial for view in views),
    )


def _first(known: int | None, rest: Sequence[Leg], of: Callable[[Leg], int | None]) -> int | None:
    """What is known, else the earliest that another view shows."""
    if known is not None:
        return known
    return min((value for value in map(of, rest) if value is not None), default=None)


def _text(rest: Sequence[Leg], of: Callable[[Leg], str]) -> str:
    return max((of(view) for view in rest), default="")
