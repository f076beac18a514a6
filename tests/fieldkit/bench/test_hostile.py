"""`ringtap bench hostile`: `fieldkit.bench.hostile`; what it measures is held by the core's own tests too, bounded."""

import pytest

from fieldkit.bench.hostile import Flood, good_frames, parse_ratios, run_hostile_benchmark, watch_flood


def test_a_flood_is_repeatable_and_new_all_the_time() -> None:
    """The same seed makes the same packets; hardly any packet comes twice."""
    one, two = Flood(1), Flood(1)
    frames = [one.next_frame() for _ in range(2_000)]
    assert frames == [two.next_frame() for _ in range(2_000)]
    assert len(set(frames)) > 1_800


def test_good_calls_come_in_order_of_time() -> None:
    """Seven messages each, overlapping, never going back."""
    times = [at_ms for at_ms, _ in good_frames(20_000)]
    assert sorted(times) == times
    assert 7 * 16 == len(times)


def test_good_calls_without_a_flood_are_all_there() -> None:
    """The standard that the flood is held against: every call answered, none twice."""
    legs, _, _ = watch_flood(100_000, seed=1, with_flood=False)
    assert 16 == len(legs)


def test_every_nasty_input_is_measured() -> None:
    """Each has its ratio; what it must be is the benchmark's goal, not a test's: machines are shared."""
    assert all(ratio > 0 for ratio in parse_ratios(small=500).values())


def test_the_command_prints_its_goals(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Four figures; exit status 1 exactly where one was missed."""
    monkeypatch.setattr("fieldkit.bench.hostile.QUICK", 20_000)
    code = run_hostile_benchmark(quick=True)
    printed = capsys.readouterr().out
    assert ("MISSED" in printed) == (code == 1)
    assert "20,000 hostile datagrams" in printed
