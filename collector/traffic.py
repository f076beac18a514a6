"""What kind of traffic passes where no SIP is found: judged by the first bytes of a sample of packets."""

from collections import Counter
from collections.abc import Iterable, Sequence

from collector.core.sip import looks_like_sip
from collector.core.websocket import begins_websocket

MIN_RTP = 5  # packets of one port: one that looks like RTP by chance is no call
PORTS_SHOWN = 4
_UDP, _TCP = 17, 6
_RTP_TYPES = (*range(35), *range(96, 128))  # RFC 3551 table 4 and 5, and the dynamic ones
_TLS_RECORDS = (20, 21, 22, 23)
_SIPS_PORT = 5061
_WEBSOCKET_FRAMES = (b"\x81", b"\x82")  # text and binary, whole (RFC 6455 section 5.2)


def describe_sample(packets: Sequence[bytes], overheard: int, heard_ports: frozenset[int] = frozenset()) -> str:
    """What `describe_traffic` says of packets that begin with their IP header, or how many there are; "" for none.

    `overheard` of them are between other machines: without any the port is not mirrored.
    SIP from or to `heard_ports` is no news.
    """
    told = describe_traffic(classify(packet, heard_ports) for packet in packets)
    if told or not packets:
        return told
    return f"other packets, {overheard or 'none'} of {len(packets)} between other machines"


def describe_traffic(kinds: Iterable[tuple[str, int]]) -> str:
    """Kind and ports ("sip 5080 5090", "rtp 10002") of what `classify` said, or "" where nothing tells."""
    found: dict[str, Counter[int]] = {"sip": Counter(), "tls": Counter(), "rtp": Counter()}
    for kind, port in kinds:
        if kind:
            found[kind][port] += 1
    found["rtp"] = Counter({port: count for port, count in found["rtp"].items() if count >= MIN_RTP})
    for kind, ports in found.items():
        if ports:
            return " ".join([kind, *(str(port) for port, _ in ports.most_common(PORTS_SHOWN))])
    return ""


def classify(packet: bytes, heard_ports: frozenset[int] = frozenset()) -> tuple[str, int]:
    """("sip", "tls", "rtp" or "", port) of one IP packet, as far as its first bytes go."""
    if len(packet) < 40:
        return "", 0
    if packet[0] >> 4 == 4:
        protocol, at = packet[9], 4 * (packet[0] & 15)
    else:
        protocol, at = packet[6], 40
    source, target = (int.from_bytes(packet[at + n : at + n + 2], "big") for n in (0, 2))
    if source in heard_ports or target in heard_ports:
        return "", 0
    if protocol == _UDP:
        return classify_payload(protocol, packet[at + 8 :], source, target)
    if protocol == _TCP and len(packet) > at + 12:
        return classify_payload(protocol, packet[at + 4 * (packet[at + 12] >> 4) :], source, target)
    return "", 0


def classify_payload(protocol: int, payload: bytes, source: int, target: int) -> tuple[str, int]:
    """The same of what a UDP datagram or a TCP segment carries, from port to port."""
    return (_classify_udp if protocol == _UDP else _classify_tcp)(payload, source, target)


def _classify_udp(payload: bytes, source: int, target: int) -> tuple[str, int]:
    if looks_like_sip(payload):
        return "sip", source if payload[:4] == b"SIP/" else target  # the side that requests are sent to
    if len(payload) >= 12 and payload[0] >> 6 == 2 and payload[1] & 0x7F in _RTP_TYPES and min(source, target) > 1023:
        return "rtp", target
    return "", 0


def _classify_tcp(payload: bytes, source: int, target: int) -> tuple[str, int]:
    if looks_like_sip(payload):
        return "sip", source if payload[:4] == b"SIP/" else target  # the side that requests are sent to
    if payload[:1] in _WEBSOCKET_FRAMES and begins_websocket(payload):
        return "sip", target if payload[1] & 0x80 else source  # only what goes to the server is masked
    if _SIPS_PORT in {source, target} and payload[:1] and payload[0] in _TLS_RECORDS:
        return "tls", _SIPS_PORT
    return "", 0
