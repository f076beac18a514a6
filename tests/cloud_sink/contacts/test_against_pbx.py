"""Contacts of recordings held against the PBX's own queue log: the product's reason to be."""

import gzip
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cloud_sink.config import office_plans
from cloud_sink.contacts.groups import is_code
from cloud_sink.contacts.records import Contact, Leg
from cloud_sink.contacts.stitch import stitch
from collector.adapters.pcapfile import open_captures
from collector.caller_keys import KeyRing
from collector.config import load
from collector.core.monitor import CallMonitor, MonitorSettings
from collector.privacy import CallerPrivacy
from collector.service import Service
from fieldkit.replay import ReceivedEvents, replay

Recording = Callable[[str], Path]

# The queue was empty, so the PBX sent this caller straight to the phone that answers for it: no visit in its log, and
# nothing on the wire that tells such a phone from a queue's member.
SENT_PAST_THE_QUEUE = {"c-queue": "447700900011", "office-day-A": ""}


def stitched_contacts(recording: Path, lab_config: Path) -> list[Contact]:
    """What the whole pipeline makes of a recording."""
    plan = office_plans(lab_config)["lab"]
    source = open_captures([str(recording)])
    settings = load(str(lab_config)).monitor_settings()
    done = replay(source, settings, plan, box="lab", with_ladder=False, on_progress=lambda _share: None)
    return done.contacts


def visits_in_log(path: Path) -> dict[tuple[str, str], int]:
    """(queue, outcome) -> how many visits the queue_log tells of; each ENTERQUEUE is one visit."""
    open_visits: dict[str, str] = {}
    counts: dict[tuple[str, str], int] = {}
    words = {"CONNECT": "answered", "ABANDON": "abandoned", "EXITWITHTIMEOUT": "overflow", "EXITEMPTY": "overflow"}
    for line in path.read_text().splitlines():
        _, uniqueid, queue, _, event, *_ = line.split("|")
        if event == "ENTERQUEUE":
            open_visits[uniqueid] = queue
        elif event in words and uniqueid in open_visits:
            key = (open_visits.pop(uniqueid), words[event])
            counts[key] = counts.get(key, 0) + 1
    return counts


def visits_in_contacts(contacts: list[Contact]) -> dict[tuple[str, str], int]:
    """The same from the wire; voicemail after a queue's time-out is the log's time-out."""
    counts: dict[tuple[str, str], int] = {}
    for contact in contacts:
        for visit in contact.queue_visits():
            if visit.kind == "queue":
                key = (visit.queue, visit.disposition)
                counts[key] = counts.get(key, 0) + 1
    return counts


@pytest.mark.parametrize("name", ["c-queue", "office-day-A"])
def test_every_queue_visit_ends_as_the_pbx_logged_it(
    name: str, captures: Path, lab_config: Path, recording: Recording
) -> None:
    """Answered, abandoned and timed-out visits per queue equal Asterisk's queue_log, visit for visit."""
    stitched = stitched_contacts(recording(name), lab_config)
    contacts = [contact for contact in stitched if contact.caller != SENT_PAST_THE_QUEUE[name] or not contact.caller]
    assert visits_in_log(captures / f"{name}.truth" / "queue_log") == visits_in_contacts(contacts)


@pytest.mark.parametrize("name", ["c-queue", "office-day-A"])
def test_callers_waited_as_long_as_the_pbx_says(
    name: str, captures: Path, lab_config: Path, recording: Recording
) -> None:
    """The mean wait of answered callers is that of the PBX's own microsecond events, within 50 ms, for each queue."""
    truth = json.loads((captures / f"{name}.truth" / "kpi.json").read_text())["from_ami_microseconds"]
    waits: dict[str, list[int]] = {}
    for contact in stitched_contacts(recording(name), lab_config):
        if contact.caller == SENT_PAST_THE_QUEUE[name] != "":
            continue
        for visit in contact.queue_visits():
            if visit.kind == "queue" and visit.disposition == "answered" and visit.wait_ms is not None:
                waits.setdefault(visit.queue, []).append(visit.wait_ms)
    assert waits
    for queue, measured in waits.items():
        assert abs(sum(measured) / len(measured) / 1000 - truth[queue]["ASA_s"]) <= 0.050, queue


