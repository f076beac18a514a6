"""Event packages and REGISTERs through the whole core, on CPython (pytest) and on MicroPython (runner.py)."""

from sip_builders import PBX, PHONE, T0_MS, Tap, make_frame

from collector.core.events import RegistersCounted, StateTold, VoiceReported

FEATURES = "application/x-as-feature-event+xml"
DIALOGS = "application/dialog-info+xml"
DND = '<?xml version="1.0"?>\n<%s xmlns="http://www.ecma-international.org/standards/ecma-323/csta/ed3">%s</%s>'
MAILBOX = "Messages-Waiting: %s\r\nMessage-Account: sip:101@10.77.1.5\r\nVoice-Message: %d/8 (0/2)\r\n"
REPORT = (
    "VQSessionReport: CallTerm\r\nCallID: call-9@10.77.1.5\r\nLocalID: <sip:101@10.77.1.5>\r\n"
    "LocalMetrics:\r\nTimestamps:START=2026-11-24T06:00:00Z STOP=2026-11-24T06:01:00Z\r\n"
    "PacketLoss:NLR=5.25 JDR=2.0\r\nDelay:RTD=200 ESD=140 IAJ=2 MAJ=10\r\n"
    "QualityEst:RLQ=90 MOSLQ=%s MOSCQ=4.1 QoEEstAlg=P.564\r\n"
    "RemoteMetrics:\r\nQualityEst:MOSLQ=1.1 MOSCQ=1.0\r\n"
)


def make_message(method: str, kind: str, body: str, cseq: int) -> bytes:
    """A request outside any call with a body of some type, about extension 101."""
    lines = (
        f"{method} sip:101@10.77.1.101:5060 SIP/2.0",
        f"Via: SIP/2.0/UDP 10.77.1.5:5060;branch=z9hG4bK{cseq}",
        "From: <sip:101@10.77.1.5>;tag=a",
        "To: <sip:101@10.77.1.5>;tag=b",
        "Call-ID: subscription-1",
        f"CSeq: {cseq} {method}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        "",
        body,
    )
    return "\r\n".join(lines).encode()


def events_of(tap: Tap) -> list[object]:
    """What the tap reported so far."""
    found: list[object] = []
    event = tap.monitor.next_event()
    while event is not None:
        found.append(event)
        event = tap.monitor.next_event()
    return found


def states_of(tap: Tap) -> list[tuple[int, str, str, int, str]]:
    """(milliseconds, extension, state, count, reason) of every state told so far."""
    return [
        (event.at_ms - T0_MS, event.extension, event.state, event.count, event.reason)
        for event in events_of(tap)
        if isinstance(event, StateTold)
    ]


def test_phone_s_own_key_and_the_pbx_s_word() -> None:
    """The phone asks for do not disturb, the PBX confirms it: one change; then it is switched off."""
    tap = Tap()
    wish = DND % ("SetDoNotDisturb", "<device></device><doNotDisturbOn>true</doNotDisturbOn>", "SetDoNotDisturb")
    tap.from_phone(0, make_message("SUBSCRIBE", FEATURES, wish, 1))
    event = DND % ("DoNotDisturbEvent", "<device/><doNotDisturbOn>true</doNotDisturbOn>", "DoNotDisturbEvent")
    tap.to_phone(40, make_message("NOTIFY", FEATURES, event, 2))
    tap.to_phone(9_000, make_message("NOTIFY", FEATURES, event.replace("true", "false"), 3))
    assert [(0, "101", "dnd_on", 0, ""), (9_000, "101", "dnd_off", 0, "")] == states_of(tap)


def test_agent_s_day() -> None:
    """Log on, work after a call, not ready for a reason, ready, log off: prefixes and name spaces do not matter."""
    tap = Tap()
    steps = ("AgentLoggedOnEvent", "AgentWorkingAfterCallEvent", "AgentNotReadyEvent", "AgentReadyEvent")
    reason = "<device>101</device><extensions><privateData><agentNotReadyReasonValue>lunch</agentNotReadyReasonValue>"
    for number, name in enumerate(steps):
        inner = reason if name == "AgentNotReadyEvent" else "<device>101</device>"
        body = f"<a:{name} xmlns:a='urn:x'>{inner}</a:{name}>"
        tap.to_phone(number * 1000, make_message("NOTIFY", FEATURES, body, number))
    wish = "<SetAgentState><requestedAgentState>loggedOff</requestedAgentState></SetAgentState>"
    tap.from_phone(5_000, make_message("SUBSCRIBE", FEATURES + ";charset=UTF-8", wish, 9))
    assert [
        (0, "101", "login", 0, ""),
        (1_000, "101", "after_call", 0, ""),
        (2_000, "101", "not_ready", 0, "lunch"),
        (3_000, "101", "ready", 0, ""),
        (5_000, "101", "logout", 0, ""),
    ] == states_of(tap)


