import struct

import pytest
from builders import CARRIER, PBX, Tap, make_invite, phone
from hypothesis import given
from hypothesis import strategies as st
from wrapped import make_hep

from collector.core.hep import hep_auth_key, hep_length, unwrap_hep

INVITE = make_invite()


def chunk(kind, value, vendor=0):
    """One chunk (EEP revision 12, section 4)."""
    return struct.pack("!HHH", vendor, kind, 6 + len(value)) + value


def packet(*chunks):
    """A HEP3 packet of chunks."""
    body = b"".join(chunks)
    return b"HEP3" + struct.pack("!H", 6 + len(body)) + body


IPV4 = st.binary(min_size=4, max_size=4)
IPV6 = st.binary(min_size=16, max_size=16)
PORTS = st.integers(0, 65535)
UNKNOWN = st.builds(chunk, st.integers(16, 65535), st.binary(max_size=30), st.sampled_from([0, 1, 3, 0x1234]))


@given(
    st.tuples(IPV4, IPV4) | st.tuples(IPV6, IPV6), PORTS, PORTS, st.sampled_from([6, 17, 132]), st.binary(min_size=1),
    st.binary(max_size=20), st.lists(UNKNOWN, max_size=3), st.randoms(use_true_random=False),
)  # fmt: skip
def test_packet_comes_out_as_it_went_in(addresses, source_port, target_port, protocol, payload, key, others, random):
    """Either family, chunks in any order, unknown ones and other vendors' between them."""
    source, target = addresses
    six = len(source) == 16
    chunks = [
        chunk(1, b"\x0a" if six else b"\2"), chunk(2, bytes([protocol])), chunk(5 if six else 3, source),
        chunk(6 if six else 4, target), chunk(7, struct.pack("!H", source_port)),
        chunk(8, struct.pack("!H", target_port)), chunk(9, bytes(4)), chunk(10, bytes(4)), chunk(11, b"\1"),
        chunk(12, bytes(4)), chunk(14, key), chunk(15, payload), *others,
    ]  # fmt: skip
    random.shuffle(chunks)
    data = packet(*chunks)
    found = unwrap_hep(data)
    assert len(data) == hep_length(data)
    assert (source, source_port, target, target_port) == (
        found.source,
        found.source_port,
        found.target,
        found.target_port,
    )
    assert (protocol, key, payload) == (found.protocol, hep_auth_key(data), found.payload)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("RTCP", make_hep(b"{}", kind=5)),
        ("a log line", make_hep(b"x", kind=100)),
        ("no payload", packet(chunk(3, PBX), chunk(4, phone(101)), chunk(11, b"\1"))),
        ("no addresses", packet(chunk(11, b"\1"), chunk(15, INVITE))),
        ("an address of five bytes", packet(chunk(3, bytes(5)), chunk(4, PBX), chunk(15, INVITE))),
        ("a chunk shorter than its own header", packet(chunk(3, PBX), b"\0\0\0\4\0\5", chunk(15, INVITE))),
        ("HEP2", b"\2\x10\2\x11" + bytes(12) + INVITE),
        ("nothing", b""),
    ],
)
def test_what_carries_no_sip_is_counted_as_ignored(name, data):
    """Other protocols, and what is no HEP3."""
    assert unwrap_hep(data) is None, name
    tap = Tap()
    tap.monitor.receive_hep(data, 0)
    assert (0, 1) == (tap.monitor.counters.sip_messages, tap.monitor.counters.ignored)


def test_cut_anywhere_nothing_breaks():
    """A packet whose further IP fragments were lost still gives its message as far as it goes."""
    data = make_hep(INVITE, CARRIER, PBX)
    begin = len(data) - len(INVITE)
    for length in range(len(data)):
        found = unwrap_hep(data[:length])
        assert (found.payload if found else b"") == INVITE[: max(0, length - begin)]


def test_length_of_a_packet_on_a_connection():
    """Known once six bytes are there; a negative one means that the stream is no HEP3."""
    data = make_hep(INVITE)
    assert [0, 0, 0, 0, 0, 0] == [hep_length(data[:length]) for length in range(6)]
    assert len(data) == hep_length(data[:6]) == hep_length(data + data)
    assert [-1, -1, -1] == [hep_length(wrong) for wrong in (b"INVITE", b"HEP3\0\5", b"X")]


@given(st.binary(max_size=80).map(lambda tail: b"HEP3" + tail) | st.binary(max_size=80))
def test_any_bytes_are_survived(data):
    """A packet or none."""
    unwrap_hep(data)
