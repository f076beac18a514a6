"""What an office hands out to those who may not know its callers: every table, every call, with codes for numbers."""

from collections.abc import Iterator

import pytest

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.disguise import LONGEST_SHORT, Disguise
from cloud_sink.kpi.period import Period
from cloud_sink.office import Office, Offices, UnknownOffice
from cloud_sink.question import Question
from cloud_sink.reports.tables import EXPORTS, make_table
from cloud_sink.store import Store

from .conftest import NOW_MS

DAY = Question("2026-11-22", None, None)


@pytest.fixture(scope="module")
def open_office(store: Store, plans: dict[str, OfficePlan]) -> Office:
    """The office as managers see it."""
    return Offices(store, plans, lambda: NOW_MS).get("lab")


@pytest.fixture(scope="module")
def disguised(store: Store, plans: dict[str, OfficePlan]) -> Office:
    """The office as viewers see it."""
    return Offices(store, plans, lambda: NOW_MS, disguise=Disguise()).get("lab")


@pytest.fixture(scope="module")
def numbers(open_office: Office) -> set[str]:
    """Every number of somebody outside."""
    contacts = open_office.contacts(open_office.period(DAY))
    called = {each.did for each in contacts if each.direction == "out"}
    return {number for number in {each.caller for each in contacts} | called if len(number) > LONGEST_SHORT}


def cells(office: Office, name: str) -> Iterator[str]:
    """Every text of a table."""
    for row in make_table(office, office.period(DAY), name).rows:
        yield from (str(cell) for cell in row)


@pytest.mark.parametrize("name", EXPORTS)
def test_no_table_tells_a_callers_number(name: str, disguised: Office, numbers: set[str]):
    """Not even in the middle of a sentence."""
    assert len(numbers) > 50
    text = "\n".join(cells(disguised, name))
    assert set() == {number for number in numbers if number in text}


def test_tables_of_numbers_tell_them_to_others(open_office: Office, numbers: set[str]):
    """So the test above looks where they stand."""
    assert numbers & set(cells(open_office, "callers"))
    assert numbers & set(cells(open_office, "missed"))
    assert numbers & set(cells(open_office, "contacts"))


def test_every_number_is_the_same(open_office: Office, disguised: Office):
    """KPIs are counted from the numbers themselves: those of repeated calls too."""
    period = open_office.period(DAY)
    assert open_office.report(period).total == disguised.report(period).total
    assert open_office.report(period).queues == disguised.report(period).queues
    assert [each.text for each in open_office.insights(period)] == [each.text for each in disguised.insights(period)]


def test_calls_of_one_caller_stay_together(open_office: Office, disguised: Office):
    """One number, one code, in the log, in the list of missed callers and in every leg."""
    period = open_office.period(DAY)
    pairs = {
        (a.caller, b.caller) for a, b in zip(open_office.contacts(period), disguised.contacts(period), strict=True)
    }
    codes = dict(pairs)
    assert len(pairs) == len(codes) == len(set(codes.values()))
    assert [codes[each.caller] for each in open_office.missed(period)] == [e.caller for e in disguised.missed(period)]


def test_legs_are_disguised_too(open_office: Office, disguised: Office, numbers: set[str]):
    """In every field that may hold a number."""
    period: Period = open_office.period(DAY)
    for contact in open_office.contacts(period):
        found = disguised.contact(contact.contact_id)
        assert found is not None
        told = {
            text for leg, _ in found[1] for text in
            (leg.caller, leg.callee, leg.connected, leg.refer_to, leg.diverted_by)
        }  # fmt: skip
        assert set() == told & numbers


def test_codes_of_boxes_and_short_numbers_stay():
    """They are nobody's number: extensions, feature codes, what a box coded or was told to forget."""
    disguise = Disguise()
    for number in ("", "101", "*76", "k0123456789ab", "forgotten-a1"):
        assert number == disguise.number(number)
    assert disguise.number("442079460001") != Disguise().number("442079460001")


def test_offices_that_were_not_granted_are_not_there(store: Store, plans: dict[str, OfficePlan]):
    """Neither listed nor found, nor named in what is said instead, nor their boxes."""
    every = plans | {"paris": OfficePlan("paris")}
    offices = Offices(store, every, lambda: NOW_MS, granted=frozenset({"paris"}))
    assert (["paris"], ["paris"]) == (offices.names(), [office.id for office in offices.all()])
    assert ["lab"] == [box.office for box in Offices(store, every, lambda: NOW_MS).boxes()]
    assert [] == offices.boxes()
    with pytest.raises(UnknownOffice, match=r'no office "lab"; there is: paris$'):
        offices.get("lab")