def test_every_part_of_the_first_notify() -> None:
    """BroadSoft sends all features in one body of many parts; only forwarding at once takes the phone away."""
    tap = Tap()
    forwarding = (
        "<ForwardingEvent><device/><forwardingType>{}</forwardingType><forwardStatus>{}</forwardStatus>"
        "<forwardTo>sip:447700900123@x</forwardTo></ForwardingEvent>"
    )
    parts = (
        forwarding.format("forwardImmediate", "true"),
        forwarding.format("forwardNoAns", "false"),
        "<DoNotDisturbEvent><device/><doNotDisturbOn>false</doNotDisturbOn></DoNotDisturbEvent>",
    )
    body = "".join([f"--x\r\nContent-Type: {FEATURES}\r\n\r\n{part}\r\n" for part in parts]) + "--x--"
    tap.to_phone(0, make_message("NOTIFY", "multipart/mixed; boundary=x", body, 1))
    assert [(0, "101", "dnd_off", 0, ""), (0, "101", "forward_on", 0, "")] == states_of(tap)


def test_half_a_body() -> None:
    """A capture that cuts packets short still shows what stands in the first half, or nothing; never a wrong state."""
    body = DND % ("DoNotDisturbEvent", "<device/><doNotDisturbOn>true</doNotDisturbOn>", "DoNotDisturbEvent")
    whole = make_message("NOTIFY", FEATURES, body, 1)
    for length in range(len(whole) - len(body), len(whole), 5):
        tap = Tap()
        tap.to_phone(0, whole[:length])
        told = [state for _, _, state, _, _ in states_of(tap)]
        assert told == (["dnd_on"] if b"doNotDisturbOn>true" in whole[:length] else [])


def test_hint_of_a_feature_code() -> None:
    """A pause key's lamp (RFC 4235): confirmed is on; watchers that are told the same make one event."""
    tap = Tap()
    body = '<dialog-info entity="sip:*46101@10.77.1.5"><dialog id="1"><state>%s</state></dialog></dialog-info>'
    for number, state in enumerate(("terminated", "confirmed", "confirmed", "terminated")):
        tap.to_phone(number, make_message("NOTIFY", DIALOGS, body % state, number))
    assert [(0, "*46101", "idle", 0, ""), (1, "*46101", "busy", 0, ""), (3, "*46101", "idle", 0, "")] == states_of(tap)


def test_line_is_told_only_where_its_phone_is_elsewhere() -> None:
    """An extension that registers here is known by its calls: its lamp on twenty phones would be noise."""
    body = '<dialog-info state="full" entity="sip:%s@10.77.1.5"><dialog><state>confirmed</state></dialog></dialog-info>'
    tap = Tap()
    register(tap, 0, ((1, 200),))
    events_of(tap)
    tap.to_phone(100, make_message("NOTIFY", DIALOGS, body % "101", 1))
    tap.to_phone(200, make_message("NOTIFY", DIALOGS, body % "102", 2))
    tap.to_phone(300, make_message("NOTIFY", DIALOGS, body % "447700900123", 3))
    assert [(200, "102", "busy", 0, "")] == states_of(tap)


def test_line_that_was_told_busy_is_told_idle() -> None:
    """Its registration lapsed for a moment when the lamp went on, and was back when it went out."""
    body = '<dialog-info state="full" entity="sip:101@10.77.1.5"><dialog><state>%s</state></dialog></dialog-info>'
    tap = Tap()
    tap.to_phone(100, make_message("NOTIFY", DIALOGS, body % "confirmed", 1))
    register(tap, 200, ((1, 200),))
    tap.to_phone(900, make_message("NOTIFY", DIALOGS, body % "terminated", 2))
    tap.to_phone(950, make_message("NOTIFY", DIALOGS, body % "confirmed", 3))
    assert [(100, "101", "busy", 0, ""), (900, "101", "idle", 0, "")] == states_of(tap)


def test_messages_in_a_mailbox() -> None:
    """RFC 3842: the number of new ones, when it changes; without a number only whether there are any."""
    tap = Tap()
    for number, body in enumerate(
        (MAILBOX % ("yes", 2), MAILBOX % ("yes", 2), MAILBOX % ("yes", 3), "Messages-Waiting: no")
    ):
        tap.to_phone(number, make_message("NOTIFY", "application/simple-message-summary", body, number))
    assert [(0, "101", "messages", 2, ""), (2, "101", "messages", 3, ""), (3, "101", "messages", 0, "")] == states_of(
        tap
    )


