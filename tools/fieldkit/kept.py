"""What a recording came to, kept beside memory: legs and contacts in a database of SQLite's that nobody else sees.

A recording may be longer than memory is large. SQLite keeps a small one in its cache, and puts more into a temporary
file (in TMPDIR) that is gone with the process. Rows come out in the order that is promised, one at a time.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

import msgpack

from cloud_sink.contacts.facts import Told
from cloud_sink.contacts.mailbox import Messages, credit_messages, new_messages
from cloud_sink.contacts.records import Contact, Leg, OfficePlan, QueueVisit
from cloud_sink.contacts.windows import Finished, stitch_in_windows
from cloud_sink.kpi.after_call import AfterCall
from cloud_sink.kpi.batches import Call
from cloud_sink.kpi.extensions import SettledLeg
from cloud_sink.kpi.states import Registered
from cloud_sink.kpi.volume import on_trunk

CACHE_KB = 4_096
TABLES = f"""
PRAGMA cache_size = -{CACHE_KB};
PRAGMA journal_mode = OFF;
PRAGMA temp_store = FILE;
CREATE TABLE legs (t_invite INTEGER, seq INTEGER, call_id TEXT, phone TEXT, leg BLOB, PRIMARY KEY (t_invite, seq))
  WITHOUT ROWID;
CREATE TABLE outcomes (t_invite INTEGER, seq INTEGER, outcome TEXT, number INTEGER, PRIMARY KEY (t_invite, seq))
  WITHOUT ROWID;
CREATE TABLE contacts (t_offer INTEGER, contact_id TEXT, number INTEGER, party TEXT, trunk_end INTEGER, contact BLOB,
  PRIMARY KEY (t_offer, contact_id)) WITHOUT ROWID;
CREATE TABLE works (t_invite INTEGER, seq INTEGER, phone TEXT, length INTEGER, assumed INTEGER,
  PRIMARY KEY (t_invite, seq)) WITHOUT ROWID;
CREATE TABLE told (phone TEXT, at INTEGER, seq INTEGER, told BLOB, PRIMARY KEY (phone, at, seq)) WITHOUT ROWID;
CREATE TABLE registrations (role TEXT, name TEXT, at INTEGER, seq INTEGER, registered INTEGER,
  PRIMARY KEY (role, name, at, seq)) WITHOUT ROWID;
