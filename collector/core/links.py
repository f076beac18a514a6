"""Where the network header begins: link layers of a capture, and what stands between them and IP.

Every function gives (offset of the header, its EtherType): b"IP" where only the version nibble decides, b"" where what
follows is no IP. A frame cut short raises IndexError or gives an offset behind its end.
"""

# pcap LINKTYPE numbers (the tcpdump group's list)
LINK_NULL = 0
LINK_ETHERNET = 1
LINK_PPP = 9
LINK_RAW = 101
LINK_LOOP = 108
LINK_SLL = 113
LINK_NFLOG = 239
LINK_SLL2 = 276
LINK_MPLS = 219
LINK_CAPWAP = -5247  # not of the list: a wireless controller's tunnel (RFC 5415)
LINK_GRE = -47  # not of the list either: GRE in UDP (RFC 8086)

_IP_AT = {LINK_NULL: 4, LINK_LOOP: 4, 12: 0, 14: 0, LINK_RAW: 0, 109: 12, 228: 0, 229: 0}  # 109: OpenBSD's enc
_PPP_AT = {LINK_PPP: 0, 50: 0, 51: 6, 204: 1}  # 51: PPPoE without Ethernet, 204: a byte of direction first
_ETHERTYPE_AT = {LINK_SLL: (14, 16), LINK_SLL2: (0, 20), 104: (2, 4)}  # EtherType and what follows; 104: Cisco HDLC

_LINK_LLC = 11  # RFC 2684 over ATM: a DSL line's own recording
_VLAN_TAGS = (b"\x81\x00", b"\x88\xa8", b"\x91\x00")
_MPLS = (b"\x88\x47", b"\x88\x48")
# tags that `odd_links.py` knows: MACsec, 802.1ah, jumbo LLC, VN-Tag, 802.1BR, Cisco metadata, HSR, NSH
_ODD_TAGS = (b"\x88\xe5", b"\x88\xe7", b"\x88\x70", b"\x89\x26", b"\x89\x3f", b"\x89\x09", b"\x89\x2f", b"\x89\x4f")
_ODD_SNAPS = (b"\xaa\xaa\x03\x00\x00\xf8", b"\xaa\xaa\x03\x00\x80\xc2")  # 802.1H; a whole frame (RFC 2684)
_ODD_PPP = (b"\x00\x3d", b"\x00\x31")  # several lines as one (RFC 1990); Ethernet (RFC 3518)
_NFLOG_PAYLOAD = 9
MAX_TAGS_END = 512  # nothing real has a tag behind so many bytes; a hostile frame is made of nothing else


def find_network_layer(frame: bytes, link_type: int) -> tuple[int, bytes]:
    """The network header of a captured frame."""
    if link_type == LINK_ETHERNET:
        return skip_tags(frame, 14, frame[12:14])
    if link_type in _IP_AT:
        return _IP_AT[link_type], b"IP"
    if link_type in _ETHERTYPE_AT:
        at, start = _ETHERTYPE_AT[link_type]
        return skip_tags(frame, start, frame[at : at + 2])
    if link_type in _PPP_AT:
        return find_in_ppp(frame, _PPP_AT[link_type])
    if link_type == _LINK_LLC:
        return find_in_llc(frame, 0, b"")
    if link_type == LINK_NFLOG:
        return _find_in_nflog(frame)
    from collector.core.odd_links import find_in_odd_link  # a board never needs them

    return find_in_odd_link(frame, link_type)


