"""Messages in mailboxes: which call left them, and which did not."""

from dataclasses import replace

from cloud_sink.contacts.facts import Told
from cloud_sink.contacts.mailbox import credit_messages, new_messages
from cloud_sink.contacts.records import Leg, OfficePlan
from cloud_sink.contacts.stitch import stitch

T0 = 1_760_000_000_000
PLAN = OfficePlan("lab")


def rang(extension: str, at_s: float, ring_s: float = 20, **facts: object) -> Leg:
    """A hosted PBX rings a phone in vain."""
    start = T0 + round(at_s * 1000)
    leg = Leg(
        f"box-00000001-{at_s:g}-{extension}", "lab", "box", 1, round(at_s), f"{at_s:g}", "phone", "in", extension,
        f"4477009{at_s:05g}", extension, start, start + 200, None, start + round(ring_s * 1000), 487, True, "caller",
    )  # fmt: skip
    return replace(leg, **facts)


def mailbox(at_s: float, count: int, extension: str = "101") -> Told:
    """How many new messages a mailbox has."""
    return Told(T0 + round(at_s * 1000), extension, "messages", count)


def dispositions(legs: list[Leg], told: list[Told]) -> list[str]:
    """What became of each contact, in order."""
    messages = credit_messages(new_messages(told), legs)
    return [contact.disposition for contact in stitch(legs, PLAN, messages=messages).contacts]


def test_message_after_a_call_in_vain_is_voicemail() -> None:
    """The mailbox has one more within a minute of the end; a call without a message stays what it was."""
    legs = [rang("101", 0), rang("101", 600)]
    assert ["voicemail", "unknown"] == dispositions(legs, [mailbox(-60, 2), mailbox(45, 3)])


def test_message_that_comes_too_late_is_none_of_the_call_s() -> None:
    """More than a minute after the end it may be anybody's."""
    assert ["unknown"] == dispositions([rang("101", 0)], [mailbox(-60, 2), mailbox(81, 3)])


def test_only_growth_counts() -> None:
    """The first word of a mailbox, the same number again, and fewer: somebody listened to them."""
    assert ["unknown"] == dispositions([rang("101", 0)], [mailbox(25, 3), mailbox(30, 3), mailbox(35, 1)])
    assert [3] == [each.count for each in new_messages([mailbox(0, 3), mailbox(1, 1), mailbox(2, 3)])]


def test_one_message_is_one_caller_s() -> None:
    """Two calls in vain shortly after each other: the message is the last one's; another phone's mailbox is not."""
    legs = [rang("101", 0), rang("101", 25), rang("102", 40)]
    assert ["unknown", "voicemail", "unknown"] == dispositions(legs, [mailbox(-60, 0), mailbox(65, 1)])


def test_answered_call_left_no_message() -> None:
    """Somebody spoke with him."""
    answered = rang("101", 0, t_answer=T0 + 5_000, final_code=200, cancelled=False)
    assert ["answered"] == dispositions([answered], [mailbox(-60, 0), mailbox(30, 1)])
