import pytest
from builders import make_sdp

from collector.core.sdp import INACTIVE, NO_SDP, RECEIVE_ONLY, SEND_ONLY, SEND_RECEIVE, media_direction


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ("", SEND_RECEIVE),
        ("sendrecv", SEND_RECEIVE),
        ("sendonly", SEND_ONLY),
        ("recvonly", RECEIVE_ONLY),
        ("inactive", INACTIVE),
    ],
)
def test_attribute_says_the_direction(direction, expected):
    """RFC 4566 section 6; without an attribute media flow both ways."""
    assert media_direction(make_sdp(direction).encode()) == expected


def test_zero_address_is_the_old_way_to_hold():
    """c=0.0.0.0 of RFC 2543, in the session or in the stream; an o= line with it means nothing."""
    assert media_direction(make_sdp(connection="0.0.0.0").encode()) == SEND_ONLY
    stream = make_sdp() + "c=IN IP4 0.0.0.0\r\n"
    assert media_direction(stream.encode()) == SEND_ONLY
    origin = make_sdp().replace("o=- 1 1 IN IP4 10.77.1.101", "o=- 1 1 IN IP4 0.0.0.0")
    assert media_direction(origin.encode()) == SEND_RECEIVE


def test_streams_attribute_goes_before_the_sessions():
    """A session-level attribute holds for streams without their own (RFC 4566 section 5.13)."""
    session = make_sdp().replace("t=0 0", "t=0 0\r\na=inactive")
    assert media_direction(session.encode()) == INACTIVE
    assert media_direction((session + "a=sendrecv\r\n").encode()) == SEND_RECEIVE


def test_audio_counts_wherever_it_stands():
    """Video on hold beside talking audio is no hold; without audio the first stream counts."""
    both = make_sdp("inactive", media="video 4002 RTP/AVP 96") + "m=audio 4000 RTP/AVP 8\r\na=sendrecv\r\n"
    assert media_direction(both.encode()) == SEND_RECEIVE
    assert media_direction(make_sdp("sendonly", media="image 4004 udptl t38").encode()) == SEND_ONLY


def test_description_within_a_multipart_body():
    """What stands before v=0 is passed over (SIP-I, PIDF-LO)."""
    assert media_direction(b"--x\r\nContent-Type: application/sdp\r\n\r\n" + make_sdp("sendonly").encode()) == SEND_ONLY


def test_no_description():
    """Other bodies and none."""
    for body in (b"", b"Signal=5\r\n", b"SIP/2.0 180 Ringing\r\n"):
        assert media_direction(body) == NO_SDP


def test_description_without_streams():
    """A session description that offers nothing (a delayed one, or the torture of RFC 4475) holds nobody."""
    assert media_direction(b"v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\nt=0 0\r\n") == SEND_RECEIVE


def test_audio_that_is_switched_off_beside_a_fax_is_no_hold():
    """A T.38 offer with `m=audio 0` (RFC 3264 section 6): the fax's stream counts, not the dead one's `inactive`."""
    fax = make_sdp(media="audio 0 RTP/AVP 8\r\na=inactive\r\nm=image 4000 udptl t38")
    assert media_direction(fax.encode()) == SEND_RECEIVE
    assert media_direction(make_sdp("inactive", media="audio 0 RTP/AVP 8").encode()) == INACTIVE
