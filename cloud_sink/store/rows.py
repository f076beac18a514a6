"""Legs and contacts as rows of their tables and back; encoder and decoder stand next to each other."""

import json
import struct
from collections.abc import Sequence
from dataclasses import astuple
from operator import attrgetter
from typing import Any

from sqlalchemy import Row

from cloud_sink.contacts.facts import Registers, Told, Voice
from cloud_sink.contacts.records import Contact, Leg, QueueVisit
from cloud_sink.store import tables

LEG_COLUMNS = tuple(column.name for column in tables.legs.columns)
CONTACT_COLUMNS = tuple(column.name for column in tables.contacts.columns)
_contact_values = attrgetter(*CONTACT_COLUMNS[1:-2])


def leg_id(box: str, epoch: int, seq: int) -> str:
    """Return the id of the leg that a box numbered `seq` in `epoch`."""
    return f"{box}-{epoch:08x}-{seq}"


def _after(start: int, time: int | None) -> int | None:
    return None if time is None else time - start


def _at(start: int, after: int | None) -> int | None:
    return None if after is None else start + after


def leg_row(leg: Leg, clock: int) -> tuple[Any, ...]:
    """Return the values of a leg in the order of LEG_COLUMNS."""
    start = leg.t_invite
    return (
        *(leg.office, start, leg.box, leg.epoch, leg.seq),
        *(_after(start, leg.t_ring), _after(start, leg.t_answer), _after(start, leg.t_end)),
        *(leg.role, leg.direction, leg.extension, leg.caller, leg.callee, bytes.fromhex(leg.call_key)),
        *(leg.final_code, leg.cancelled, leg.ended_by, leg.reason_sip, leg.reason_q850, leg.hold_ms, leg.holds),
        *(leg.transfer, leg.refer_to, bytes.fromhex(leg.replaces_key), leg.connected, leg.diverted_by),
        *(bytes.fromhex(leg.session_key), leg.digits, leg.transport, leg.retransmissions, leg.bye_response_ms),
        *(leg.bye_code, leg.hold_at_end_ms, leg.digit_after_ms, leg.partial, clock),
    )


def leg_of(row: Row[Any]) -> Leg:
    """Return the leg of a row that begins with LEG_COLUMNS."""
    (office, start, box, epoch, seq, ring, answer, end, role, direction, extension, caller, callee, call_key,
     final_code, cancelled, ended_by, reason_sip, reason_q850, hold_ms, holds, transfer, refer_to, replaces_key,
     connected, diverted_by, session_key, digits, transport, retransmissions, bye_response_ms,
     bye_code, hold_at_end_ms, digit_after_ms, partial,
     ) = row[: len(LEG_COLUMNS) - 1]  # fmt: skip
    return Leg(
        leg_id(box, epoch, seq), office, box, epoch, seq, bytes(call_key).hex(), role, direction, extension, caller,
        callee, start, _at(start, ring), _at(start, answer), _at(start, end), final_code, bool(cancelled), ended_by,
        reason_sip, reason_q850, hold_ms, holds, transfer, refer_to, bytes(replaces_key).hex(), connected, diverted_by,
        bytes(session_key).hex(), digits, transport, retransmissions, bye_response_ms, bye_code, hold_at_end_ms,
        digit_after_ms, bool(partial),
    )  # fmt: skip


def contact_row(contact: Contact) -> tuple[Any, ...]:
    """Return the values of a contact in the order of CONTACT_COLUMNS."""
    visits = json.dumps([astuple(visit) for visit in contact.visits]) if contact.visits else ""
    return (contact.office, *_contact_values(contact), " ".join(contact.legs), visits)


def contact_of(row: Row[Any]) -> Contact:
    """Return the contact of a row of CONTACT_COLUMNS, whose order is the contact's but for its first three."""
    (office, t_offer, contact_id, queue, did, direction, caller, *times_and_counts, short, correlation, visibility,
     ended_by, kind, legs, visits) = tuple(row)  # fmt: skip
    values: tuple[Any, ...] = (
        contact_id, office, queue, did, direction, caller, t_offer, *times_and_counts, bool(short), correlation,
        visibility, ended_by, kind, tuple(legs.split()), _visits(visits) if visits else (),
    )  # fmt: skip
    return Contact(*values)


def _visits(text: str) -> tuple[QueueVisit, ...]:
    return tuple(QueueVisit(*visit) for visit in json.loads(text))


def outcome_row(leg: Leg, contact_id: str, outcome: str) -> tuple[Any, ...]:
    """Return the settled outcome of a leg in the order of the table's columns."""
    return (leg.office, leg.t_invite, leg.box, leg.epoch, leg.seq, contact_id, leg.extension, outcome)


def legs_of(rows: Sequence[Row[Any]]) -> list[Leg]:
    """Return the legs of rows that begin with LEG_COLUMNS."""
    return [leg_of(row) for row in rows]


def told_of(row: Row[Any]) -> Told:
    """Return what an event package told."""
    return Told(row.at, row.extension, row.state, row._mapping["count"], row.reason, row.seq)


def voice_values(voice: Voice) -> tuple[Any, ...]:
    """Return the values of a phone's report after its key."""
    key = bytes.fromhex(voice.call_key)
    return voice.extension, key, voice.mos_lq, voice.mos_cq, voice.loss, voice.delay_ms, voice.jitter_ms


def voice_of(row: Row[Any]) -> Voice:
    """Return a phone's report."""
    figures = row.mos_lq, row.mos_cq, row.loss, row.delay_ms, row.jitter_ms
    return Voice(row.at, row.extension, bytes(row.call_key).hex(), *figures, row.seq)


def registers_values(each: Registers) -> tuple[Any, ...]:
    """Return the values of counted REGISTERs after their key."""
    delays = struct.pack(f">{len(each.delays_ms)}H", *each.delays_ms)
    return each.until_ms, each.role, each.extension, each.attempts, each.failed, each.code, delays


def registers_of(row: Row[Any]) -> Registers:
    """Return counted REGISTERs."""
    delays = struct.unpack(f">{len(row.delays) // 2}H", row.delays)
    counts = row.attempts, row.failed, row.code
    return Registers(row.start, row.until, row.role, row.extension, *counts, delays, row.seq)
