"""Who speaks to whom, and which side is not heard: `collector.flows`."""

import pytest
from builders import PBX, make_invite, make_request, make_response, phone, read

from collector.flows import MAX_FLOWS, FlowTable

SCANNER = bytes([203, 0, 113, 9])


@pytest.fixture
def table():
    """An empty one."""
    return FlowTable()


def send(table, source, target, *messages):
    """Messages from one address to another."""
    for message in messages:
        table.receive_message(0, source, 5060, target, 5060, read(message))


def invites(count, *, repeats=0):
    """Different ones, each repeated so often."""
    return [make_invite(call_id=f"call-{n}") for n in range(count) for _ in range(1 + repeats)]


def call(table, extension, count=3):
    """Whole calls of the PBX to a phone."""
    for number in range(count):
        invite = make_invite(call_id=f"good-{extension}-{number}")
        send(table, PBX, phone(extension), invite, make_request("ACK"), make_request("BYE", call_id=f"{number}"))
        send(table, phone(extension), PBX, *(make_response(invite, code) for code in (100, 180, 200)))


def verdicts(table):
    """(Condition, whether it is that of most conversations)."""
    return [(finding.name, finding.mostly) for finding in table.judge()]


def test_calls_that_are_heard_whole_are_fine(table):
    """Both sides of three phones."""
    for extension in (101, 102, 103):
        call(table, extension)
    assert [] == verdicts(table)


def test_phones_that_are_switched_off_are_no_blindness(table):
    """Most phones never answer, and the PBX repeats what it sends to them: they would be heard."""
    call(table, 101)
    for extension in range(102, 120):
        send(table, PBX, phone(extension), *invites(10, repeats=2))
    assert [] == verdicts(table)


def test_calls_to_dead_phones_that_overlap_are_still_repetitions(table):
    """Three INVITEs under way at once, each sent four times."""
    call(table, 101)
    for extension in (102, 103):
        send(table, PBX, phone(extension), *invites(3) * 4)
    assert [] == verdicts(table)


def test_a_scanner_that_nobody_answers_is_no_blindness(table):
    """Thousands of requests without a response, to a PBX that answers others."""
    call(table, 101)
    send(table, SCANNER, PBX, *invites(2000))
    assert [] == verdicts(table)


@pytest.mark.parametrize("proof", [make_request("ACK"), make_response(make_invite(), 200)], ids=["ACK", "response"])
def test_who_is_answered_has_spoken(table, proof):
    """An ACK or a response to somebody of whom nothing is heard: his direction is missing."""
    send(table, PBX, phone(101), *[proof] * 6)
    assert [("one_direction", True)] == verdicts(table)
    [finding] = table.judge()
    assert (
        "1 of 1 pairs of addresses, such as 6 messages from 10.77.1.5 to 10.77.1.101 and none back" == finding.evidence
    )


def test_requests_that_nobody_repeats_were_answered(table):
    """Twenty INVITEs, each sent once, and no answer from anybody at that address."""
    send(table, PBX, phone(101), *invites(20))
    assert [("requests_without_responses", True)] == verdicts(table)


def test_requests_of_both_sides_without_responses(table):
    """As where FastTrack hides what comes after the first packets; both sides are named with their numbers."""
    send(table, PBX, phone(101), *invites(10))
    send(table, phone(101), PBX, *invites(4))
    [finding] = table.judge()
    assert "requests_without_responses" == finding.name
    assert finding.evidence.endswith("10 messages from 10.77.1.5 to 10.77.1.101 and 4 back: 14 requests, 0 responses")


def test_responses_of_both_sides_without_requests(table):
    """The other half of the same fault."""
    for source, target in ((PBX, phone(101)), (phone(101), PBX)):
        send(table, source, target, *[make_response(make_invite(), 200)] * 5)
    assert [("responses_without_requests", True)] == verdicts(table)


def test_one_trunk_of_many_conversations_is_told_by_its_weight(table):
    """Twenty phones are heard whole, the carrier's answers are not: a fifth of all messages is worth a word."""
    for extension in range(101, 121):
        call(table, extension)
    send(table, PBX, SCANNER, *[make_request("ACK")] * 20)
    assert [] == verdicts(table)
    send(table, PBX, SCANNER, *[make_request("ACK")] * 80)
    assert [("one_direction", False)] == verdicts(table)


def test_a_few_messages_prove_nothing(table):
    """Five of them."""
    send(table, PBX, phone(101), *[make_request("ACK")] * 5)
    assert [] == verdicts(table)


def test_what_is_older_than_two_turns_is_forgotten(table):
    """The window goes on."""
    send(table, PBX, phone(101), *[make_request("ACK")] * 6)
    table.turn()
    assert [("one_direction", True)] == verdicts(table)
    table.turn()
    assert [] == verdicts(table)


def test_forged_addresses_fill_no_memory(table):
    """Beyond the bound no further pair is remembered."""
    for number in range(MAX_FLOWS + 500):
        send(table, number.to_bytes(4, "big"), PBX, make_invite())
    assert MAX_FLOWS == len(table)


def test_speakers_are_named_the_busiest_first(table):
    """Messages from and to each address."""
    call(table, 101, count=2)
    call(table, 102, count=1)
    assert [(PBX, 18), (phone(101), 12), (phone(102), 6)] == table.speakers()
