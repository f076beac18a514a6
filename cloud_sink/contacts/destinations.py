"""What a dialled number leads to, by the office's plan."""

from cloud_sink.contacts.records import IVR, Destination, OfficePlan

DIRECT = "direct"  # kind of an extension's own number


def destination_of(number: str, plan: OfficePlan) -> Destination | None:
    """The place a number leads to: an exact number goes before a pattern, the longest pattern before shorter ones."""
    exact = plan.by_number.get(number)
    if exact is not None:
        return exact
    return next((place for prefix, place in plan.by_prefix if number.startswith(prefix)), None)


def direct_extension(number: str, plan: OfficePlan) -> str:
    """The extension whose own number this is ("" where it is nobody's): `direct` patterns, "?" is one digit."""
    for pattern, extension in plan.direct.items():
        if not _fits(pattern, number):
            continue
        digits = [n for p, n in zip(pattern, number, strict=True) if p == "?"]
        filler = iter(digits)
        return "".join(next(filler, "") if character == "?" else character for character in extension)
    return ""


def has_own_number(extension: str, plan: OfficePlan) -> bool:
    """Whether callers can dial an extension itself, by the office's plan."""
    return any(_fits(pattern, extension) for pattern in plan.direct.values())


def _fits(pattern: str, number: str) -> bool:
    """Whether a number is as a pattern of `direct` says: "?" is any one digit."""
    return len(pattern) == len(number) and all(p in ("?", n) for p, n in zip(pattern, number, strict=True))


def named(name: str, plan: OfficePlan) -> Destination | None:
    """The destination of that name."""
    for destination in plan.destinations:
        if destination.name == name:
            return destination
    return None


def overflow_of(place: Destination, plan: OfficePlan) -> Destination | None:
    """Where callers are sent whose time in a queue or ring group is up, by the office's plan; None if it does not say.

    An extension's own phone is a place, too.
    """
    if not place.overflow_to:
        return None
    known = named(place.overflow_to, plan)
    return known or Destination(place.overflow_to, DIRECT, (place.overflow_to,), (place.overflow_to,))


def serving(place: Destination, plan: OfficePlan) -> frozenset[str]:
    """The extensions that serve a place or one that its callers are sent on to; empty where they are not all known."""
    if not place.overflow_to:
        return frozenset(place.members)
    found: dict[str, Destination] = {}
    upcoming: Destination | None = place
    while upcoming is not None and upcoming.name not in found:
        found[upcoming.name] = upcoming
        upcoming = overflow_of(upcoming, plan)
    if not all(each.members for each in found.values()):
        return frozenset()
    return frozenset(member for each in found.values() for member in each.members)


def chosen_in_ivr(destination: Destination, digits: str, rung: set[str], plan: OfficePlan) -> Destination | None:
    """Where an IVR's caller went: by the digit pressed, else by whose phones rang, if only one choice fits."""
    if destination.kind != IVR:
        return None
    if digits and digits[0] in destination.choices:
        return named(destination.choices[digits[0]], plan)
    choices = [named(name, plan) for name in sorted(set(destination.choices.values()))]
    fitting = [choice for choice in choices if choice is not None and rung and rung <= serving(choice, plan)]
    return fitting[0] if len(fitting) == 1 else None
