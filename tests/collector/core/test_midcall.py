import pytest
from builders import make_request, read

from collector.core.events import LegEnded
from collector.core.keys import call_key
from collector.core.midcall import dtmf_digits, read_notify_status, read_reasons, read_refer, replaced_key


@pytest.mark.parametrize(
    ("values", "sip", "q850"),
    [
        (['SIP;cause=200;text="Call completed elsewhere"'], 200, None),
        (["Q.850;cause=0"], 0, 0),
        (["SIP;cause=200", "Q.850 ;cause=26"], 200, 26),
        (['Q.850;cause=16;text="a, b", SIP ;cause=408'], 408, 16),
        (["sip;CAUSE=487"], 487, None),
        (["Q.850;cause=x", "Q.850;cause=", "Q.850;cause=99999", "preemption;cause=1"], 0, None),
    ],
)
def test_reasons(values, sip, q850):
    """Reason headers of both protocols, joined or apart (RFC 3326); 0 is a value of Q.850 that Asterisk sends."""
    facts = LegEnded(0, b"")
    read_reasons(facts, read(make_request("BYE", extra=[("Reason", value) for value in values])))
    assert (sip, q850) == (facts.reason_sip, facts.reason_q850)


def test_blind_transfer():
    """A REFER without Replaces (RFC 5589 section 6)."""
    refer = read(make_request("REFER", extra=[("Refer-To", "<sip:102@10.77.1.5;user=phone>")]))
    assert read_refer(refer) == ("blind", "102", b"")


def test_attended_transfer():
    """The dialog it replaces is named by its Call-ID, escaped (RFC 5589 section 7)."""
    value = "<sip:102@10.77.1.5?Require=replaces&Replaces=call-9%40x%3Bto-tag%3D1%3Bfrom-tag%3D2>"
    refer = read(make_request("REFER", extra=[("r", value)]))
    assert read_refer(refer) == ("attended", "102", call_key(b"call-9@x"))


def test_replaced_dialog():
    """The Call-ID at the front of a Replaces value (RFC 3891 section 6.1)."""
    assert replaced_key(b"call-9@x ;to-tag=1;from-tag=2;early-only") == call_key(b"call-9@x")
    assert replaced_key(b";to-tag=1") == b""


def test_endless_refer_target_is_cut():
    """What goes onto the wire has a bound."""
    refer = read(make_request("REFER", extra=[("Refer-To", f"<sip:{'9' * 500}@x>")]))
    assert len(read_refer(refer)[1]) == 128


@pytest.mark.parametrize(
    ("body", "status"),
    [("SIP/2.0 503 Service Unavailable\r\n", 503), ("SIP/2.0 200 OK", 200), ("hello", 0), ("", 0), ("SIP/2.0 x", 0)],
)
def test_notify_status(body, status):
    """How a transfer goes on is in the NOTIFY's sipfrag (RFC 3515 section 2.4.5)."""
    notify = make_request("NOTIFY", extra=[("Content-Type", "message/sipfrag;version=2.0")], body=body)
    assert read_notify_status(read(notify)) == status


def test_other_notify_reports_nothing():
    """Message waiting and dialog-info are no transfer."""
    notify = make_request("NOTIFY", extra=[("Content-Type", "text/plain")], body="SIP/2.0 503 x")
    assert read_notify_status(read(notify)) == 0


@pytest.mark.parametrize(
    ("kind", "body", "digit"),
    [
        ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "5"),
        ("application/dtmf-relay", "Signal= #\nDuration= 250", "#"),
        ("Application/DTMF-Relay", "signal = 11\r\n", "#"),
        ("application/dtmf-relay", "Signal=12\r\n", "A"),
        ("application/dtmf-relay", "Signal=16\r\n", ""),
        ("application/dtmf-relay", "Duration=160\r\n", ""),
        ("application/dtmf", "5", "5"),
        ("application/dtmf", "d", "D"),
        ("application/dtmf", "55", ""),
        ("application/media_control+xml", "<x>5</x>", ""),
    ],
)
def test_digits(kind, body, digit):
    """INFO digits in both forms; a flash (16) is no digit."""
    assert dtmf_digits(read(make_request("INFO", extra=[("Content-Type", kind)], body=body))) == digit


def test_refer_for_another_method_is_no_transfer():
    """RFC 5359 section 2.6: "send a MESSAGE there" moves no call; method=INVITE says what a REFER means anyway."""
    for method, transfer in (("MESSAGE", ""), ("SUBSCRIBE", ""), ("INVITE", "blind")):
        refer = read(make_request("REFER", extra=[("Refer-To", f"<sip:102@10.77.1.5;method={method}>")]))
        assert read_refer(refer)[0] == transfer
