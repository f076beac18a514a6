"""What a recording came to, kept beside memory: `fieldkit.kept`."""

from cloud_sink.contacts.records import OfficePlan
from collector.core.events import LegEnded
from fieldkit.kept import Kept
from fieldkit.replay import ReceivedEvents


def received(count, **facts):
    """So many calls of one phone, told of in order of their ends: the later they began the earlier."""
    events = ReceivedEvents("lab", "london")
    legs = []
    for number in reversed(range(count)):
        leg = LegEnded(1_000_000 + number * 60_000, number.to_bytes(6, "big"))
        leg.call_id, leg.role, leg.direction = b"%d@pbx" % number, "phone", "in"
        leg.extension = leg.callee = "101"
        leg.caller = f"4477009{number:05}"
        leg.answer_ms, leg.end_ms = leg.invite_ms + 5_000, leg.invite_ms + 30_000
        for name, value in facts.items():
            setattr(leg, name, value)
        legs.append(leg)
    events.write(legs)
    return events.kept


def test_rows_come_in_order_of_time_whatever_order_they_came_in():
    """Legs by their INVITE with their own words and Call-IDs, contacts by their offer with their legs'."""
    kept = received(1_200)
    kept.stitch(OfficePlan("london"))
    call_ids = [f"{number}@pbx" for number in range(1_200)]
    settled = list(kept.settled_legs())
    assert call_ids == [call_id for _, _, call_id in settled]
    assert {"answered"} == {outcome for _, outcome, _ in settled}
    contacts = list(kept.contacts())
    assert [[call_id] for call_id in call_ids] == [ids for _, ids in contacts]
    assert [(leg.leg_id,) for leg, _, _ in settled] == [contact.legs for contact, _ in contacts]


def test_contacts_come_party_by_party_too():
    """Every contact with one number is there together; those without a number stand alone."""
    one, nobody = received(30, caller="447700900001"), received(30, caller="")
    for kept in (one, nobody):
        kept.stitch(OfficePlan("london"))
    assert [30] == [len(party) for party in one.parties()]
    assert [1] * 30 == [len(party) for party in nobody.parties()]


def test_nothing_is_kept_of_nothing():
    """An empty recording has no rows."""
    kept = Kept()
    kept.stitch(OfficePlan("london"))
    assert [] == [*kept.settled_legs(), *kept.contacts(), *kept.parties(), *kept.with_legs(), *kept.trunk_changes()]
