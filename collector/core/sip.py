"""Reading one SIP message: its first line, its Call-ID and its CSeq; `message.py` finds what else is asked for.

Call-ID and CSeq are looked for as nearly everybody writes them; a message that is written otherwise takes the longer
way, and says the same.
"""

from binascii import crc32

from collector.core.headers import CALL_ID, CSEQ
from collector.core.keys import SMALL
from collector.core.message import Message

MAX_CALL_ID_BYTES = 512  # RFC 4475's longest valid one has 150; each open leg keeps its own
CRLF = b"\r\n"
USUAL_BYTES = 200  # Call-ID and CSeq, as nearly everybody writes them
STATUS_SHIFT = 20  # in a mark: the status takes the uppermost ten of its thirty bits


class MalformedMessage(Exception):
    """SIP by its first line, but a header without which nothing can be said is missing or unreadable."""


def looks_like_sip(data: bytes) -> bool:
    """True where a payload's first line is SIP's: how SIP is recognised on any port."""
    if data[:4] == b"SIP/":
        return True
    end = data.find(b"\n")
    line = data[:end] if end >= 0 else data
    line = line.partition(b"\r")[0].rstrip()
    return line[-8:-3].upper() == b" SIP/" and line.find(b"\0") < 0  # else other headers stand before it


def parse_message(data: bytes) -> Message | None:
    """The message of a datagram or a framed piece of a stream; None where it is no SIP at all.

    Raises MalformedMessage for a SIP first line whose Call-ID or CSeq cannot be read.
    """
    return read_usual(data) or _parse_odd(data)


def read_usual(data: bytes) -> Message | None:
    """The message, where it is written as nearly everybody does: CSeq behind Call-ID, both in the same way; else None.

    That they stand in the head needs no proof: the CSeq of a message that a body quotes (RFC 3420) names another method
    than the first line.
    """
    at = data.find(b"\r\nCall-ID: ")
    try:
        _, call_id, line, _ = data[at : at + USUAL_BYTES].split(CRLF, 3)
    except ValueError:  # too few lines
        return None
    call_id = call_id[9:].strip()
    known = CSEQS.get(line) or _learn_cseq(line)
    if known is None or not call_id or at < 0:
        return None
    cseq, method, beginning, mark = known
    status = STATUSES.get(data[:12])
    if status is None:
        status = 0
        if not data.startswith(beginning) or not data[: data.find(b"\r\n")].endswith(b" SIP/2.0"):
            status = _learn_status(data[:12])
            if not status:
                return None
    message = Message()
    message.data = data
    message.front_end = at
    message.call_id = call_id
    message.cseq = cseq
    message.method = method
    message.status = status
    message.mark = mark ^ status << STATUS_SHIFT
    return message


def _parse_odd(data: bytes) -> Message | None:
    """A message whose first line, Call-ID or CSeq is written as hardly anybody does."""
    first_line_end = data.find(b"\r\n")
    if first_line_end <= 0 or data.find(b"\r\n\r\n", first_line_end) < 0:
        return _parse_unframed(data)
    if data.find(b"\n", 0, first_line_end) >= 0:  # a head of bare line feeds; its body may hold what looks like a head
        return parse_message(_with_one_line_end(data))
    method, status = _parse_first_line(data, first_line_end)
    if not method and not status:
        return parse_message(_with_one_line_end(data)) if data.find(b"\r") < first_line_end else None
    message = Message()
    message.data = data
    message.method = method
    message.status = status
    if not _take_identity(message, message.header(CALL_ID), b" ".join(message.header(CSEQ).split())):
        return _parse_mixed(message)
    return message


# What was read once is not read again: a call's messages differ little. All are bounded: a CSeq may be anything.
# CSeq line -> number, method, how its request begins, mark of both
CSEQS: dict[bytes, tuple[int, bytes, bytes, int]] = {}
STATUSES: dict[bytes, int] = {}  # status line up to the blank behind the status -> status
_METHODS: dict[bytes, tuple[bytes, bytes]] = {}  # method -> the one object for it, how its request begins
MAXCSEQS = 16  # most dialogs count from 1; a board has no memory for more


