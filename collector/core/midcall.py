"""Reading what happens inside a dialog: Reason, REFER and its NOTIFY, INFO digits."""

from collector.core.addresses import parameter, split_address, unescape, user_of
from collector.core.events import TRANSFER_ATTENDED, TRANSFER_BLIND, TRANSFER_NONE, LegEnded
from collector.core.headers import CONTENT_TYPE, REASON, REFER_TO
from collector.core.keys import call_key
from collector.core.message import Message
from collector.core.wire import MAX_TEXT

_DIGITS = b"0123456789*#ABCD"
_EVENT_NUMBERS = {b"10": b"*", b"11": b"#", b"12": b"A", b"13": b"B", b"14": b"C", b"15": b"D"}  # RFC 4733 section 3.2


def read_reasons(facts: LegEnded, message: Message) -> None:
    """Reason headers of a CANCEL, BYE or response (RFC 3326): both protocols may be there, joined or apart."""
    if not message.rare_header(REASON):
        return
    for value in message.headers(REASON):
        for reason in value.split(b","):
            protocol = reason.partition(b";")[0].strip().upper()
            cause = parameter(reason, b"cause")
            if not cause.isdigit() or len(cause) > 4:
                continue
            if protocol == b"SIP":
                facts.reason_sip = int(cause)
            elif protocol == b"Q.850":
                facts.reason_q850 = int(cause)


def read_refer(message: Message) -> tuple[str, str, bytes]:
    """(transfer, number it goes to, call_key of the dialog it replaces) of a REFER (RFC 3515, RFC 3891)."""
    uri = split_address(message.header(REFER_TO))[0]
    target, question, headers = uri.partition(b"?")
    if parameter(target, b"method").upper() not in (b"", b"INVITE"):  # RFC 5359 section 2.6: a MESSAGE, a SUBSCRIBE
        return TRANSFER_NONE, "", b""
    number = user_of(target)[:MAX_TEXT]
    at = headers.lower().find(b"replaces=") if question else -1
    if at < 0:
        return TRANSFER_BLIND, number, b""
    return TRANSFER_ATTENDED, number, replaced_key(unescape(headers[at + 9 :].partition(b"&")[0]))


def replaced_key(replaces: bytes) -> bytes:
    """The call_key of the dialog that a Replaces value names."""
    call_id = replaces.partition(b";")[0].strip()
    return call_key(call_id) if call_id else b""


def read_notify_status(message: Message) -> int:
    """The status that a NOTIFY's sipfrag reports (RFC 3515 section 2.4.5), 0 where it reports none."""
    if message.header(CONTENT_TYPE)[:15].lower() != b"message/sipfrag":
        return 0
    status = message.body[8:11]
    return int(status) if message.body[:8] == b"SIP/2.0 " and status.isdigit() else 0


def dtmf_digits(message: Message) -> str:
    """The digit of an INFO: `application/dtmf-relay` (Signal=5) or `application/dtmf` (5); "" where there is none."""
    kind = message.header(CONTENT_TYPE).lower()
    body = message.body
    if kind.startswith(b"application/dtmf-relay"):
        at = body.lower().find(b"signal")
        body = body[at:].partition(b"=")[2] if at >= 0 else b""
    elif not kind.startswith(b"application/dtmf"):
        return ""
    digit = body.strip()[:2].strip()
    digit = _EVENT_NUMBERS.get(digit, digit).upper()
    return str(digit, "utf-8") if len(digit) == 1 and digit in _DIGITS else ""