def skip_gre(frame: bytes, start: int) -> tuple[int, bytes]:
    """The network header behind a GRE header: RFC 2784 and 2890, PPTP's (RFC 2637), and ERSPAN, a switch's mirror."""
    flags, more_flags = frame[start], frame[start + 1]
    ethertype = frame[start + 2 : start + 4]
    start += 4
    for bit in (0x80, 0x20, 0x10):  # checksum, key (PPTP: length and call), sequence number
        if flags & bit:
            start += 4
    if ethertype == b"\x88\x0b":  # PPTP acknowledges too
        return find_in_ppp(frame, start + 4 if more_flags & 0x80 else start)
    if ethertype == b"\x65\x58":
        return _enter_ethernet(frame, start)
    if ethertype == b"\x88\xbe":  # ERSPAN I has no header of its own, and no sequence number
        return _enter_ethernet(frame, start + 8 if flags & 0x10 else start)
    if ethertype == b"\x64\x00" and more_flags & 7 == 1:  # MikroTik's EoIP: length and number stand as a key
        return _enter_ethernet(frame, start)
    if ethertype == b"\x88\x3e":  # WCCP: four bytes of its own where version 2 speaks
        return (start, b"IP") if frame[start] >> 4 == 4 else (start + 4, b"IP")
    if ethertype == b"\x22\xeb":  # ERSPAN III; its last bit announces eight bytes more
        return _enter_ethernet(frame, start + 20 if frame[start + 11] & 1 else start + 12)
    return skip_tags(frame, start, ethertype)


def _enter_ethernet(frame: bytes, start: int) -> tuple[int, bytes]:
    return skip_tags(frame, start + 14, frame[start + 12 : start + 14])


def skip_tags(frame: bytes, start: int, ethertype: bytes) -> tuple[int, bytes]:
    """Walks VLAN tags (802.1Q, 802.1ad), then MPLS labels, PPPoE (RFC 2516) or LLC; `start` is behind the EtherType."""
    while ethertype in _VLAN_TAGS:
        ethertype = frame[start + 2 : start + 4]
        start += 4
    if ethertype in _MPLS:
        while not frame[start + 2] & 1:  # RFC 3032 section 2.1: the last label says so
            start += 4
        return start + 4, b"IP"
    if ethertype == b"\x88\x64":
        return find_in_ppp(frame, start + 6)
    if ethertype and ethertype < b"\x06\x00":
        return find_in_llc(frame, start, ethertype)
    if ethertype in _ODD_TAGS and start < MAX_TAGS_END:
        from collector.core.odd_links import find_behind_odd_tag

        return find_behind_odd_tag(frame, start, ethertype)
    return start, ethertype


def find_in_llc(frame: bytes, start: int, length: bytes) -> tuple[int, bytes]:
    """802.2: IP by its own number, or an EtherType in SNAP (RFC 1042)."""
    snap = frame[start : start + 6]
    if snap == b"\xaa\xaa\x03\x00\x00\x00":
        ethertype = frame[start + 6 : start + 8]
        tagged = ethertype in _VLAN_TAGS and start < MAX_TAGS_END
        return skip_tags(frame, start + 8, ethertype) if tagged else (start + 8, ethertype)
    if snap in _ODD_SNAPS and start < MAX_TAGS_END:
        from collector.core.odd_links import find_behind_odd_snap

        return find_behind_odd_snap(frame, start)
    return (start + 3, b"IP") if snap[:3] == b"\x06\x06\x03" else (start, length)


def find_in_ppp(frame: bytes, start: int) -> tuple[int, bytes]:
    """IPv4 and IPv6 in PPP, protocol field of one or two bytes (RFC 1661 section 2), with or without its address."""
    if frame[start] == 0xFF:
        start += 2
    if frame[start] & 1:
        return start + 1, b"IP" if frame[start] in (0x21, 0x57) else b""
    if frame[start : start + 2] in _ODD_PPP and start < MAX_TAGS_END:
        from collector.core.odd_links import find_in_odd_ppp

        return find_in_odd_ppp(frame, start)
    return start + 2, b"IP" if frame[start : start + 2] in (b"\x00\x21", b"\x00\x57") else b""


def _find_in_nflog(frame: bytes) -> tuple[int, bytes]:
    """Packets that a Linux firewall logged: the payload is one of several typed fields, padded to four bytes."""
    at = 4
    while frame[at + 2] | frame[at + 3] << 8 != _NFLOG_PAYLOAD:
        at += max(4, (frame[at] | frame[at + 1] << 8) + 3 & ~3)
    return at + 4, b"IP"
