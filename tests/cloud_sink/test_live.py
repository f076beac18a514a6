"""The picture of what rings: `cloud_sink.live`, and what reaches it: `cloud_sink.live_channel`."""

import msgpack
import pytest

from cloud_sink.live import MAX_LEGS, LivePicture, Progress
from cloud_sink.live_channel import LiveChannel
from collector.core import wire
from collector.core.events import LegEnded

OFFICE_OF = {"box-1": "london", "box-2": "paris"}


@pytest.fixture
def picture() -> LivePicture:
    """An empty picture."""
    return LivePicture()


@pytest.fixture
def channel(picture: LivePicture) -> LiveChannel:
    """Two boxes of two offices; a third belongs to nobody. The clock stands at 1000 s."""
    return LiveChannel(picture, lambda box: OFFICE_OF.get(box, ""), lambda: 1_000_000)


def say(channel: LiveChannel, box: str, phase: str, key: bytes = b"12345678", extension: str = "101") -> bool:
    """What a box publishes when a leg reaches a phase."""
    leg = LegEnded(5, key)
    leg.role, leg.extension, leg.caller = "phone", extension, "447700900123"
    payload = msgpack.packb(wire.encode_progress(leg, wire.PHASES.index(phase), 5))
    return channel.receive_message(wire.topic(box, "live"), payload)


def shown(picture: LivePicture, office: str = "london", now_ms: int = 1_000_000) -> list[tuple[str, str]]:
    """Extension and phase of every open leg."""
    return [(leg.extension, leg.phase) for leg in picture.legs(office, now_ms)]


def test_a_leg_goes_from_ringing_to_talking_to_nothing(channel: LiveChannel, picture: LivePicture) -> None:
    """Each phase takes the place of the one before."""
    for phase, expected in (("calling", "calling"), ("ringing", "ringing"), ("talking", "talking"), ("ended", "")):
        assert say(channel, "box-1", phase)
        assert ([("101", expected)] if expected else []) == shown(picture)


def test_forked_legs_of_one_call_are_told_apart(channel: LiveChannel, picture: LivePicture) -> None:
    """A ring group rings several phones under one Call-ID: one that stops does not silence the others."""
    for extension in ("101", "102", "103"):
        say(channel, "box-1", "ringing", extension=extension)
    say(channel, "box-1", "ended", extension="102")
    assert [("101", "ringing"), ("103", "ringing")] == shown(picture)


def test_offices_see_their_own_phones_only(channel: LiveChannel, picture: LivePicture) -> None:
    """The topic says which box speaks; a box that no office lists is shown nowhere."""
    say(channel, "box-2", "ringing")
    say(channel, "nobody", "ringing")
    assert [] == shown(picture)
    assert [("101", "ringing")] == shown(picture, "paris")


def test_a_phone_that_rings_for_ever_is_forgotten(channel: LiveChannel, picture: LivePicture) -> None:
    """The word that it stopped was lost: five minutes later it is gone."""
    say(channel, "box-1", "ringing")
    assert [("101", "ringing")] == shown(picture, now_ms=1_000_000 + 299_000)
    assert [] == shown(picture, now_ms=1_000_000 + 301_000)


def test_a_box_that_goes_away_takes_its_phones_along(channel: LiveChannel, picture: LivePicture) -> None:
    """Its last will is passed on to the database too; a birth changes nothing here."""
    say(channel, "box-1", "ringing")
    assert not channel.receive_message("rt/1/box-1/state", msgpack.packb({"online": True}))
    assert [("101", "ringing")] == shown(picture)
    assert not channel.receive_message("rt/1/box-1/state", msgpack.packb({"online": False}))
    assert [] == shown(picture)


def test_the_last_will_of_an_old_connection_takes_nothing_along(channel: LiveChannel, picture: LivePicture) -> None:
    """A broker notices a dead line late: by then the box speaks on another one, and its phones ring on."""
    channel.receive_message("rt/1/box-1/state", msgpack.packb({"online": True, "connection": 8}))
    say(channel, "box-1", "ringing")
    channel.receive_message("rt/1/box-1/state", msgpack.packb({"online": False, "connection": 7}))
    assert [("101", "ringing")] == shown(picture)
    channel.receive_message("rt/1/box-1/state", msgpack.packb({"online": False, "connection": 8}))
    assert [] == shown(picture)


@pytest.mark.parametrize("payload", [b"", b"\xc1", msgpack.packb([1]), msgpack.packb({"a": 1}), b"x" * 70_000])
def test_junk_is_counted_and_goes_nowhere(channel: LiveChannel, picture: LivePicture, payload: bytes) -> None:
    """Neither an error nor a place in quarantine: the leg's durable event comes anyway."""
    assert channel.receive_message("rt/1/box-1/live", payload)
    assert 1 == channel.malformed
    assert [] == shown(picture)


def test_other_channels_are_left_alone(channel: LiveChannel) -> None:
    """Durable events go to the database, whatever they hold."""
    assert not channel.receive_message("rt/1/box-1/ev", b"\xc1")
    assert not channel.receive_message("homeassistant/x/state", b"\xc1")


def test_a_hostile_box_cannot_fill_the_memory(picture: LivePicture) -> None:
    """The oldest of too many legs goes; other boxes keep theirs."""
    picture.receive_progress("box-2", "london", Progress("k", "ringing", "phone", "in", "999", "", "", 0))
    for number in range(MAX_LEGS + 10):
        picture.receive_progress("box-1", "london", Progress(str(number), "ringing", "phone", "in", "1", "", "", 1))
    assert (10, MAX_LEGS + 1) == (picture.dropped, len(picture.legs("london", 2)))
