"""Records in their written form: times in seconds since the Unix epoch with milliseconds, durations in ms."""

from dataclasses import asdict

from cloud_sink.boxes import troubles
from cloud_sink.contacts.records import Contact, Leg
from cloud_sink.store import BoxStatus
from cloud_sink.web.schema import BoxOut, BoxReport, ContactOut, LegOut

VISIT_TIMES = ("t_enter", "t_agent_answer", "t_end")
CONTACT_TIMES = ("t_offer", "t_pbx_answer", "t_first_ring", "t_agent_answer", "t_end")
LEG_TIMES = ("t_invite", "t_ring", "t_answer", "t_end")


def write_contact(contact: Contact) -> ContactOut:
    """One contact."""
    visits = [_in_seconds(asdict(visit), VISIT_TIMES) for visit in contact.visits]
    return ContactOut.model_validate(_in_seconds(asdict(contact), CONTACT_TIMES) | {"visits": visits})


def write_leg(leg: Leg, outcome: str) -> LegOut:
    """One leg with the word stitching settled on."""
    known = {"ring_ms": leg.ring_ms, "talk_ms": leg.talk_ms, "outcome": outcome}
    return LegOut.model_validate(_in_seconds(asdict(leg) | known, LEG_TIMES))


def write_box(box: BoxStatus) -> BoxOut:
    """One box."""
    return BoxOut(
        box=box.box,
        office=box.office,
        online=box.online,
        last_seen=box.last_seen_ms / 1000,
        version=box.version,
        clock_ok=box.clock_ok,
    )


def report_box(box: BoxStatus) -> BoxReport:
    """One box, with what is wrong with it."""
    return BoxReport(
        **write_box(box).model_dump(),
        last_event=None if box.last_event_ms is None else box.last_event_ms / 1000,
        waiting=box.health.get("spool_depth"),
        troubles=troubles(box),
    )


def _in_seconds(record: dict[str, object], times: tuple[str, ...]) -> dict[str, object]:
    """The record with these fields in seconds; None stays None."""
    return record | {name: at / 1000 for name in times if isinstance(at := record[name], int)}