CREATE INDEX legs_by_phone ON legs (phone, t_invite);
CREATE INDEX outcomes_by_number ON outcomes (number);
CREATE INDEX contacts_by_number ON contacts (number);
CREATE INDEX contacts_by_party ON contacts (party);
BEGIN;
"""
_LEG = attrgetter(*(item.name for item in fields(Leg)))
_CONTACT = attrgetter(*(item.name for item in fields(Contact) if item.name != "visits"))
_TOLD = attrgetter(*(item.name for item in fields(Told)))
_VISIT = attrgetter(*(item.name for item in fields(QueueVisit)))


class Kept:
    """Legs as they end, and what was made of them once all are there."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(TABLES)
        self._told: list[Told] = []  # of mailboxes only
        self._sees_trunk = False
        self._contacts = 0
        self.latest_ms = 0  # the last moment that is known of any contact

    def keep_leg(self, leg: Leg, call_id: str) -> None:
        """One more leg, in any order."""
        self._sees_trunk = self._sees_trunk or leg.role == "trunk"
        row = (leg.t_invite, leg.seq, call_id, leg.extension if leg.role == "phone" else "", msgpack.packb(_LEG(leg)))
        self._database.execute("INSERT INTO legs VALUES (?, ?, ?, ?, ?)", row)

    def keep_told(self, told: Told) -> None:
        """What an event package told; mailboxes have a say in what became of a call, others in what agents did."""
        if told.state == "messages":
            self._told.append(told)
        else:
            row = (told.extension, told.at_ms, told.seq, msgpack.packb(_TOLD(told)))
            self._database.execute("INSERT INTO told VALUES (?, ?, ?, ?)", row)

    def keep_registration(self, role: str, change: Registered, seq: int) -> None:
        """A phone came or went, or the PBX at its carrier."""
        row = (role, change.extension, change.at_ms, seq, change.registered)
        self._database.execute("INSERT INTO registrations VALUES (?, ?, ?, ?, ?)", row)

    def stitch(self, plan: OfficePlan) -> None:
        """Make the contacts of all legs."""
        call_ids: dict[str, str] = {}
        messages = self._messages()
        for finished in stitch_in_windows(self._noting(call_ids), plan, sees_trunk=self._sees_trunk, messages=messages):
            self._keep_contact(finished, [call_ids.pop(leg_id) for leg_id in finished.contact.legs])

    def legs(self) -> Iterator[tuple[Leg, str]]:
        """Each leg and its Call-ID, in order of the INVITE."""
        for call_id, packed in self._database.execute("SELECT call_id, leg FROM legs ORDER BY t_invite, seq"):
            yield _unpack_leg(packed), call_id

    def settled_legs(self) -> Iterator[tuple[Leg, str, str]]:
        """Each leg, its outcome word and its Call-ID, in order of the INVITE."""
        query = "SELECT leg, outcome, call_id FROM legs JOIN outcomes USING (t_invite, seq) ORDER BY t_invite, seq"
        for packed, outcome, call_id in self._database.execute(query):
            yield _unpack_leg(packed), outcome, call_id

    def contacts(self) -> Iterator[tuple[Contact, list[str]]]:
        """Each contact and the Call-IDs of its legs, in order of the offer."""
        for (packed,) in self._database.execute("SELECT contact FROM contacts ORDER BY t_offer, contact_id"):
            yield _unpack_contact(packed)

    def with_legs(self) -> Iterator[Call]:
        """Each contact with its legs and the work after them, in any order."""
        contacts = self._database.execute("SELECT number, contact FROM contacts ORDER BY number")
        legs = self._database.execute(f"{_CALLS} ORDER BY number, t_invite, seq")
        for (_, packed), (_, rows) in zip(contacts, groupby(legs, key=itemgetter(0)), strict=True):
            yield _call(packed, rows)

    def contact(self, number: int) -> Contact:
        """One contact, by its number."""
        ((packed,),) = self._database.execute("SELECT contact FROM contacts WHERE number = ?", (number,))
        return _unpack_contact(packed)[0]

    def call(self, number: int) -> Call:
        """The same with its legs."""
        ((packed,),) = self._database.execute("SELECT contact FROM contacts WHERE number = ?", (number,))
        return _call(packed, self._database.execute(f"{_CALLS} WHERE number = ? ORDER BY t_invite, seq", (number,)))

    def phones(self) -> list[str]:
        """Extensions of which any call, registration or word was seen; lamps (`*46101`) as they are named."""
        query = (
            "SELECT phone FROM legs UNION SELECT phone FROM told UNION SELECT name FROM registrations WHERE role = ?"
        )
        return sorted(name for (name,) in self._database.execute(query, ("phone",)) if name)

    def phone_legs(self, phone: str, from_ms: int, until_ms: int, limit: int) -> list[tuple[Leg, str, int]]:
        """Legs of an extension begun in [from, until): each with its outcome word and its contact's number."""
        query = (
            "SELECT leg, outcome, number FROM legs JOIN outcomes USING (t_invite, seq)"
            " WHERE phone = ? AND t_invite >= ? AND t_invite < ? ORDER BY t_invite, seq LIMIT ?"
        )
        rows = self._database.execute(query, (phone, from_ms, until_ms, limit))
        return [(_unpack_leg(packed), outcome, number) for packed, outcome, number in rows]

    def told_of(self, name: str, from_ms: int, until_ms: int) -> list[Told]:
        """What was told of an extension or a lamp in [from, until), and the last word before that."""
        rows = self._around("SELECT told, at FROM told WHERE phone = ?", (name,), from_ms, until_ms)
        return [Told(*msgpack.unpackb(packed)) for packed, _ in rows]

    def registrations(self, role: str, name: str, from_ms: int, until_ms: int) -> list[Registered]:
        """The changes of a phone, or of the PBX at its carrier, in [from, until), and the last one before that."""
        query = "SELECT registered, at FROM registrations WHERE role = ? AND name = ?"
        rows = self._around(query, (role, name), from_ms, until_ms)
        return [Registered(at_ms, name, bool(registered)) for registered, at_ms in rows]

    def carriers(self) -> list[str]:
        """The accounts at which the PBX registers."""
        return [
            name for (name,) in self._database.execute("SELECT DISTINCT name FROM registrations WHERE role = 'trunk'")
        ]

    def keep_works(self, works: Iterable[tuple[Leg, AfterCall]]) -> None:
        """The work after some legs; a later word about a leg replaces an earlier one."""
        rows = [(leg.t_invite, leg.seq, work.extension, work.length_ms, work.assumed) for leg, work in works]
        self._database.executemany("INSERT OR REPLACE INTO works VALUES (?, ?, ?, ?, ?)", rows)

    def _around(self, query: str, of: tuple[str, ...], from_ms: int, until_ms: int) -> list[tuple[Any, int]]:
        before = self._database.execute(f"{query} AND at < ? ORDER BY at DESC, seq DESC LIMIT 1", (*of, from_ms))
        within = self._database.execute(f"{query} AND at >= ? AND at < ? ORDER BY at, seq", (*of, from_ms, until_ms))
        return [*before.fetchall(), *within.fetchall()]

    def parties(self) -> Iterator[list[Contact]]:
        """All contacts with each outside number, in order of the offer; their legs are left out."""
        query = "SELECT party, contact FROM contacts ORDER BY party, t_offer, contact_id"
        for _, rows in groupby(self._database.execute(query), key=itemgetter(0)):
            yield [replace(_unpack_contact(packed)[0], legs=()) for _, packed in rows]

    def trunk_changes(self) -> Iterator[tuple[int, int]]:
        """(Unix ms, +1 or -1) of calls on the trunk that began and ended, in order."""
        yield from self._database.execute(
            "SELECT t_offer AS at, 1 AS change FROM contacts WHERE trunk_end IS NOT NULL"
            " UNION ALL SELECT trunk_end, -1 FROM contacts WHERE trunk_end IS NOT NULL ORDER BY at, change"
        )

    def _messages(self) -> Messages:
        new = new_messages(self._told)
        return credit_messages(new, (leg for leg, _ in self.legs())) if new else {}

    def _noting(self, call_ids: dict[str, str]) -> Iterator[Leg]:
        """All legs, each Call-ID noted until its contact is finished."""
        for leg, call_id in self.legs():
            call_ids[leg.leg_id] = call_id
            yield leg

    def _keep_contact(self, finished: Finished, call_ids: list[str]) -> None:
        contact = finished.contact
        self._contacts += 1
        rows = [(leg.t_invite, leg.seq, outcome, self._contacts) for leg, outcome in finished.legs]
        self._database.executemany("INSERT INTO outcomes VALUES (?, ?, ?, ?)", rows)
        packed = msgpack.packb((_CONTACT(contact), [_VISIT(visit) for visit in contact.visits], call_ids))
        trunk_end = contact.t_end if on_trunk(contact) else None
        row = (contact.t_offer, contact.contact_id, self._contacts, _party(contact), trunk_end, packed)
        self._database.execute("INSERT INTO contacts VALUES (?, ?, ?, ?, ?, ?)", row)
        self.latest_ms = max(self.latest_ms, contact.t_end or contact.t_offer)