@pytest.mark.parametrize("name", ["a-direct", "b-ringgroup", "c-queue", "office-day-A"])
def test_calls_without_a_queue_are_answered_as_the_pbx_says(
    name: str, captures: Path, lab_config: Path, recording: Recording
) -> None:
    """Direct calls and ring groups: answered by a phone or not, as the PBX's channels say, picked-up calls aside."""
    contacts = stitched_contacts(recording(name), lab_config)
    offered = {(contact.caller, contact.did): contact for contact in contacts if contact.direction == "in"}
    assert offered
    for call in load_calls(captures / f"{name}.truth"):
        for leg in call["legs"]:
            contact = offered.get((leg.get("num") or "", leg.get("exten") or ""))
            if leg.get("context") != "from-trunk" or contact is None or contact.kind not in ("direct", "ring_group"):
                continue
            by_phone = any(other.get("answer") for other in call["legs"] if other is not leg and other.get("callid"))
            assert by_phone == (contact.disposition == "answered"), contact


def test_keyed_numbers_make_the_same_contacts(lab_config: Path, recording: Recording) -> None:
    """What a box sends by default, codes instead of numbers, is stitched like the numbers themselves."""
    legs, coded = (protected_legs(recording("office-day-A"), lab_config, mode) for mode in ("clear", "keyed"))
    plan = office_plans(lab_config)["lab"]
    assert any(is_code(leg.caller) for leg in coded)
    assert [contact.legs for contact in stitch(legs, plan).contacts] == [
        contact.legs for contact in stitch(coded, plan).contacts
    ]


@pytest.mark.parametrize("shown", ["", "442079460999"])
def test_callers_who_all_look_alike_are_told_apart(shown: str, lab_config: Path, recording: Recording) -> None:
    """Everybody anonymous, or everybody behind one number: at least 98 % of visits as ever, all others marked."""
    plan = office_plans(lab_config)["lab"]
    legs = protected_legs(recording("office-day-A"), lab_config, "clear")
    alike = [_showing(leg, shown) for leg in legs]
    visits = {contact.contact_id: _fate(contact) for contact in stitch(legs, plan).contacts if _is_visit(contact)}
    found = {contact.contact_id: contact for contact in stitch(alike, plan).contacts}
    wrong = [found.get(name) for name, fate in visits.items() if name not in found or _fate(found[name]) != fate]
    assert len(visits) > 200
    assert len(wrong) <= 0.02 * len(visits)
    assert {"ambiguous"} >= {contact.correlation for contact in wrong if contact is not None}


@pytest.mark.parametrize("shown", ["a number for each caller", "442079460999", ""])
def test_phones_that_show_other_numbers_still_find_their_callers(
    shown: str, lab_config: Path, recording: Recording
) -> None:
    """Agents' phones show the PBX's own number, one that it makes for each caller, or none: 98 % of visits are as ever.

    The others are marked.
    """
    plan = office_plans(lab_config)["lab"]
    legs = protected_legs(recording("office-day-A"), lab_config, "clear")
    each = shown.startswith("a number")
    hidden = [
        leg if leg.role == "trunk" else _showing(leg, f"3{leg.caller[-9:]}"[:9] if each else shown) for leg in legs
    ]
    visits = {contact.contact_id: _fate(contact) for contact in stitch(legs, plan).contacts if _is_visit(contact)}
    found = {contact.contact_id: contact for contact in stitch(hidden, plan).contacts}
    wrong = [found[name] for name, fate in visits.items() if name not in found or _fate(found[name]) != fate]
    assert len(wrong) <= 0.02 * len(visits)
    assert {"ambiguous"} >= {contact.correlation for contact in wrong}


def test_calls_to_the_outside_are_outbound_without_any_configuration(lab_config: Path, recording: Recording) -> None:
    """The PBX registers with its carrier: learning takes neither for the other."""
    plan = office_plans(lab_config)["lab"]
    settings = MonitorSettings()
    settings.any_port = True
    legs = replay(
        open_captures([str(recording("office-day-A"))]), settings, plan,
        box="lab", with_ladder=False, on_progress=lambda _share: None,
    ).legs  # fmt: skip
    configured = protected_legs(recording("office-day-A"), lab_config, "clear")
    assert _trunk_directions(configured) == _trunk_directions(legs)


