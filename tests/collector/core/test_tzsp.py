import struct

import pytest
from builders import Tap, make_invite, make_udp_frame
from hypothesis import given
from hypothesis import strategies as st
from wrapped import make_tzsp

from collector.core.tzsp import unwrap_tzsp

FRAME = make_udp_frame(make_invite())

# tag type and value; the values hold bytes that look like the end of the tags (RFC-less: TaZmen's own description)
PAD = b"\x00"
TAGS = st.lists(
    st.just(PAD)
    | st.builds(
        lambda kind, value: bytes([kind, len(value)]) + value,
        st.integers(2, 255),
        st.sampled_from([b"", b"\1", b"\1\1\1\1"]) | st.binary(max_size=40),
    ),
    max_size=6,
).map(b"".join)


@given(TAGS, st.sampled_from([0, 1]), st.binary(max_size=200))
def test_frame_comes_out_as_it_went_in(tags, kind, frame):
    """Any tags, padding, and both types that carry frames."""
    assert (frame, 1) == unwrap_tzsp(make_tzsp(frame, kind=kind, tags=tags))


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("none", b""),
        ("padding", PAD * 3),
        ("signal, rate, time stamp, as routers send them", b"\x0a\1\xd0\x0c\1\x02\x0d\4\0\0\1\1"),
        ("a value of ones", b"\x29\2\1\1"),
        ("an unknown tag without a value", b"\xfe\0"),
        ("the sensor's address", b"\x3c\6\2\0\0\0\0\1"),
    ],
)
def test_message_behind_tags_is_heard(name, tags):
    """The tags of real routers, through the whole core."""
    tap = Tap()
    tap.monitor.receive_tzsp(make_tzsp(FRAME, tags=tags), 0)
    assert 1 == tap.monitor.counters.sip_messages, name


@pytest.mark.parametrize(
    ("name", "datagram"),
    [
        ("keep-alive", make_tzsp(b"", kind=4)),
        ("configuration", make_tzsp(FRAME, kind=3)),
        ("802.11", make_tzsp(FRAME, protocol=0x12)),
        ("802.11 with Prism header", make_tzsp(FRAME, protocol=0x77)),
        ("802.11 with AVS header", make_tzsp(FRAME, protocol=0x7F)),
        ("another version", b"\2" + make_tzsp(FRAME)[1:]),
        ("tags without an end", struct.pack("!BBH", 1, 0, 1) + PAD * 8),
        ("a tag that is longer than the datagram", struct.pack("!BBH", 1, 0, 1) + b"\x0a\xff\1"),
        ("nothing", b""),
    ],
)
def test_what_carries_no_ethernet_frame_is_counted_as_ignored(name, datagram):
    """Not an error, and not silence."""
    tap = Tap()
    tap.monitor.receive_tzsp(datagram, 0)
    assert (0, 1) == (tap.monitor.counters.sip_messages, tap.monitor.counters.ignored), name


def test_cut_anywhere_nothing_breaks():
    """A router cuts what does not fit: the frame comes as far as it goes, and its headers still make a leg."""
    whole = make_tzsp(FRAME, tags=b"\x0a\1\xd0" + PAD)
    begin = len(whole) - len(FRAME)
    for length in range(len(whole)):
        found = unwrap_tzsp(whole[:length])
        assert found == ((FRAME[: length - begin], 1) if length >= begin else None)
    tap = Tap()
    tap.monitor.receive_tzsp(whole[:-100], 0)
    assert ["101"] == [leg.extension for leg in tap.close()]


@given(st.binary(max_size=80))
def test_any_bytes_are_survived(data):
    """A frame or none."""
    unwrap_tzsp(data)
