"""TZSP, the format in which a MikroTik router streams what it sniffs (UDP port 37008 by default).

    version (1) | type | encapsulated protocol (2 bytes) | tagged fields ... END | the frame

A tag is one byte of type, one of length and its value; PAD (0) and END (1) have neither length nor value. The frame is
found by walking the tags: a value may well hold bytes that look like END.
"""

PORT = 37008
_VERSION = 1
_TYPES_WITH_FRAME = (0, 1)  # received packet; packet for transmit, as some routers mark what they forward
_TAG_PAD = 0
_TAG_END = 1

# encapsulated protocol -> pcap LINKTYPE; 802.11 (0x12, 0x77, 0x7F) is not read
_LINK_TYPES = {0x01: 1}


def unwrap_tzsp(datagram: bytes) -> tuple[bytes, int] | None:
    """(frame, link type) of a TZSP datagram; None for keep-alives, other encapsulations and what is cut or no TZSP."""
    found = find_tzsp_frame(datagram)
    return (datagram[found[0] :], found[1]) if found is not None else None


def find_tzsp_frame(datagram: bytes) -> tuple[int, int] | None:
    """(where the frame begins, its link type), for a board that has no memory for a copy; None as above."""
    if len(datagram) < 5 or datagram[0] != _VERSION or datagram[1] not in _TYPES_WITH_FRAME:
        return None
    link_type = _LINK_TYPES.get(datagram[2] << 8 | datagram[3])
    if link_type is None:
        return None
    at = 4
    while at < len(datagram):
        tag = datagram[at]
        if tag == _TAG_END:
            return at + 1, link_type
        if tag == _TAG_PAD:
            at += 1
        elif at + 1 < len(datagram):
            at += 2 + datagram[at + 1]
        else:
            return None
    return None
