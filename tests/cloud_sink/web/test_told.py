"""From packets to numbers: what phones and PBX tell each other, through core, wire, ingest and store to the office."""

import msgpack
from builders import PBX, T0_MS, Tap, make_invite, make_register, make_request, make_response, phone

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.ingest import Ingest
from cloud_sink.kpi.period import Period
from cloud_sink.office import Office
from cloud_sink.store import Store
from collector.core import wire

PLAN = OfficePlan("lab")
HOUR = Period(T0_MS, T0_MS + 3_600_000)
FEATURES = "application/x-as-feature-event+xml"
MAILBOX = "application/simple-message-summary"
AGENT = "<{0} xmlns='http://www.ecma-international.org/standards/ecma-323/csta/ed3'><device/></{0}>"


def tell(tap: Tap, at_s: float, kind: str, body: str, cseq: int) -> None:
    """The PBX tells the phone of 101 something."""
    content = [("Event", "x"), ("Content-Type", kind)]
    message = make_request(
        "NOTIFY", caller="101", callee="101", call_id="subscription", cseq=cseq, extra=content, body=body
    )
    tap.send(round(at_s * 1000), PBX, phone(101), message)


def register(tap: Tap) -> None:
    """The phone of 101 registers."""
    request = make_register(101)
    tap.send(0, phone(101), PBX, request)
    binding = [("Contact", "<sip:101@10.77.1.101:5060>;expires=7200")]
    tap.send(20, PBX, phone(101), make_response(request, 200, extra=binding))


def office_of(tap: Tap, store: Store) -> Office:
    """Everything the tap heard, brought to a sink."""
    tap.close()
    rows = [wire.encode_event(event) for event in tap.events]
    batch = msgpack.packb(wire.encode_batch(1, 1, wire.CLOCK_SYNCHRONISED, rows))
    now_ms = HOUR.until_ms
    Ingest(store, {"lab": PLAN}, lambda _box: "lab").receive_messages([(wire.topic("lab", "ev"), batch)], now_ms)
    return Office(PLAN, store, lambda: now_ms)


def hear_call(tap: Tap, at_s: float, call_id: str, *, talk_s: float | None) -> None:
    """The PBX calls 101, which rings for ten seconds and answers, or is cancelled."""
    invite = make_invite(call_id=call_id)
    start = round(at_s * 1000)
    tap.send(start, PBX, phone(101), invite)
    tap.send(start + 100, phone(101), PBX, make_response(invite, 180))
    if talk_s is None:
        cancel = make_request("CANCEL", call_id=call_id)
        tap.send(start + 10_000, PBX, phone(101), cancel)
        tap.send(start + 10_020, phone(101), PBX, make_response(invite, 487))
        return
    tap.send(start + 10_000, phone(101), PBX, make_response(invite, 200))
    bye = make_request("BYE", call_id=call_id, cseq=2, to_tag="b")
    tap.send(start + 10_000 + round(talk_s * 1000), PBX, phone(101), bye)
    tap.send(start + 10_030 + round(talk_s * 1000), phone(101), PBX, make_response(bye, 200))


def test_after_call_work_told_by_the_phone(empty_store: Store) -> None:
    """The agent is ready, talks for a minute, works on the call for 45 s, and is ready again."""
    tap = Tap()
    register(tap)
    tell(tap, 60, FEATURES, AGENT.format("AgentReadyEvent"), 1)
    hear_call(tap, 100, "call-1", talk_s=60)
    tell(tap, 170.5, FEATURES, AGENT.format("AgentWorkingAfterCallEvent"), 2)
    tell(tap, 215, FEATURES, AGENT.format("AgentReadyEvent"), 3)
    tell(tap, 600, FEATURES, "<nothing/>", 4)
    office = office_of(tap, empty_store)
    work = [each for each in office.states(HOUR)["101"] if each.state == "acw"]
    assert [(44_500, "as_feature_event")] == [(each.length_ms, each.source) for each in work]
    own = office.report(HOUR).extensions["101"]
    assert (44.5, 104.5, 60.0) == tuple(own[name].value for name in ("acw_avg", "aht_acw", "aht"))


def test_message_left_after_ringing_in_vain(empty_store: Store) -> None:
    """A hosted PBX rings 101 in vain; half a minute later the mailbox has one more."""
    tap = Tap()
    register(tap)
    tell(tap, 1, MAILBOX, "Voice-Message: 1/0", 1)
    hear_call(tap, 100, "call-1", talk_s=None)
    tell(tap, 140, MAILBOX, "Voice-Message: 2/0", 2)
    office = office_of(tap, empty_store)
    assert ["voicemail"] == [contact.disposition for contact in office.contacts(HOUR)]
    assert 1 == office.report(HOUR).total["voicemail"].value


def test_registration_reaches_the_signalling_report(empty_store: Store) -> None:
    """One attempt of 20 ms at the phones' vantage point."""
    tap = Tap()
    register(tap)
    figures = office_of(tap, empty_store).signalling(HOUR).vantages["phone"].by_leg
    assert (20, 1) == (figures["sip_rrd"].value.value, figures["sip_rrd"].value.denominator)
    assert (0, 1) == (figures["sip_ira"].value.numerator, figures["sip_ira"].value.denominator)