def _learn_cseq(line: bytes) -> tuple[int, bytes, bytes, int] | None:
    """What `CSEQS` holds of a CSeq line as nearly everybody writes it, else None."""
    number, _, method = line[6:].partition(b" ")
    if line[:6] != b"CSeq: " or not number.isdigit() or len(number) > 10 or not method.isalpha():
        return None
    if len(CSEQS) >= MAXCSEQS:
        CSEQS.clear()
    if len(_METHODS) >= MAXCSEQS:
        _METHODS.clear()
    method, beginning = _METHODS.setdefault(method, (method, method + b" "))
    found = CSEQS[line] = int(number), method, beginning, _mark(method, int(number))
    return found


def _learn_status(beginning: bytes) -> int:
    """The status of b"SIP/2.0 200 " and the like; 0 for anything else."""
    text = beginning[8:11]
    if beginning[:8] != b"SIP/2.0 " or beginning[11:] != b" " or not text.isdigit() or not 100 <= int(text) <= 699:
        return 0
    if len(STATUSES) >= MAXCSEQS:
        STATUSES.clear()
    found = STATUSES[beginning] = int(text)
    return found


def _mark(method: bytes, cseq: int) -> int:
    """`Message.mark` but for the status."""
    return crc32(method, cseq) & SMALL


def _take_identity(message: Message, call_id: bytes, cseq: bytes) -> bool:
    """Sets Call-ID, CSeq and a response's method; False where one is missing or unreadable."""
    number, _, method = cseq.partition(b" ")
    if not number.isdigit() or len(number) > 10 or len(call_id) > MAX_CALL_ID_BYTES:
        return False
    message.call_id = call_id.strip()
    message.cseq = int(number)
    if not message.method:
        message.method = method.strip()
    message.mark = _mark(message.method, message.cseq) ^ message.status << STATUS_SHIFT
    return bool(message.method and message.call_id)


def _parse_first_line(data: bytes, end: int) -> tuple[bytes, int]:
    """(method, 0) of a request, (b"", status) of a response, (b"", 0) of neither; RFC 3261 sections 7.1, 7.2."""
    if data[:8] == b"SIP/2.0 ":
        status = data[8:11]
        if status.isdigit() and data[11] in (32, 13):
            number = int(status)
            return b"", number if 100 <= number <= 699 else 0
        return b"", 0
    space = data.find(b" ", 0, end)
    if space > 0 and data[end - 8 : end] == b" SIP/2.0" and space < end - 8:
        return data[:space], 0
    line = data[:end].upper().rstrip()  # leniency: white space behind the version, or the version in another case
    if line[:8] == b"SIP/2.0 " and line[8:11].isdigit() and 100 <= int(line[8:11]) <= 699:
        return b"", int(line[8:11])
    if space > 0 and line[-8:] == b" SIP/2.0" and space < len(line) - 8:
        return data[:space], 0
    return b"", 0


def _parse_unframed(data: bytes) -> Message | None:
    """Leniency: empty lines before the start line (RFC 3261 section 7.5), bare line ends, a missing empty line."""
    data = data.lstrip(b"\r\n\t ")
    bare = b"\n" if data.find(b"\n") >= 0 else b"\r"
    if data.find(bare) < 0:
        return None
    if data.find(b"\r\n") < 0:  # old phones, hand-made tests
        data = data.replace(bare, b"\r\n")
    if data.find(b"\r\n\r\n") < 0:  # cut short, or the empty line forgotten: what is there still counts
        data += b"\r\n\r\n"
    return parse_message(data)


def _with_one_line_end(data: bytes) -> bytes:
    """Every line ends with CR LF."""
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def _parse_mixed(message: Message) -> Message:
    """Leniency: some lines end with a bare line feed or carriage return."""
    data = message.data
    pairs = data.count(b"\r\n")
    if data.count(b"\n") != pairs or data.count(b"\r") != pairs:
        again = parse_message(_with_one_line_end(data))
        if again is not None:
            return again
    raise MalformedMessage("no readable Call-ID or CSeq")
