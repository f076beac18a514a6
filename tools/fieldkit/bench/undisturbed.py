"""What must be in the sink's database after a run, told by an undisturbed one, and how far the database is from it.

For legs and contacts the undisturbed run is `ringtap replay`'s: one process, no broker, nothing to kill. The database
is read with the standard library; KPIs are asked of the API of a sink, and of another one that nobody disturbed.
"""

import contextlib
import json
import sqlite3
import urllib.request
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cloud_sink.config import office_plans
from collector import config
from collector.adapters.pcapfile import open_captures
from fieldkit.output import utc_text
from fieldkit.replay import Replayed, replay

LEG_COLUMNS = (
    "start", "ring_after", "answer_after", "end_after", "role", "direction", "extension", "caller", "callee",
    "final_code", "ended_by", "hold_ms", "holds",
)  # fmt: skip
CONTACT_COLUMNS = (
    "t_offer", "queue", "did", "direction", "caller", "t_pbx_answer", "t_first_ring", "t_agent_answer", "t_end",
    "disposition", "agent", "extension", "wait_ms", "ring_ms", "talk_ms", "hold_ms", "transfers", "rings",
)  # fmt: skip

Rows = Counter[tuple[object, ...]]


class Undisturbed:
    """A recording as it comes out when nothing goes wrong."""

    def __init__(self, recording: Path, office_config: Path) -> None:
        settings = config.load(str(office_config))
        plan = office_plans(office_config)[settings.box.office]
        source = open_captures([str(recording)])
        self.replayed: Replayed = replay(
            source, settings.monitor_settings(), plan, box="box", with_ladder=False, on_progress=abs
        )
        self.legs: Rows = Counter(_leg_rows(self.replayed))
        names = CONTACT_COLUMNS
        self.contacts: Rows = Counter(
            tuple(getattr(contact, name) for name in names) for contact in self.replayed.contacts
        )

    def differences(self, database: Path, office: str) -> list[str]:
        """What is wrong with an office in the sink's database, one line for each kind of trouble; [] if nothing."""
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return [
                *_compare(f"{office}: legs", self.legs, _rows(connection, "legs", LEG_COLUMNS, office)),
                *_compare(f"{office}: contacts", self.contacts, _rows(connection, "contacts", CONTACT_COLUMNS, office)),
                *_holes(connection, office),
            ]

    def read_kpis(self, dashboard: str, office: str) -> dict[str, object]:
        """What a sink's API says about an office over the whole recording."""
        span = f"from={_iso(self.replayed.first_ms)}&until={_iso((self.replayed.last_ms or 0) + 1)}"
        with urllib.request.urlopen(f"{dashboard}/api/v1/offices/{office}/report?{span}", timeout=60) as answer:  # noqa: S310
            report: dict[str, object] = json.load(answer)
        return {place: report[place] for place in ("total", "queues", "extensions")}


def count_events(database: Path, office: str) -> int:
    """Return how many events of an office the sink has acknowledged."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        query = "SELECT coalesce(sum(last - max(first, 1) + 1), 0) FROM received WHERE box = ?"
        return int(connection.execute(query, (office,)).fetchone()[0])


@dataclass(slots=True)
class Dropped:
    """What a box dropped before the sink had it: `stored` came, gaps tell of `lost`, `written` there were."""

    stored: int
    lost: int
    written: int = 0

    @property
    def untold(self) -> int:
        """How many are neither stored nor told of (negative: told of, but stored)."""
        return self.written - self.stored - self.lost


def count_dropped(database: Path, office: str) -> Dropped:
    """Count an office's stored events, and those that gaps of its spool tell of."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:

        def one(query: str) -> int:
            return int(connection.execute(query, (office,)).fetchone()[0])

        tables = ("legs", "registrations", "told", "voice", "registers", "health")
        stored = sum(one(f"SELECT count(*) FROM {table} WHERE office_id = ?") for table in tables)  # noqa: S608 - constants
        told = "FROM gaps WHERE office_id = ? AND reason"
        return Dropped(
            stored=stored + one(f"SELECT count(*) {told} NOT LIKE 'spool%'"),
            lost=one(f"SELECT coalesce(sum(events_lost), 0) {told} LIKE 'spool%'"),
        )


def _leg_rows(replayed: Replayed) -> Iterable[tuple[object, ...]]:
    for leg in replayed.legs:
        times = (leg.t_ring, leg.t_answer, leg.t_end)
        after = (None if time_ms is None else time_ms - leg.t_invite for time_ms in times)
        yield (leg.t_invite, *after, *(getattr(leg, name) for name in LEG_COLUMNS[4:]))


def _rows(connection: sqlite3.Connection, table: str, columns: Iterable[str], office: str) -> Rows:
    query = f"SELECT {', '.join(columns)} FROM {table} WHERE office_id = ?"  # noqa: S608 - constants
    return Counter(connection.execute(query, (office,)).fetchall())


def _compare(what: str, expected: Rows, stored: Rows) -> list[str]:
    lost, more = expected - stored, stored - expected
    twice = sum(count for row, count in more.items() if row in expected)
    lines = [
        f"{what}: {sum(lost.values())} of {sum(expected.values())} lost, for instance {next(iter(lost))}"
        for _ in lost and [1]
    ]
    lines += [f"{what}: {twice} counted twice" for _ in range(min(twice, 1))]
    other = sum(more.values()) - twice
    return lines + [f"{what}: {other} that nobody sent" for _ in range(min(other, 1))]


def _holes(connection: sqlite3.Connection, office: str) -> list[str]:
    """An epoch with a hole waits for events that will not come; a gap of the spool says that something was dropped."""
    query = "SELECT epoch, count(*) FROM received WHERE box = ? GROUP BY epoch HAVING count(*) > 1"
    lines = [f"{office}: epoch {epoch:08x} has holes" for epoch, _ in connection.execute(query, (office,))]
    dropped = "SELECT reason, events_lost FROM gaps WHERE office_id = ? AND reason LIKE 'spool%'"
    return lines + [
        f"{office}: {count} events dropped ({reason})" for reason, count in connection.execute(dropped, (office,))
    ]


def _iso(time_ms: int | None) -> str:
    return utc_text(time_ms or 0)
