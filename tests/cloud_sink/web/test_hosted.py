"""A recorded day as a hosted PBX's phones show it, and what its queue log adds."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cloud_sink.contacts.records import Contact, OfficePlan
from cloud_sink.imports.importing import apply, read_file
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.report import Report, report
from cloud_sink.office import Office, Offices
from cloud_sink.question import Question
from cloud_sink.store import ImportOrigin, Store

from .conftest import NOW_MS, fill

DAY = Question("2026-11-22", None, None)
NAMES = ("Alice", "Bob", "Carol", "Dave", "Erin", "Frank", "Gina", "Hugo", "Ivan", "Judy", "Karl")
MEMBERS = {name: str(101 + place) for place, name in enumerate(NAMES)} | {f"Agent{e}": str(e) for e in range(112, 119)}


def sees_no_trunk(event: object) -> bool:
    """What a box in an office with a hosted PBX cannot see."""
    return getattr(event, "role", "") != "trunk"


def load(office: Office, kind: str, path: Path) -> None:
    """Import a file."""
    rows = read_file(path, kind, office.plan, office.store)
    apply(rows, kind, office.plan, office.store, how="write", origin=ImportOrigin(NOW_MS, "queue_log", "test"))


def counts(contacts: list[Contact], period: Period, office: Office) -> list[float | None]:
    """What is compared with the PBX's own count: offered, answered, abandoned, timed out, speed of answer."""
    counted = report(contacts, [], period=period, plan=office.plan, coverage=1.0).total
    values = [counted[name].value for name in ("offered", "answered", "abandoned", "overflow", "asa")]
    return [None if value is None else round(value, 2) for value in values]


@pytest.fixture(scope="module")
def hosted(
    tmp_path_factory: pytest.TempPathFactory,
    recording: Callable[[str], Path],
    captures: Path,
    lab_config: Path,
    plans: dict[str, OfficePlan],
) -> Iterator[tuple[Report, Office]]:
    """The office day without its trunk: its report before the queue log was imported, and the office since."""
    folder = tmp_path_factory.mktemp("hosted")
    store = Store.open(f"sqlite:///{folder / 'sink.db'}")
    store.migrate()
    fill(store, recording("office-day-A"), lab_config, plans, keep=sees_no_trunk)
    office = Offices(store, plans, lambda: NOW_MS).get("lab")
    before = office.report(office.period(DAY))
    (folder / "agents.csv").write_text("agent,extension\n" + "".join(f"{n},{e}\n" for n, e in MEMBERS.items()))
    load(office, "agents", folder / "agents.csv")
    load(office, "queue_log", captures / "office-day-A.truth" / "queue_log")
    yield before, office
    store.close()


def test_a_queue_log_tells_what_phones_cannot(hosted: tuple[Report, Office], captures: Path):
    """Before: nobody knows who left. After: every queue's numbers are the PBX's own, waiting counts from the queue."""
    before, office = hosted
    period = office.period(DAY)
    assert before.queues["support"]["abandoned"].value is None
    logged = [
        visit for each in office.contacts(period) if each.visibility == "imported" for visit in each.queue_visits()
    ]
    assert {"queue"} == {visit.wait_basis for visit in logged}
    truth = json.loads((captures / "office-day-A.truth" / "kpi.json").read_text())["from_queue_log"]
    for queue, own in truth.items():
        if queue != "ALL":
            mine = [replace(visit, direction="in") for visit in logged if visit.queue == queue]
            expected = [own[name] for name in ("offered", "answered", "abandoned", "timeout_exit", "ASA_s")]
            assert expected == counts(mine, period, office), queue


def test_every_call_is_told_once(hosted: tuple[Report, Office]):
    """No leg is in two contacts, and what only the log tells can be looked up."""
    _, office = hosted
    contacts = office.contacts(office.period(DAY))
    legs = [leg for contact in contacts for leg in contact.legs]
    assert len(legs) == len(set(legs))
    unseen = next(each for each in contacts if each.visibility == "imported" and not each.legs)
    assert (unseen, []) == office.contact(unseen.contact_id)
