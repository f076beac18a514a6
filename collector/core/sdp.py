"""The little of SDP that call timing needs: in which direction media flows (RFC 4566, RFC 3264 section 8.4)."""

NO_SDP = 0
INACTIVE = 1
SEND_ONLY = 2
RECEIVE_ONLY = 3
SEND_RECEIVE = 4

_DIRECTIONS = {
    b"a=sendrecv": SEND_RECEIVE,
    b"a=sendonly": SEND_ONLY,
    b"a=recvonly": RECEIVE_ONLY,
    b"a=inactive": INACTIVE,
}


def media_direction(body: bytes) -> int:
    """Direction of the first audio stream (else the first stream) of a session description; NO_SDP without one.

    A media section's own attribute goes before the session's. `c=IN IP4 0.0.0.0` is the older way to hold
    (RFC 2543) and counts as INACTIVE for what is received, so as SEND_ONLY of the side that wrote it.
    """
    start = body.find(b"v=0")
    if start < 0:
        return NO_SDP
    section = _first_stream(body, start)
    session_end = body.find(b"\nm=", start)
    session = body[start : session_end if session_end >= 0 else len(body)]
    connection = section if section.find(b"\nc=") >= 0 else session
    if connection.find(b"\nc=IN IP4 0.0.0.0") >= 0:
        return SEND_ONLY
    found = _attribute(section)
    return found if found else _attribute(session) or SEND_RECEIVE


def event_stream(body: bytes) -> "tuple[bytes, int, int] | None":
    """(address, port, payload type) that keypad digits are sent to (RFC 4733 section 7.1.1); None where to nowhere.

    An IPv4 address is packed; the voice of IPv6 calls is not followed.
    """
    start = body.find(b"v=0")
    section = _first_stream(body, start) if start >= 0 else b""
    words = section[1:].partition(b"\n")[0].split()
    if len(words) < 2 or not words[1].isdigit() or len(words[1]) > 5:
        return None
    connection = section if section.find(b"\nc=") >= 0 else body
    at = connection.find(b"\nc=IN IP4 ")
    address = _packed(connection[at + 10 :].partition(b"\n")[0].strip()) if at >= 0 else b""
    payload_type = _event_type(section)
    if not address or payload_type < 0:
        return None
    return address, int(words[1]), payload_type


def _packed(dotted: bytes) -> bytes:
    """Four bytes of an IPv4 address; b"" where it is none, or 0.0.0.0."""
    parts = dotted.split(b".")
    numbers = [int(part) for part in parts if part.isdigit() and len(part) <= 3]
    if len(parts) != 4 or len(numbers) != 4 or max(numbers) > 255 or not any(numbers):
        return b""
    return bytes(numbers)


def _event_type(section: bytes) -> int:
    """The payload type that `a=rtpmap` gives to telephone-event, -1 for none."""
    at = section.find(b"\na=rtpmap:")
    while at >= 0:
        number, _, name = section[at + 10 :].partition(b"\n")[0].partition(b" ")
        if name.strip().lower()[:15] == b"telephone-event" and number.isdigit() and len(number) <= 3:
            return int(number)
        at = section.find(b"\na=rtpmap:", at + 1)
    return -1


def _first_stream(body: bytes, start: int) -> bytes:
    """The first audio section, else the first; b"" in a description without streams.

    Streams with port 0 are switched off (RFC 3264 section 6): audio beside a fax is, and its direction says nothing.
    """
    for kind, off in ((b"\nm=audio", False), (b"\nm=", False), (b"\nm=audio", True), (b"\nm=", True)):
        at = body.find(kind, start)
        while at >= 0:
            end = body.find(b"\nm=", at + 1)
            section = body[at : end if end >= 0 else len(body)]
            if off or section.partition(b"\n")[2].partition(b"\n")[0].split()[1:2] != [b"0"]:
                return section
            at = body.find(kind, at + 1)
    return b""


def _attribute(section: bytes) -> int:
    """The direction attribute of a section, 0 where it has none."""
    at = section.find(b"\na=")
    while at >= 0:
        direction = _DIRECTIONS.get(section[at + 1 : at + 11])
        if direction is not None:
            return direction
        at = section.find(b"\na=", at + 1)
    return 0
