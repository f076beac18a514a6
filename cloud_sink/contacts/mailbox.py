"""Messages in mailboxes: they tell that a call which nobody answered went to voicemail (RFC 3842).

A mailbox that gets one more message credits it to the phone's last unanswered call before. That is decided on legs and
messages alone, so it comes out the same whichever part of a day is looked at.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from cloud_sink.contacts.facts import Told
from cloud_sink.contacts.records import VOICEMAIL, Contact, Leg

AFTER_END_MS = 60_000  # the PBX tells of a message within a minute of the caller's end
LONGEST_MESSAGE_MS = 300_000  # from the phone's last ring: greeting and message
LONGEST_RING_MS = 600_000
IN_VAIN = ("abandoned", "overflow", "unknown")

Messages = Mapping[str, int]  # id of the leg that a message is credited to -> when the mailbox got it, Unix ms


def new_messages(told: Iterable[Told]) -> list[Told]:
    """Those of what was told, in order of time, by which a mailbox got more than it had; its first word is none."""
    before: dict[str, int] = {}
    found = []
    for each in told:
        if each.state == "messages":
            if each.count > before.get(each.extension, each.count):
                found.append(each)
            before[each.extension] = each.count
    return found


def credit_messages(messages: Iterable[Told], legs: Iterable[Leg]) -> dict[str, int]:
    """The leg that each message is credited to: the last that rang its phone in vain before it came."""
    left = list(messages)
    of_extension: dict[str, list[int]] = {}  # places in the list
    for place, each in enumerate(left):
        of_extension.setdefault(each.extension, []).append(place)
    last: dict[int, tuple[int, int, str]] = {}  # place of a message -> end, start and id of its leg so far
    for leg in legs:
        if leg.role == "phone" and leg.direction != "out" and leg.t_answer is None and leg.t_end is not None:
            for place in of_extension.get(leg.extension, ()):
                if 0 <= left[place].at_ms - leg.t_end <= LONGEST_MESSAGE_MS:
                    rang = (leg.t_end, leg.t_invite, leg.leg_id)
                    last[place] = max(rang, last.get(place, rang))
    found: dict[str, int] = {}
    for place in sorted(last):
        found.setdefault(last[place][2], left[place].at_ms)
    return found


def mark_message(contact: Contact, messages: Messages) -> None:
    """Make a contact one that went to voicemail, where it left a message."""
    if contact.disposition not in IN_VAIN or contact.direction == "out" or contact.t_end is None:
        return
    times = [messages[leg_id] for leg_id in contact.legs if leg_id in messages]
    if any(at_ms <= contact.t_end + AFTER_END_MS for at_ms in times):
        contact.disposition = VOICEMAIL
        contact.short = False
        if contact.visits:
            *before, last = contact.visits
            contact.visits = (*before, replace(last, disposition=VOICEMAIL, short=False))
