from cloud_sink.contacts.records import SOLVED, SURVEY, Destination, OfficePlan
from cloud_sink.kpi.repeats import Calls
from cloud_sink.kpi.results import measure_success, noted, solved_by_survey, successes
from cloud_sink.kpi.roster import Result
from cloud_sink.kpi.surveys import asked
from cloud_sink.kpi.value import Parts

from .conftest import START, build_contact, build_leg

PLAN = OfficePlan("lab", destinations=(Destination("asked", SURVEY, ("510",), questions=(SOLVED,)),))


def note(contact_id: str = "", number: str = "", at_s: float = 0, success: bool | None = True) -> Result:
    """What somebody noted."""
    return Result(contact_id, number, START + round(at_s * 1000), "sold", success)


def counted(contacts, results=(), surveys=None, everything=None):
    """The KPI's counters."""
    found = successes(
        contacts, results=noted(contacts, results), surveys=surveys or {},
        calls=Calls(everything or contacts, PLAN), plan=PLAN,
    )  # fmt: skip
    measured = measure_success(found.values())
    return measured["success_rate"], measured["success_said"]


def test_notes_find_their_call():
    """By contact, by a leg of it, or by number and time: the latest call that it can be about."""
    first, second = build_contact(at_s=0, legs=("a", "b")), build_contact(at_s=600, legs=("c",))
    out = build_contact(at_s=1200, direction="out", did="447700900555", caller="101", legs=("d",))
    contacts = [first, second, out]
    for result, expected in (
        (note(first.contact_id), first),
        (note("b"), first),
        (note(number=first.caller, at_s=30), first),
        (note(number=first.caller, at_s=700), second),
        (note(number="447700900555", at_s=1190), out),
        (note("unknown"), None),
        (note(number=first.caller, at_s=10_000), None),
        (note(number="447700900999", at_s=30), None),
    ):
        assert ([] if expected is None else [expected.contact_id]) == list(noted(contacts, [result]))


def test_the_latest_note_counts():
    """A correction of what was noted before."""
    contact = build_contact()
    results = [note(contact.contact_id, at_s=90, success=False), note(contact.contact_id, at_s=60)]
    assert (Parts(0, 1), Parts(1)) == counted([contact], results)


def test_what_somebody_said_goes_before_what_the_telephone_tells():
    """A note, else the survey, else no repeat after a talk of ten seconds or more."""
    short = build_contact(talk_s=5, caller="447700900001", legs=("x",))
    assert (Parts(0, 1), Parts(0)) == counted([short])
    assert (Parts(1, 1), Parts(1)) == counted([short], surveys={"x": True})
    assert (Parts(0, 1), Parts(1)) == counted([short], [note("x", success=False)], {"x": True})
    assert (Parts(1, 1), Parts(1)) == counted([short], [note("x", success=None)], {"x": True})


def test_proxy_needs_a_caller_who_would_be_recognised():
    """A withheld number may have called again: nothing is said of it; who did call again was not helped."""
    again = build_contact(at_s=7200, caller="447700900002")
    first = build_contact(at_s=0, caller="447700900002")
    assert (Parts(0, 1), Parts(0)) == counted([first], everything=[first, again])
    assert (Parts(0, 0), Parts(0)) == counted([build_contact(caller="")])


def test_only_answered_calls_of_customers_count():
    """Neither who left nor a call to the outside."""
    contacts = [build_contact("abandoned"), build_contact(direction="out")]
    assert (Parts(0, 0), Parts(0)) == counted(contacts)


def test_surveys_say_whether_it_was_solved():
    """The key of the question that asks it, by leg."""
    legs = [build_leg(leg_id=name, callee="510", role="trunk", digits=digits) for name, digits in
            (("yes", "1"), ("no", "2"), ("none", "7"))]  # fmt: skip
    assert {"yes": True, "no": False} == solved_by_survey(asked(legs, [], [], PLAN))