def _party(contact: Contact) -> str:
    """Whose call it was; a contact with nobody's number stands alone."""
    return (contact.did if contact.direction == "out" else contact.caller) or f"anonymous {contact.contact_id}"


_CALLS = (
    "SELECT number, leg, outcome, works.phone, length, assumed FROM outcomes JOIN legs USING (t_invite, seq)"
    " LEFT JOIN works USING (t_invite, seq)"
)


def _call(packed: bytes, rows: Iterable[tuple[int, bytes, str, str | None, int, int]]) -> Call:
    legs: list[SettledLeg] = []
    works: dict[str, AfterCall] = {}
    for _, packed_leg, outcome, phone, length_ms, assumed in rows:
        leg = _unpack_leg(packed_leg)
        legs.append((leg, outcome))
        if phone is not None:
            works[leg.leg_id] = AfterCall(phone, length_ms, bool(assumed))
    return Call(_unpack_contact(packed)[0], legs, works)


def _unpack_leg(packed: bytes) -> Leg:
    return Leg(*msgpack.unpackb(packed))


def _unpack_contact(packed: bytes) -> tuple[Contact, list[str]]:
    values, visits, call_ids = msgpack.unpackb(packed)
    contact = Contact(*values)
    contact.legs, contact.visits = tuple(contact.legs), tuple(QueueVisit(*visit) for visit in visits)
    return contact, call_ids
