"""Sequence numbers as ranges: what arrived, what is missing, how far it is contiguous."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_sink.store.ranges import MAX_RANGES, SequenceRanges, TooManyHoles


def test_contiguous_from_one() -> None:
    """Nothing is contiguous before number 1 is there; then everything up to the first hole."""
    ranges = SequenceRanges()
    assert 0 == ranges.contiguous()
    ranges.add(5, 9)
    assert 0 == ranges.contiguous()
    ranges.add(1, 2)
    assert 2 == ranges.contiguous()
    ranges.add(3, 4)
    assert 9 == ranges.contiguous()
    assert [(1, 9)] == ranges.ranges()


def test_floor() -> None:
    """A floor of 0 to first - 1 makes up for numbers that the box itself has dropped."""
    ranges = SequenceRanges([(57, 60)])
    ranges.add(0, 56)
    assert 60 == ranges.contiguous()


def test_too_many_holes() -> None:
    """The number of ranges is bounded; what would close a hole still goes in."""
    ranges = SequenceRanges([(2 * n, 2 * n) for n in range(1, MAX_RANGES + 1)])
    with pytest.raises(TooManyHoles):
        ranges.add(5000, 5000)
    ranges.add(3, 3)
    assert MAX_RANGES - 1 == len(ranges.ranges())


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=30))
def test_behaves_like_a_set(additions: list[tuple[int, int]]) -> None:
    """In any order, with any overlap, the ranges hold exactly the numbers added and never touch each other."""
    ranges, numbers = SequenceRanges(), set()
    for first, length in additions:
        ranges.add(first, first + length)
        numbers.update(range(first, first + length + 1))
    assert numbers == {number for number in range(80) if number in ranges}
    assert all(last + 1 < first for (_, last), (first, _) in zip(ranges.ranges(), ranges.ranges()[1:], strict=False))


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=9), st.integers(0, 60), st.integers(0, 30))
def test_among(additions: list[tuple[int, int]], first: int, length: int) -> None:
    """The numbers of a batch that arrived before are those that the ranges hold."""
    ranges = SequenceRanges()
    for begin, further in additions:
        ranges.add(begin, begin + further)
    batch = range(first, first + length + 1)
    assert {number for number in batch if number in ranges} == ranges.among(batch[0], batch[-1])
