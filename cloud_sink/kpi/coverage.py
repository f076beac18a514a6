"""How much of a period the tap really watched (`coverage`)."""

from collections.abc import Iterable

Span = tuple[int, int]  # milliseconds since the Unix epoch, from and until


def watched_spans(watch: Span | None, blind: Iterable[Span], within: Span) -> list[Span]:
    """The parts of `within` that lie in the time the office has been watched, without its blind spots."""
    if watch is None:
        return []
    start, end = max(watch[0], within[0]), min(watch[1], within[1])
    spans: list[Span] = []
    for gap_start, gap_end in sorted(blind):
        if gap_start > start:
            spans.append((start, min(gap_start, end)))
        start = max(start, gap_end)
    return [(a, b) for a, b in [*spans, (start, end)] if b > a]


def coverage(watch: Span | None, blind: Iterable[Span], within: Span) -> float:
    """Watched share of `within`, 0 to 1; 0 where `within` has no length."""
    length = within[1] - within[0]
    return watched_ms(watched_spans(watch, blind, within)) / length if length > 0 else 0.0


def watched_ms(spans: Iterable[Span]) -> int:
    """How long spans are together."""
    return sum(end - start for start, end in spans)