def _trunk_directions(legs: list[Leg]) -> dict[str, str]:
    return {leg.call_key: leg.direction for leg in legs if leg.role == "trunk"}


def _showing(leg: Leg, number: str) -> Leg:
    """The leg with another number wherever the customer's stands."""
    outside = leg.direction == "in" and len(leg.caller) != 3
    connected = number if len(leg.connected) > 6 else leg.connected
    return replace(leg, caller=number if outside else leg.caller, connected=connected)


def _is_visit(contact: Contact) -> bool:
    return contact.direction == "in" and contact.kind == "queue"


def _fate(contact: Contact) -> tuple[object, ...]:
    return contact.queue, contact.disposition, contact.agent, contact.t_agent_answer


def protected_legs(recording: Path, lab_config: Path, mode: str) -> list[Leg]:
    """The legs of a recording as they leave a box with that privacy."""
    settings = load(str(lab_config)).monitor_settings()
    received = ReceivedEvents("lab", "lab")
    privacy = CallerPrivacy(mode, KeyRing.of(bytes(32)), lambda number: len(number) == 3)
    Service(CallMonitor(settings), received, privacy.protect).watch(open_captures([str(recording)]))
    return [leg for leg, _ in received.kept.legs()]


def test_a_hosted_pbx_is_never_said_to_have_lost_a_caller_it_kept(lab_config: Path, recording: Recording) -> None:
    """Without the trunk's legs: answered stays answered by the same phone, and nobody is called abandoned wrongly."""
    plan = office_plans(lab_config)["lab"]
    legs = protected_legs(recording("office-day-A"), lab_config, "clear")
    whole = stitch(legs, plan)
    truth = {contact.contact_id: contact for contact in whole.contacts}
    hosted = [c for c in stitch([leg for leg in legs if leg.role != "trunk"], plan).contacts if c.direction == "in"]
    assert {"T1"} == {contact.visibility for contact in hosted}
    assert {"answered", "claimed_elsewhere", "unknown"} == {contact.disposition for contact in hosted}
    for contact in hosted:
        meant = [truth[whole.contact_of[leg]] for leg in contact.legs]
        if contact.disposition == "answered":
            assert any(contact.agent in {each.agent, *(v.agent for v in each.visits)} for each in meant)
    answered = sum(contact.disposition == "answered" for contact in hosted)
    assert answered >= 0.98 * sum(c.disposition == "answered" for c in whole.contacts if c.direction == "in")


@pytest.mark.parametrize("seed", range(3))
def test_a_tap_that_loses_packets_still_tells_the_story(
    seed: int, captures: Path, lab_config: Path, recording: Recording, tmp_path: Path
) -> None:
    """Of 240 queue visits at most 2 % end otherwise when the tap misses one packet in a hundred."""
    lossy = tmp_path / "lossy.pcap"
    drop_packets(recording("office-day-A"), lossy, share=0.01, seed=seed)
    seen = visits_in_contacts(stitched_contacts(lossy, lab_config))
    logged = visits_in_log(captures / "office-day-A.truth" / "queue_log")
    wrong = sum(abs(seen.get(key, 0) - logged.get(key, 0)) for key in seen.keys() | logged.keys())
    assert wrong <= 0.02 * 240 * 2  # a visit that ends otherwise is missing at one place and too many at another


def drop_packets(source: Path, target: Path, *, share: float, seed: int) -> None:
    """Copy a little-endian pcap without a random share of its packets."""
    dice = random.Random(seed)
    data = source.read_bytes()
    kept, at = [data[:24]], 24
    while at < len(data):
        end = at + 16 + int.from_bytes(data[at + 8 : at + 12], "little")
        if dice.random() >= share:
            kept.append(data[at:end])
        at = end
    target.write_bytes(b"".join(kept))


def load_calls(truth: Path) -> list[dict[str, list[dict[str, str]]]]:
    """The PBX's own calls, gzipped where large."""
    packed = truth / "calls.json.gz"
    text = gzip.decompress(packed.read_bytes()) if packed.exists() else (truth / "calls.json").read_bytes()
    calls: list[dict[str, list[dict[str, str]]]] = json.loads(text)["calls"]
    return calls
