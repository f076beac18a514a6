"""The parts that a group's legs play in its contact."""

from dataclasses import dataclass

from cloud_sink.contacts.destinations import chosen_in_ivr, destination_of, named
from cloud_sink.contacts.groups import Group, is_dial, is_ring
from cloud_sink.contacts.pickups import find_pickups
from cloud_sink.contacts.records import IVR, Destination, Leg, OfficePlan


@dataclass(slots=True)
class Story:
    """The parts of a contact, found once."""

    anchor: Leg
    rings: list[Leg]  # phones that were called
    served: list[Leg]  # phone legs with the customer, in order of their answer
    trunk: Leg | None  # the customer's leg, where seen
    forwarded: Leg | None  # towards the carrier again: a customer's call that was sent outside
    destination: Destination | None
    kind: str
    place: str
    menu: Destination | None  # the IVR that asked the caller before
    rung_for: dict[str, Leg]  # leg_id of a pickup -> the phone that had rung


def read_story(group: Group, outcomes: dict[str, str], plan: OfficePlan) -> Story:
    """The parts of a group, given the settled words of its legs."""
    rings = sorted((leg for leg in group.legs if is_ring(leg)), key=lambda leg: (leg.t_invite, leg.leg_id))
    answered = [leg for leg in rings if outcomes[leg.leg_id] == "answered"]
    trunk = group.anchor if group.anchor.role == "trunk" else None
    dials = [leg for leg in group.legs if is_dial(leg) and leg is not group.anchor]
    pickups = find_pickups(dials, rings, outcomes, plan, trunk.t_answer if trunk is not None else None)
    served = sorted(answered + [each.leg for each in pickups], key=lambda leg: (served_since(leg), leg.leg_id))
    outward = [leg for leg in group.legs if leg.role == "trunk" and leg.direction == "out" and leg is not trunk]
    destination = named(group.place, plan)
    dialled = destination_of(group.anchor.callee, plan)
    menu = dialled if dialled is not None and dialled.kind == IVR else None
    if destination is not None and destination.kind == IVR:
        rung = {leg.extension for leg in rings}
        destination = chosen_in_ivr(destination, group.anchor.digits, rung, plan) or destination
    place, kind = (destination.name, destination.kind) if destination is not None else (group.place, group.kind)
    rung_for = {each.leg.leg_id: each.rung for each in pickups if each.rung is not None}
    forwarded = outward[0] if outward else None
    return Story(group.anchor, rings, served, trunk, forwarded, destination, kind, place, menu, rung_for)


def served_since(leg: Leg) -> int:
    """Since when it served the customer, Unix ms; where its answer was not seen, since it was called."""
    return leg.t_invite if leg.t_answer is None else leg.t_answer
