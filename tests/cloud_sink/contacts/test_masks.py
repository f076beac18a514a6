"""Numbers that stand for anybody: seen as such, and then no evidence of who is behind them."""

import pytest

from cloud_sink.contacts.stitch import stitch
from tests.cloud_sink.contacts.leg_builders import PLAN, ring, trunk

COMPANY = "442079460999"


def two_callers_behind(number: str, *, queue: str = "4400"):
    """Two who hang up themselves (so their agents' phones coincide), and a third whose agent passes him on."""
    return [
        trunk("t1", "4400", "447700900001", 0, 30, answer=0.1),
        ring("r1", "101", number, 1, 30.002, answer=3, ended_by="caller"),
        trunk("t2", "4400", "447700900002", 5, 40, answer=5.1),
        ring("r2", "102", number, 6, 40.002, answer=8, ended_by="caller"),
        trunk("t3", queue, "447700900003", 10, 60, answer=10.1),
        ring("r3", "103", number, 11, 20, answer=12, ended_by="callee", transfer="blind", refer_to="110"),
        ring("r4", "110", number, 20, 60.002, answer=22, ended_by="caller"),
    ]  # fmt: skip


@pytest.mark.parametrize("number", [COMPANY, ""])
def test_everybody_shows_as_one_number(number):
    """Who is passed on ties to the millisecond by his last leg only; the first one is found by who is left."""
    contacts = {contact.caller[-1]: contact for contact in stitch(two_callers_behind(number), PLAN).contacts}
    assert {"1": "101", "2": "102", "3": "103"} == {caller: contact.agent for caller, contact in contacts.items()}


def test_a_queues_own_number_hides_only_its_callers():
    """The number was only shown for callers of 4400: a caller of another queue is not behind it."""
    contacts = stitch(two_callers_behind("4400", queue="4401")[:-1], PLAN).contacts
    assert "" == next(contact.agent for contact in contacts if contact.caller == "447700900003")


def test_the_same_caller_twice_makes_no_mask():
    """A number of the PBX's making that stands for one caller is that caller's."""
    legs = two_callers_behind("300001")[:4]
    legs[2].caller = legs[0].caller
    other = [trunk("t9", "4401", "447700900009", 41, 50, answer=41.1), ring("r9", "103", "300001", 43, 45)]
    found = stitch([*legs, *other], PLAN)
    assert found.contact_of["t9"] != found.contact_of["r9"]
