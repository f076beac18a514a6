import pytest
from builders import (
    ETHERNET,
    PBX,
    make_ethernet,
    make_fragments,
    make_invite,
    make_tcp_frame,
    make_udp,
    make_udp_frame,
    phone,
)

from collector.core.hops import TCP, UDP, HopTable
from collector.core.keys import mark_of
from collector.core.monitor import CallMonitor, MonitorSettings

INVITE = make_invite()
FRAME = make_udp_frame(INVITE)


def counted(frames):
    """The counters of a monitor that received these frames at once."""
    monitor = CallMonitor(MonitorSettings())
    for frame in frames:
        monitor.receive_frame(frame, 0, ETHERNET, len(frame))
    return {name: count for name, count in monitor.counters.as_dict().items() if count}


def test_a_hop_is_one_object_for_each_transport():
    """What follows from the addresses is worked out once; the way back is another hop."""
    table = HopTable(8)
    hop = table.hop(PBX, 5060, phone(101), 5062, UDP)
    assert hop is table.hop(PBX, 5060, phone(101), 5062, UDP)
    assert hop is not table.hop(PBX, 5060, phone(101), 5062, TCP)
    back = hop.back()
    assert (mark_of(PBX), mark_of(phone(101)), 5062, 5060) == (
        hop.sender,
        back.sender,
        back.source_port,
        back.target_port,
    )


def test_a_udp_hop_is_found_by_the_bytes_of_a_frame():
    """Addresses and ports stand one after the other there (RFC 791, RFC 768)."""
    table = HopTable(8)
    hop = table.hop(PBX, 5060, phone(101), 5060, UDP)
    assert hop is table.known[FRAME[26:38]]


def test_hops_are_bounded():
    """A scan from endless ports keeps no more than the limit."""
    table = HopTable(8)
    for port in range(100):
        table.hop(PBX, port, phone(101), 5060, UDP)
        assert len(table.known) <= 8


@pytest.mark.parametrize(
    "frame",
    [
        FRAME + b"\0\0\0\0",
        FRAME[:-1],
        FRAME[:40],
        make_ethernet(FRAME[14:], tags=b"\x81\x00\x00\x07"),
        make_fragments(make_udp(INVITE), 480, PBX, phone(101))[0],
        make_tcp_frame(INVITE, 1, source_port=5060),
    ],
    ids=["padded", "cut by a byte", "cut in its header", "tagged", "a first fragment", "TCP"],
)
def test_a_known_hop_changes_nothing_but_the_time_it_takes(frame):
    """What the frame alone counts, it counts behind a message of its hop; that it is a copy is all that is new."""
    alone, before, after = counted([frame]), counted([FRAME]), counted([FRAME, frame])
    for name in ("frames", "datagrams", "sip_messages", "truncated", "fragments", "malformed", "ignored"):
        assert after.get(name, 0) == before.get(name, 0) + alone.get(name, 0), name
