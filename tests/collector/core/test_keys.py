import hashlib

from collector.core.keys import KEY_BYTES, call_key


def test_key_is_the_front_of_the_sha_256():
    """Six bytes, so that two boxes that hear the same call name it alike."""
    assert hashlib.sha256(b"call-1").digest()[:6] == call_key(b"call-1")
    assert KEY_BYTES == len(call_key(b""))


def test_keys_of_a_day_do_not_collide():
    """A busy office's Call-IDs in a day."""
    assert len({call_key(b"%d@10.77.1.5" % number) for number in range(20_000)}) == 20_000
