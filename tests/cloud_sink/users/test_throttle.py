import pytest

from cloud_sink.users import throttle
from cloud_sink.users.throttle import Pace, Throttle

T0 = 1_790_000_000_000


def test_a_few_at_once_then_slowly():
    """Three tries, then one a second; after a pause as many as before."""
    tries = Throttle(Pace(3, 1000))
    for _ in range(3):
        assert 0 == tries.wait_ms("a", T0)
        tries.count("a", T0)
    assert 1000 == tries.wait_ms("a", T0)
    assert 400 == tries.wait_ms("a", T0 + 600)
    assert 0 == tries.wait_ms("a", T0 + 1000)
    tries.count("a", T0 + 1000)
    assert 1000 == tries.wait_ms("a", T0 + 1000)
    assert 0 == tries.wait_ms("b", T0 + 1000)
    assert 0 == tries.wait_ms("a", T0 + 60_000)


def test_a_right_one_is_no_try():
    """Whoever signs in all day is never made to wait."""
    tries = Throttle(Pace(2, 1000))
    for _ in range(20):
        assert 0 == tries.wait_ms("a", T0)
        tries.count("a", T0)
        tries.refund("a", T0)


def test_a_clock_set_back_forgives_nothing():
    """And locks nobody out."""
    tries = Throttle(Pace(1, 1000))
    tries.count("a", T0)
    assert 1000 == tries.wait_ms("a", T0 - 3_600_000)


def test_it_is_bounded(monkeypatch: pytest.MonkeyPatch):
    """The key that was wrong longest ago goes first."""
    monkeypatch.setattr(throttle, "MAX_KEYS", 2)
    tries = Throttle(Pace(1, 1000))
    for key in ("a", "b", "a", "c"):
        tries.count(key, T0)
    assert [True, False, True] == [tries.wait_ms(key, T0) > 0 for key in "abc"]
