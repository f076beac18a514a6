"""The secrets that callers' numbers are keyed with: `collector.caller_keys`."""

import os
import stat
from datetime import UTC, datetime, timedelta

import pytest

from collector.caller_keys import KeyRing, load_key, load_keys, rotate
from collector.errors import ConfigurationError

DAY = timedelta(days=1)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


def ms(moment):
    """Unix milliseconds of a moment."""
    return int(moment.timestamp() * 1000)


def test_the_key_is_made_once_and_kept_for_its_owner_only(tmp_path):
    """The first start makes it, the second reads it; nobody else may."""
    path = tmp_path / "new" / "caller.key"
    key = load_key(path)
    assert (32, key) == (len(key), load_key(path))
    assert key == load_keys(path).key_at(0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "no key", "ab" * 31, "ab" * 33, "ab" * 32 + " tomorrow"])
def test_a_broken_key_file_is_named_and_not_overwritten(tmp_path, content):
    """A new key would silently make every caller a new one."""
    path = tmp_path / "caller.key"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match="key_file: is no key"):
        load_key(path)
    assert path.read_text() == content


def test_a_key_file_that_cannot_be_made_is_named(tmp_path):
    """Its folder is a file."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="key_file: cannot be"):
        load_key(tmp_path / "file" / "caller.key")


def test_asking_makes_no_key(tmp_path):
    """check-config looks and leaves no trace."""
    assert [] == load_keys(tmp_path / "caller.key", make=False).keys
    assert [] == list(tmp_path.iterdir())


def test_a_new_key_takes_over_at_its_moment(tmp_path):
    """Until then the old one, from then on the new one, and the file says so to every box that has it."""
    path = tmp_path / "caller.key"
    old = load_key(path)
    at = datetime.now(UTC).replace(microsecond=0) + DAY
    ring = rotate(path, at)
    assert load_keys(path).keys == ring.keys
    assert old == load_key(path) == ring.key_at(ms(at) - 1)
    assert old != ring.key_at(ms(at)) == ring.key_at(ms(at + 300 * DAY))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ["caller.key"] == [file.name for file in tmp_path.iterdir()]


def test_a_key_that_nothing_needs_any_more_is_destroyed():
    """The rotation after a key's last day removes it: nobody can tell any more who its codes were."""
    first = KeyRing.of(b"1" * 32)
    second = first.rotated(DECEMBER, DECEMBER - DAY)
    assert 2 == len(second.keys)
    third = second.rotated(DECEMBER + 30 * DAY, DECEMBER + 29 * DAY)
    assert [DECEMBER, DECEMBER + 30 * DAY] == [since for since, _ in third.keys]
    assert third.key_at(0) == third.key_at(ms(DECEMBER)) != b"1" * 32


def test_rotated_twice_for_the_same_night_there_is_one_new_key():
    """What was planned for later than that is dropped."""
    ring = KeyRing.of(b"1" * 32).rotated(DECEMBER + DAY, DECEMBER - DAY).rotated(DECEMBER, DECEMBER - DAY)
    assert [DECEMBER] == [since for since, _ in ring.keys[1:]]


def test_the_owner_of_the_file_stays(tmp_path):
    """An administrator rotates as root; the service's user must still read it."""
    path = tmp_path / "caller.key"
    load_key(path)
    os.chown(path, 12345, 12345)
    rotate(path, DECEMBER)
    assert (12345, 12345) == (path.stat().st_uid, path.stat().st_gid)


def test_a_first_key_belongs_to_the_owner_of_its_folder(tmp_path):
    """Rotated before the service ever ran."""
    os.chown(tmp_path, 12345, 12345)
    assert 2 == len(rotate(tmp_path / "caller.key", DECEMBER).keys)
    assert 12345 == (tmp_path / "caller.key").stat().st_uid
