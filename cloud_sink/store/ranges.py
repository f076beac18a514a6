"""Which sequence numbers have arrived, as sorted ranges that do not touch. Pure."""

from bisect import bisect_left, bisect_right

MAX_RANGES = 256  # a box has at most 64 batches under way beyond the acknowledgement: more holes are no box of ours


class TooManyHoles(Exception):
    """Adding would make more holes than any box leaves."""


class SequenceRanges:
    """A set of integers kept as ranges [first, last], both included."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, ranges: list[tuple[int, int]] | None = None) -> None:
        ordered = sorted(ranges or [])
        self._firsts = [first for first, _ in ordered]
        self._lasts = [last for _, last in ordered]

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number <= self._lasts[at]

    def among(self, first: int, last: int) -> set[int]:
        """Return which of the numbers from `first` to `last` are in the set."""
        low, high = bisect_left(self._lasts, first), bisect_right(self._firsts, last)
        pairs = zip(self._firsts[low:high], self._lasts[low:high], strict=True)
        return {number for begin, end in pairs for number in range(max(first, begin), min(last, end) + 1)}

    def add(self, first: int, last: int) -> None:
        """Add every number from `first` to `last`. Raises TooManyHoles and stays as it was."""
        low = bisect_left(self._lasts, first - 1)
        high = bisect_right(self._firsts, last + 1)
        if low == high and len(self._firsts) >= MAX_RANGES:
            raise TooManyHoles(f"more than {MAX_RANGES} holes in the sequence numbers")
        if low < high:
            first, last = min(first, self._firsts[low]), max(last, self._lasts[high - 1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]

    def contiguous(self) -> int:
        """Return the highest number up to which, from 1, nothing is missing; 0 where 1 itself is."""
        return self._lasts[0] if self._firsts and self._firsts[0] <= 1 else 0

    def ranges(self) -> list[tuple[int, int]]:
        """Return the ranges in order."""
        return list(zip(self._firsts, self._lasts, strict=True))
