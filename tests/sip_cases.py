"""Frames with SIP messages in every form that a capture may hold them in, each case by its name."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from builders import make_ethernet, make_fragments, make_ipv4, make_request, make_response, make_sip, make_tcp, make_udp
from link_layers import extension_chains, rare_links, usual_links
from wrapped import (
    BINARY,
    CONTINUATION,
    FIRST,
    LAST,
    SWITCHED,
    UPGRADE,
    make_data,
    make_hep,
    make_sctp_frame,
    make_tzsp,
    make_websocket_frame,
)

Frames = list[tuple[bytes, int]]  # frame, pcap's link type
Change = Callable[[bytes], bytes]


class Cases:
    """Frames by the name of what they try; every case has addresses, ports and Call-IDs of its own."""

    def __init__(self) -> None:
        self.frames: dict[str, Frames] = {}

    def ends(self) -> tuple[bytes, bytes]:
        """Two addresses that no other case has."""
        number = len(self.frames)
        return bytes([10, 9, number >> 8, number & 255]), bytes([10, 8, number >> 8, number & 255])

    def request(self, number: int = 0) -> bytes:
        """A request that no other case has."""
        return make_request("OPTIONS", call_id=f"case-{len(self.frames)}-{number}")

    def add(self, name: str, frames: Frames) -> None:
        """One case."""
        assert name not in self.frames, name
        self.frames[name] = frames

    def add_datagram(self, name: str, payload: bytes, ports: tuple[int, int] = (5060, 5060)) -> None:
        """One UDP datagram in Ethernet."""
        self.add(name, [(make_ethernet(make_ipv4(make_udp(payload, *ports), *self.ends())), 1)])

    def add_stream(
        self,
        name: str,
        pieces: list[bytes],
        *,
        port: int = 5060,
        order: tuple[int, ...] = (),
        back: tuple[bytes, ...] = (),
    ) -> None:
        """Segments of a connection, opened by a SYN, in the order of their numbers."""
        client, server = self.ends()
        there = list(_segments(pieces, client, server, (40_000, port)))
        frames = [there[number] for number in order] if order else there
        self.add(name, [(frame, 1) for frame in [*frames, *_segments(back, server, client, (port, 40_000))]])


def _segments(pieces: Sequence[bytes], source: bytes, target: bytes, ports: tuple[int, int]) -> Iterator[bytes]:
    sequence = 1_000
    for flags, piece in [(2, b""), *((0x18, piece) for piece in pieces)]:
        yield make_ethernet(make_ipv4(make_tcp(piece, sequence, flags, *ports), source, target, 6))
        sequence += len(piece) or 1


def add_layers(cases: Cases) -> None:
    """Link layers, tags, tunnels, extension headers, fragments."""
    for build in (usual_links, rare_links):
        for name in build(b"", b"", b""):
            cases.add(name, [build(make_udp(cases.request()), *cases.ends())[name]])
    six = bytes(14)
    for name in extension_chains(b"", six, six):
        source, target = (b"\x20\x01" + bytes(10) + end for end in cases.ends())
        cases.add(name, [extension_chains(make_udp(cases.request()), source, target)[name]])
    for name, reverse in (("fragments", False), ("fragments in reverse", True)):
        pieces = make_fragments(make_udp(cases.request()), 96, *cases.ends())
        cases.add(name, [(frame, 1) for frame in (pieces[::-1] if reverse else pieces)])
    add_tunnels(cases)


def add_tunnels(cases: Cases) -> None:
    """Packets in UDP datagrams."""

    def packet() -> bytes:
        return make_ipv4(make_udp(cases.request()), *cases.ends())

    tunnels: dict[str, tuple[int, Callable[[], bytes]]] = {
        "VXLAN": (4789, lambda: b"\x08" + bytes(7) + make_ethernet(packet())),
        "VXLAN-GPE": (4790, lambda: b"\x0c\0\0\1" + bytes(4) + packet()),
        "Geneve": (6081, lambda: b"\0\0\x65\x58" + bytes(4) + make_ethernet(packet())),
        "L2TP": (1701, lambda: b"\0\2\0\1\0\1\xff\3\0\x21" + packet()),
        "LISP": (4341, lambda: bytes(8) + packet()),
        "MPLS in UDP": (6635, lambda: b"\0\1\1\x40" + packet()),
        "GRE in UDP": (4754, lambda: b"\0\0\x08\0" + packet()),
        "CAPWAP": (5247, lambda: b"\0\x10" + bytes(6) + make_ethernet(packet())),
        "TZSP": (37008, lambda: make_tzsp(make_ethernet(packet()))),
        "HEP": (9060, lambda: make_hep(cases.request())),
    }
    for name, (port, build_payload) in tunnels.items():
        cases.add_datagram(name, build_payload(), (40_000, port))


# --- first lines, headers and line ends: what a device may write wrong -----------------------------------------------


def swap(before: bytes, after: bytes) -> Change:
    """A message with something else in one place."""
    return partial(_swap, before=before, after=after)


def _swap(message: bytes, before: bytes, after: bytes) -> bytes:
    return message.replace(before, after, 1)


VERSION = b" SIP/2.0\r\nVia"
URI = b"sip:101@10.77.1.101:5060"
CHANGES: dict[str, Change] = {
    "as it should be": swap(b"", b""),
    "a method in lower case": swap(b"OPTIONS sip", b"options sip"),
    "an unknown method": swap(b"OPTIONS sip", b"FOOBAR sip"),
    "two blanks": swap(b"OPTIONS sip", b"OPTIONS  sip"),
    "blanks before the version": swap(VERSION, b"  SIP/2.0\r\nVia"),
    "a blank behind the version": swap(VERSION, b" SIP/2.0 \r\nVia"),
    "a version in lower case": swap(VERSION, b" sip/2.0\r\nVia"),
    "another version": swap(VERSION, b" SIP/3.0\r\nVia"),
    "empty lines before": lambda message: b"\r\n\r\n" + message,
    "a blank before": lambda message: b" " + message,
    "a zero before": lambda message: b"\0" + message,
    "line feeds": lambda message: message.replace(b"\r\n", b"\n"),
    "carriage returns": lambda message: message.replace(b"\r\n", b"\r"),
    "a line feed first": lambda message: message.replace(b"\r\n", b"\n\r"),
    "a telephone number": swap(URI, b"tel:+44123"),
    "no scheme": swap(URI, b"101@pbx"),
    "a page": swap(URI, b"http://pbx/x"),
    "brackets": swap(URI, b"<sip:101@pbx>"),
    "a blank in the URI": swap(URI, b"sip:1 01@pbx"),
    "odd bytes in the URI": swap(URI, b"sip:\xff\xfe101@pbx"),
    "no CSeq": swap(b"CSeq: 1 OPTIONS\r\n", b""),
    "no Call-ID": swap(b"Call-ID", b"X-Nope"),
    "blanks in CSeq": swap(b"CSeq: 1 ", b"CSeq:   1    "),
    "a CSeq that is none": swap(b"CSeq: 1 ", b"CSeq: x "),
    "a folded Call-ID": swap(b"Call-ID: ", b"Call-ID:\r\n "),
    "cut in the head": lambda message: message[:120],
    "cut in the first line": lambda message: message[:20],
    "only the first line": lambda message: message[: message.find(b"\r\n")],
    "a longer Content-Length": swap(b"Content-Length: 0", b"Content-Length: 99"),
    "no Content-Length": swap(b"Content-Length: 0\r\n", b""),
    "a second message behind": lambda message: message + message.replace(b"Call-ID: ", b"Call-ID: 2"),
}
STATUS_LINES = (
    b"SIP/2.0 200", b"SIP/2.0 200 ", b"SIP/2.0 99 x", b"SIP/2.0 700 x", b"SIP/2.0 1000 x", b"SIP/2.0  200 OK",
    b"sip/2.0 200 OK", b"SIP/1.0 200 OK", b"SIP/2.0 20x OK", b"SIP/2.0\t200 OK", b"SIP/2.0 200\tOK", b"SIP/2.0 000 x",
    b"SIP/2.0 999 x", b"SIP/2.0 200OK", b"SIP/2.0 200 O\xffK",
)  # fmt: skip
OTHERS = {
    "an empty datagram": b"",
    "line ends": b"\r\n\r\n",
    "zeros": bytes(4),
    "STUN": b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12),
    "SigComp": b"\xf8\1\2\3" * 10,
    "RTP": b"\x80\x08" + bytes(170),
    "a web page": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "RTSP": b"OPTIONS rtsp://x/ RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    "MGCP": b"RQNT 1 aaln/1@rgw MGCP 1.0\r\nX: 1\r\n\r\n",
}
PORTS = ((5060, 5060), (40_000, 5060), (5060, 40_000), (40_000, 40_001), (5061, 5061), (53, 5060), (5060, 4789), (9, 7))


def add_texts(cases: Cases) -> None:
    """Each on the usual port, and on one where only its first line says what it is."""
    for ports in PORTS:
        cases.add_datagram(f"ports {ports}", cases.request(), ports)
    for where, ports in (("", (5060, 5060)), (", any port", (40_010, 40_011))):
        for name, change in CHANGES.items():
            cases.add_datagram(name + where, change(cases.request()), ports)
        for line in STATUS_LINES:
            response = make_response(cases.request(), 200).replace(b"SIP/2.0 200 Whatever", line)
            cases.add_datagram(f"{line!r}{where}", response, ports)
        for name, payload in OTHERS.items():
            cases.add_datagram(name + where, payload, ports)
    quoted = make_sip("SIP/2.0 200 OK", [("Call-ID", "x"), ("CSeq", "1 INVITE")]).decode()
    kinds = {
        "a message that another one carries": "message/sip",
        "a fragment that another one carries": "message/sipfrag",
    }
    for name, kind in kinds.items():
        carrier = make_request("MESSAGE", call_id=name.replace(" ", "-"), extra=[("Content-Type", kind)], body=quoted)
        cases.add_datagram(name, carrier)


# --- streams ---------------------------------------------------------------------------------------------------------


def add_streams(cases: Cases) -> None:
    """TCP: any split, any order, keep-alives, what other protocols leave there."""
    one, two, three = (cases.request(number) for number in range(3))
    body = make_request("OPTIONS", call_id="stream-with-body", body="v=0\r\n" * 20)
    bare = three.replace(b"Content-Length: 0\r\n", b"")
    streams: dict[str, tuple[list[bytes], tuple[int, ...]]] = {
        "one segment": ([one], ()),
        "many segments": ([one[:5], one[5:120], one[120:], two], ()),
        "byte by byte": ([one[at : at + 1] for at in range(len(one))], ()),
        "three in a segment": ([one + two + three], ()),
        "a segment with an end and a beginning": ([one + two[:80], two[80:] + three], ()),
        "keep-alives": ([b"\r\n\r\n", one, b"\r\n", two, b"\r\n\r\n" + three], ()),
        "compact length": ([one.replace(b"Content-Length: 0", b"l: 0") + two], ()),
        "a body": ([body[:300], body[300:] + one], ()),
        "a folded length": ([body.replace(b"Length: ", b"Length:\r\n ") + one, two], ()),
        "a length beyond reason": ([one.replace(b"Length: 0", b"Length: 99999999999"), two], ()),
        "a hole in a body": ([body[:300], body[300:310], body[310:] + one, two], (0, 1, 3, 4)),
        "the end of a body missing": ([one, body[:300]], ()),
        "joined in a first line": ([one[:30], one[30:], two], (1, 2, 3)),
        "no length": ([bare, one], ()),
        "no length, in pieces": ([bare[:90], bare[90:], one], ()),
        "a length that is none": ([one.replace(b"Content-Length: 0", b"Content-Length: x"), two], ()),
        "line feeds": ([one.replace(b"\r\n", b"\n"), two], ()),
        "out of order": ([one[:100], one[100:200], one[200:], two], (0, 1, 3, 2, 4)),
        "twice": ([one, two], (0, 1, 1, 2, 2)),
        "joined in the middle": ([one[80:], two, three], (1, 2, 3)),
        "a hole": ([one[:100], one[100:150], one[150:], two], (0, 1, 3, 4)),
        "STUN between": ([one, b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12), two], ()),
        "zeros between": ([one, bytes(4), two], ()),
        "something else between": ([one, b"hello there\r\n", two], ()),
        "a proxy's greeting": ([b"PROXY TCP4 1.2.3.4 1.2.3.5 4000 5060\r\n", one, two], ()),
    }
    for name, (pieces, order) in streams.items():
        for port in (5060, 40_003):
            cases.add_stream(f"stream: {name}, port {port}", pieces, port=port, order=order)


def add_websockets(cases: Cases) -> None:
    """RFC 7118, on the usual ports of web servers and on SIP's."""
    for port in (80, 8088, 5066):
        there, back = cases.request(0), cases.request(1)
        frames = [make_websocket_frame(there[:90], final=False) + make_websocket_frame(there[90:], CONTINUATION)]
        answers = SWITCHED, make_websocket_frame(back, BINARY, mask=b"")
        cases.add_stream(f"WebSocket on {port}", [UPGRADE, *frames], port=port, back=answers)
        cases.add_stream(f"WebSocket on {port}, joined in the middle", frames, port=port, back=answers[1:])


def add_sctp(cases: Cases) -> None:
    """RFC 4168."""
    for name, ports in (
        ("on its port", (5060, 5060)),
        ("on any port", (4_000, 4_001)),
        ("on the port of TLS", (5061, 5061)),
    ):
        chunk = make_data(cases.request())
        cases.add(f"SCTP {name}", [(make_sctp_frame(chunk, *cases.ends(), ports=ports, tag=len(cases.frames)), 1)])
    for name in ("SCTP, two in a packet", "SCTP, one in two packets"):
        one, two = cases.request(0), cases.request(1)
        packets = [make_data(one, 1) + make_data(two, 2)]
        if "two packets" in name:
            packets = [make_data(one[:100], 1, FIRST), make_data(one[100:], 2, LAST)]
        tag = len(cases.frames)
        cases.add(name, [(make_sctp_frame(packet, *cases.ends(), tag=tag), 1) for packet in packets])


def all_cases() -> dict[str, Frames]:
    """Every case; the frames of each belong together and no others do."""
    cases = Cases()
    for add in (add_layers, add_texts, add_streams, add_websockets, add_sctp):
        add(cases)
    return cases.frames