def test_how_a_call_sounded() -> None:
    """RFC 6035: the phone's own ears, not those of the other side."""
    tap = Tap()
    tap.from_phone(7, make_message("PUBLISH", "application/vq-rtcpxr", REPORT % "4.2", 1))
    [report] = events_of(tap)
    assert isinstance(report, VoiceReported)
    assert (7, "101", 420, 410) == (report.at_ms - T0_MS, report.extension, report.mos_lq, report.mos_cq)
    assert (525, 200, 2, 6) == (report.loss, report.delay_ms, report.jitter_ms, len(report.call_key))


def test_score_that_is_none() -> None:
    """12.7 is a phone's word for not known (RFC 3611 section 4.7.5); an interval's report is not the call's."""
    tap = Tap()
    tap.from_phone(0, make_message("PUBLISH", "application/vq-rtcpxr", REPORT % "12.7", 1))
    tap.from_phone(1, make_message("PUBLISH", "application/vq-rtcpxr", "VQIntervalReport\r\n" + REPORT % "4.2", 2))
    [report] = events_of(tap)
    assert isinstance(report, VoiceReported)
    assert report.mos_lq is None
    assert 410 == report.mos_cq


def test_other_bodies_and_strangers_say_nothing() -> None:
    """A presence document, a body without a type, and somebody who is no extension of the office."""
    tap = Tap()
    tap.to_phone(0, make_message("NOTIFY", "application/pidf+xml", "<presence/>", 1))
    tap.to_phone(1, make_message("NOTIFY", "", MAILBOX % ("yes", 2), 2))
    stranger = make_message("NOTIFY", "application/simple-message-summary", MAILBOX % ("yes", 2), 3)
    tap.hear(2, make_frame(stranger.replace(b"sip:101@", b"sip:44770@"), PHONE, PBX))
    assert [] == events_of(tap)


# --- REGISTER -------------------------------------------------------------------------------------------------------


def register(tap: Tap, at_ms: int, steps: tuple[tuple[int, int], ...], call_id: str = "r1") -> None:
    """REGISTERs of the phone every 100 ms, each answered 30 ms later: (CSeq, status; 0 for no answer)."""
    for number, (cseq, status) in enumerate(steps):
        head = (
            f"Via: SIP/2.0/UDP 10.77.1.101:5060;branch=z9hG4bKr{cseq}\r\nFrom: <sip:101@10.77.1.5>;tag=a\r\n"
            f"To: <sip:101@10.77.1.5>\r\nCall-ID: {call_id}\r\nCSeq: {cseq} REGISTER\r\n"
            "Contact: <sip:101@10.77.1.101:5060>;expires=3600\r\n\r\n"
        )
        tap.from_phone(at_ms + number * 100, ("REGISTER sip:10.77.1.5 SIP/2.0\r\n" + head).encode())
        if status:
            tap.to_phone(at_ms + number * 100 + 30, (f"SIP/2.0 {status} Whatever\r\n" + head).encode())


def counted(tap: Tap, at_ms: int) -> list[tuple[str, str, int, int, int, list[int]]]:
    """(role, extension, attempts, failed, code, delays) told until that time."""
    tap.monitor.handle_deadline(T0_MS + at_ms)
    return [
        (
            event.role,
            event.extension,
            event.attempts,
            event.failed,
            event.code,
            [event.delays[at] << 8 | event.delays[at + 1] for at in range(0, len(event.delays), 2)],
        )
        for event in events_of(tap)
        if isinstance(event, RegistersCounted)
    ]


def test_challenge_belongs_to_the_attempt() -> None:
    """RFC 6076 section 4.1: from the first REGISTER, the round of the challenge included; told once a span."""
    tap = Tap()
    register(tap, 0, ((1, 401), (2, 200)))
    register(tap, 60_000, ((3, 200),))
    assert [] == counted(tap, 100_000)
    assert [("phone", "101", 2, 0, 0, [130, 30])] == counted(tap, 16 * 60_000)


def test_failures_of_registration() -> None:
    """A refusal, wrong credentials, and no answer within timer F have failed (RFC 6076 section 4.2)."""
    tap = Tap()
    register(tap, 0, ((1, 403),))
    register(tap, 1_000, ((2, 401), (3, 401)))
    register(tap, 2_000, ((4, 0),))
    assert [("phone", "101", 3, 3, 0, [])] == counted(tap, 16 * 60_000)


def test_challenge_that_nobody_answers_is_no_attempt() -> None:
    """A scanner asks and goes away; a retransmission is not a second attempt."""
    tap = Tap()
    register(tap, 0, ((1, 401),))
    register(tap, 5_000, ((7, 0), (7, 200)), "r2")
    assert [("phone", "101", 1, 0, 0, [130])] == counted(tap, 16 * 60_000)
