import json

from cloud_sink.contacts.records import OfficePlan, QueueVisit
from cloud_sink.kpi.catalogue import CATALOGUE, definitions_of
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.report import report

PLAN = OfficePlan("lab", time_zone="Europe/London")


def test_every_kpi_of_the_catalogue_is_computed(make_contact, make_leg, start):
    """Total, queues and extensions hold exactly the KPIs the catalogue promises for them."""
    result = report(
        [make_contact()], [(make_leg(), "answered")], period=Period(start, start + 900_000), plan=PLAN, coverage=1.0
    )
    assert [d.id for d in definitions_of("total")] == list(result.total)
    assert [d.id for d in definitions_of("queues")] == list(result.queues["support"])
    assert [d.id for d in definitions_of("extensions")] == list(result.extensions["101"])


def test_unwatched_period_is_null_everywhere(start):
    """R6: without any observation even counts are null, never 0; only the coverage itself is known."""
    result = report([], [], period=Period(start, start + 900_000), plan=PLAN, coverage=0.0)
    assert {None} == {value.value for kpi_id, value in result.total.items() if kpi_id != "coverage"}
    assert 0.0 == result.total["coverage"].value


def test_watched_but_quiet_period_counts_zero(start):
    """Nobody called while the tap was watching: 0 offered, and no service level."""
    result = report([], [], period=Period(start, start + 900_000), plan=PLAN, coverage=1.0)
    assert 0 == result.total["offered"].value
    assert result.total["service_level"].value is None


def test_contacts_outside_the_period_only_clear_missed_callers(make_contact, start):
    """A call back after the period clears the caller and is counted nowhere else."""
    missed = make_contact("abandoned", at_s=0, wait_s=30)
    back = make_contact(at_s=3600, direction="out", did=missed.caller, caller="102", agent="102")
    result = report([missed, back], [], period=Period(start, start + 900_000), plan=PLAN, coverage=1.0)
    assert 0 == result.total["callback_open"].value == result.total["outbound_attempts"].value
    assert 0 == result.queues["support"]["callback_open"].value


def test_queues_come_before_extensions_called_directly(make_contact, start):
    """Each carries its kind."""
    contacts = [make_contact(queue="101", kind="direct"), make_contact(queue="support")]
    result = report(contacts, [], period=Period(start, start + 900_000), plan=PLAN, coverage=1.0)
    assert [("support", "queue"), ("101", "direct")] == list(result.queue_kinds.items())


def test_threshold_comes_from_the_office_and_can_be_switched(make_contact, start):
    """20 s unless asked otherwise."""
    contacts, period = [make_contact(wait_s=15), make_contact(wait_s=25)], Period(start, start + 900_000)
    assert 50.0 == report(contacts, [], period=period, plan=PLAN, coverage=1.0).total["service_level"].value
    switched = report(contacts, [], period=period, plan=PLAN, coverage=1.0, threshold_s=10)
    assert 0.0 == switched.total["service_level"].value


def test_written_form(make_contact, make_leg, start):
    """The JSON carries period, coverage and every value with its counters, basis and interval."""
    result = report(
        [make_contact()],
        [(make_leg(), "answered")],
        period=Period(start, start + 900_000, "Europe/London"),
        plan=PLAN,
        coverage=0.5,
    )
    written = json.loads(json.dumps(result.to_json()))
    assert {
        "from": "2026-06-01T10:00:00+01:00",
        "until": "2026-06-01T10:15:00+01:00",
        "time_zone": "Europe/London",
    } == written["period"]
    level = written["total"]["service_level"]
    assert (100.0, 1, 1, "queue", "%", True) == tuple(
        level[key] for key in ("value", "numerator", "denominator", "basis", "unit", "small")
    )
    assert 2 == len(level["interval"])


def test_basis_is_what_the_office_is_promised_when_nobody_called(start):
    """Without contacts the basis follows the office's wait start."""
    plan = OfficePlan("lab", wait_start="offer")
    result = report([], [], period=Period(start, start + 900_000), plan=plan, coverage=1.0)
    assert "caller" == result.total["asa"].basis


def test_catalogue_ids_are_their_own_keys():
    """One definition per KPI."""
    assert all(kpi_id == definition.id for kpi_id, definition in CATALOGUE.items())


def test_transfer_into_another_queue_is_a_visit_of_that_queue(make_contact, start):
    """Each queue counts whoever waited in it; in total the caller is one contact."""
    visit = QueueVisit("sales", start + 60_000, None, start + 70_000, "abandoned", "", 10_000, 0, short=False)
    spoken = QueueVisit("support", start, start + 5000, start + 60_000, "answered", "101", 5000, 55_000, short=False)
    result = report(
        [make_contact(visits=(spoken, visit))], [], period=Period(start, start + 900_000), plan=PLAN, coverage=1.0
    )
    assert (1, 0) == tuple(result.total[name].value for name in ("offered", "abandoned"))
    assert (1, 1) == tuple(result.queues["sales"][name].value for name in ("offered", "abandoned"))
    assert (1, 1) == tuple(result.queues["support"][name].value for name in ("offered", "answered"))


def test_colleague_who_calls_a_queue_counts_there_only(make_contact, start):
    """He is work for the queue, but no customer of the office, and nobody has to call him back."""
    contacts = [
        make_contact("abandoned", wait_s=30, direction="int", caller="115"),
        make_contact(direction="int", caller="115", queue="101", kind="direct"),
    ]
    result = report(contacts, [], period=Period(start, start + 900_000), plan=PLAN, coverage=1.0)
    assert ["support"] == list(result.queues)
    counted = tuple(result.queues["support"][name].value for name in ("offered", "abandoned", "callback_open"))
    assert (1, 1, 0) == counted
    assert 0 == result.total["offered"].value


def test_every_kpi_names_a_source_that_a_reader_can_find():
    """A standard, a product, or ringtap itself: never a page that only its makers have."""
    assert not [kpi.id for kpi in CATALOGUE.values() if not kpi.source or "spec" in kpi.source]
