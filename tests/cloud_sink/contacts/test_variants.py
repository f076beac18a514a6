"""A recorded day made harder: packets lost, gaps, twice the calls, phones out of sight. Held against the PBX's own log.

What is right must be nearly all; what is not must be marked, not guessed.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cloud_sink.config import office_plans
from cloud_sink.contacts.records import Leg, OfficePlan
from cloud_sink.contacts.stitch import stitch
from collector.adapters.pcapfile import open_captures
from collector.config import load
from fieldkit.replay import Replayed, replay
from tests.cloud_sink.contacts.pbx_visits import Visit, compare, copied, logged_visits, shifted

VISITS = 240
DAY_S = 900


@dataclass(frozen=True, slots=True)
class Day:
    """The day as it was recorded, what its PBX logged, and what the office told of itself."""

    packets: list[bytes]  # the file's header first, then each with its own
    legs: list[Leg]
    call_ids: dict[str, str]
    visits: list[Visit]
    plan: OfficePlan
    replayed: Callable[[list[bytes]], Replayed]


@pytest.fixture(scope="module")
def day(
    captures: Path, lab_config: Path, recording: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Day:
    """office-day-A."""
    plan = office_plans(lab_config)["lab"]
    file = tmp_path_factory.mktemp("variants") / "variant.pcap"

    def replayed(packets: list[bytes]) -> Replayed:
        file.write_bytes(b"".join(packets))
        settings = load(str(lab_config)).monitor_settings()
        source = open_captures([str(file)])
        return replay(source, settings, plan, box="lab", with_ladder=False, on_progress=lambda _share: None)

    packets = _packets(recording("office-day-A").read_bytes())
    whole = replayed(packets)
    visits = logged_visits(captures / "office-day-A.truth")
    return Day(packets, whole.legs, whole.call_ids, visits, plan, replayed)


def _packets(data: bytes) -> list[bytes]:
    """A little-endian pcap's header, then its packets with theirs."""
    found, at = [data[:24]], 24
    while at < len(data):
        end = at + 16 + int.from_bytes(data[at + 8 : at + 12], "little")
        found.append(data[at:end])
        at = end
    return found


def _seconds(packet: bytes) -> float:
    return int.from_bytes(packet[:4], "little") + int.from_bytes(packet[4:8], "little") / 1e9


def test_the_whole_day(day: Day) -> None:
    """Nothing lost: every visit is right."""
    assert {"right": VISITS} == compare(day.visits, stitch(day.legs, day.plan).contacts, day.call_ids)


@pytest.mark.parametrize(("share", "right", "silent"), [(0.03, 0.99, 0), (0.05, 0.99, 0), (0.08, 0.98, 1)])
def test_packets_lost_at_random(share: float, right: float, silent: int, day: Day) -> None:
    """A tap that misses every twentieth packet still tells 99 % of visits, and what it guesses wrong is marked."""
    dice = random.Random(7)
    seen = day.replayed(day.packets[:1] + [packet for packet in day.packets[1:] if dice.random() >= share])
    found = compare(day.visits, seen.contacts, seen.call_ids)
    assert found["right"] >= right * VISITS
    assert found["silent"] <= silent


def test_two_seconds_of_nothing_now_and_then(day: Day) -> None:
    """Thirteen gaps of two seconds each, 3 % of the day: what began or ended in them is gone, little of it guessed."""
    dice = random.Random(7)
    begin = _seconds(day.packets[1])
    gaps = [begin + dice.uniform(0, DAY_S) for _ in range(13)]
    kept = [each for each in day.packets[1:] if not any(gap <= _seconds(each) < gap + 2 for gap in gaps)]
    seen = day.replayed(day.packets[:1] + kept)
    found = compare(day.visits, seen.contacts, seen.call_ids)
    assert found["right"] >= 0.9 * VISITS
    assert found["silent"] <= 0.01 * VISITS


@pytest.mark.parametrize("by_ms", [7_000, 61_300, 240_000])
def test_twice_as_many_calls_at_the_same_phones(by_ms: int, day: Day) -> None:
    """The day laid over itself: other callers, the same agents."""
    legs, call_ids, visits = _doubled(day, by_ms)
    assert {"right": 2 * VISITS} == compare(visits, stitch(legs, day.plan).contacts, call_ids)


@pytest.mark.parametrize("shown", ["442079460999", ""])
def test_twice_as_many_calls_behind_one_number(shown: str, day: Day) -> None:
    """The same, and the phones show one number for everybody, or none: 97 % right, hardly any guessed wrong."""
    legs, call_ids, visits = _doubled(day, 61_300)
    masked = [
        replace(leg, caller=shown)
        if leg.role == "phone" and leg.direction == "in" and len(leg.caller) > 3
        else leg
        for leg in legs
    ]  # fmt: skip
    found = compare(visits, stitch(masked, day.plan).contacts, call_ids)
    assert found["right"] >= 0.97 * len(visits)
    assert found["silent"] <= 0.005 * len(visits)


def _doubled(day: Day, by_ms: int) -> tuple[list[Leg], dict[str, str], list[Visit]]:
    both = {mark + leg: mark + call_id for leg, call_id in day.call_ids.items() for mark in ("", "2-")}
    return day.legs + copied(day.legs, by_ms, "2-"), both, day.visits + shifted(day.visits, by_ms, "2-")


@pytest.mark.parametrize("seen", [("101", "102", "103", "104"), ("101", "105", "107", "109", "112", "115"), ()])
def test_phones_out_of_sight_are_not_taken_for_callers_who_left(seen: tuple[str, ...], day: Day) -> None:
    """Agents whose phones the tap does not see answer unseen: their callers are marked, not called abandoned."""
    legs = [leg for leg in day.legs if leg.role == "trunk" or leg.extension in seen]
    found = compare(day.visits, stitch(legs, day.plan).contacts, day.call_ids)
    assert found["marked"] > 0.3 * VISITS
    assert found["silent"] <= 0.03 * VISITS


def test_a_hosted_pbx_with_a_company_s_number(day: Day) -> None:
    """Every third customer shows one number and only phones are seen: most conversations, and merged ones marked."""
    company = [
        replace(leg, caller="442079460999")
        if leg.direction == "in" and len(leg.caller) > 6 and sum(map(int, leg.caller[-9:])) % 3 == 0
        else leg
        for leg in day.legs
        if leg.role != "trunk"
    ]  # fmt: skip
    owner = stitch(day.legs, day.plan).contact_of
    found = [each for each in stitch(company, day.plan, sees_trunk=False).contacts if each.direction == "in"]
    merged = [contact for contact in found if len({owner[leg] for leg in contact.legs}) > 1]
    talked = sum(each.disposition == "answered" for each in found)
    assert 0.93 * 216 <= talked <= 216
    assert sum(contact.correlation != "ambiguous" for contact in merged) <= 2
