"""Calls that a colleague picked up."""

import pytest
from leg_builders import PLAN, at, dial, ring, trunk

from cloud_sink.contacts.records import Contact, Leg
from cloud_sink.contacts.stitch import stitch


def only(*legs: Leg) -> Contact:
    """The one contact that these legs make."""
    contacts = stitch(legs, PLAN).contacts
    assert 1 == len(contacts)
    return contacts[0]


def test_the_picker_has_the_caller_when_the_phones_stop_ringing() -> None:
    """The PBX answers *8 at once and looks for a ringing phone half a second later: that half second is waiting."""
    contact = only(
        trunk("t", "4400", "447700900001", 0, 30, answer=0.1),
        ring("r", "101", "447700900001", 1, 5.5),
        dial("p", "109", "*8", 4.9, 29.999, answer=5.0, connected="447700900001"),
    )
    assert ("answered", "109", at(5.5), 5_400, 24_499) == (
        contact.disposition, contact.agent, contact.t_agent_answer, contact.wait_ms, contact.talk_ms
    )  # fmt: skip


def test_the_phone_that_was_picked_up_is_the_one_not_told_elsewhere() -> None:
    """Of phones that rang together the PBX tells all but the picked one that the call was completed elsewhere."""
    contact = only(
        trunk("t", "4400", "447700900001", 0, 30, answer=0.1),
        ring("r", "101", "447700900001", 1, 5.5, reason_sip=200, reason_q850=26),
        ring("s", "102", "447700900001", 1, 5.501, reason_q850=16),
        dial("p", "109", "*8", 4.9, 29.999, answer=5.0, connected="447700900001"),
    )
    assert ("109", "102", 4_401) == (contact.agent, contact.extension, contact.ring_ms)


def test_a_code_with_an_extension_names_the_phone() -> None:
    """*8102 picks up the phone 102, whatever the PBX tells the phones."""
    contact = only(
        trunk("t", "4400", "447700900001", 0, 30, answer=0.1),
        ring("r", "101", "447700900001", 1, 5.5),
        ring("s", "102", "447700900001", 1, 5.5),
        dial("p", "109", "*8102", 4.9, 29.999, answer=5.0, connected="447700900001"),
    )
    assert ("109", "102") == (contact.agent, contact.extension)


def test_a_caller_not_answered_before_is_connected_by_his_200() -> None:
    """A direct call: the PBX answers the caller first and cancels the phone a moment later."""
    contact = only(
        trunk("t", "44600101", "447700900001", 0, 30, answer=5.48),
        ring("r", "101", "447700900001", 0.1, 5.5),
        dial("p", "109", "*8", 4.9, 29.999, answer=5.0, connected="447700900001"),
    )
    assert (at(5.48), 5_480, "101") == (contact.t_agent_answer, contact.wait_ms, contact.extension)


@pytest.mark.parametrize("shown", ["", "447700900001"])
def test_an_anonymous_caller_is_picked_up_too(shown: str) -> None:
    """The PBX shows the picker no number: the phone that stopped ringing tells whose call it was."""
    contact = only(
        trunk("t", "4400", shown, 0, 30, answer=0.1),
        ring("r", "101", shown, 1, 5.5),
        dial("p", "109", "*8", 4.9, 29.999, answer=5.0, connected=shown),
    )
    assert ("answered", "109", "101") == (contact.disposition, contact.agent, contact.extension)


def test_a_parked_call_that_is_fetched_has_a_second_agent() -> None:
    """No phone rings for a parked call: whoever fetches it has the caller from his own 200 on."""
    contact = only(
        trunk("t", "4400", "447700900001", 0, 60, answer=0.1),
        ring("r", "101", "447700900001", 1, 20, answer=5, transfer="blind", refer_to="700", ended_by="callee"),
        dial("p", "104", "*8", 30, 60, answer=30.1, connected="447700900001"),
    )
    assert ("101", "101", 15_000 + 29_900) == (contact.agent, contact.extension, contact.talk_ms)
