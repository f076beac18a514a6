from hypothesis import given
from hypothesis import strategies as st

from collector.core.counters import Counters
from collector.core.fragments import DUPLICATE_MS, MAX_DATAGRAMS, TIMEOUT_MS, FragmentTable

KEY = (b"\1\1\1\1", b"\2\2\2\2", 17, 42)


@st.composite
def cut_payloads(draw):
    """A payload and pieces (offset, more, data) that cover it: overlapping, some twice, in any order."""
    payload = draw(st.binary(min_size=16, max_size=600))
    starts = sorted(
        {0, *draw(st.lists(st.integers(0, (len(payload) - 1) // 8), max_size=8).map(lambda s: [8 * n for n in s]))}
    )
    pieces = []
    for start, following in zip(starts, [*starts[1:], len(payload)], strict=True):
        overlap = draw(st.integers(0, 2)) * 8 if following < len(payload) else 0
        end = min(following + overlap, len(payload))
        pieces.append((start, end < len(payload), payload[start:end]))
    pieces += draw(st.lists(st.sampled_from(pieces), max_size=4))
    return payload, draw(st.permutations(pieces))


@given(cut_payloads())
def test_any_order_repetition_and_overlap_gives_the_payload_once(cut):
    """However the pieces come, the payload comes out whole, and only once."""
    payload, pieces = cut
    table = FragmentTable(Counters())
    found = [table.receive_fragment(KEY, offset, more, data, 0) for offset, more, data in pieces]
    assert [payload] == [whole for whole in found if whole is not None]


def test_bytes_that_came_first_are_kept():
    """An overlapping piece cannot rewrite what was seen (the attack of RFC 5722)."""
    table = FragmentTable(Counters())
    table.receive_fragment(KEY, 0, True, b"A" * 16, 0)
    table.receive_fragment(KEY, 8, True, b"B" * 16, 0)
    assert b"A" * 16 + b"B" * 8 + b"C" * 8 == table.receive_fragment(KEY, 24, False, b"C" * 8, 0)


def test_what_never_completes_is_given_up_and_counted():
    """After the time-out the pieces are gone: the number may be used again."""
    counters = Counters()
    table = FragmentTable(counters)
    table.receive_fragment(KEY, 0, True, b"A" * 8, 0)
    table.receive_fragment((*KEY[:3], 43), 0, True, b"A" * 8, TIMEOUT_MS + 1)
    assert counters.fragments_incomplete == 1
    assert table.receive_fragment(KEY, 8, False, b"B" * 8, TIMEOUT_MS + 2) is None


def test_full_table_drops_the_oldest():
    """A flood of first fragments cannot fill the memory."""
    counters = Counters()
    table = FragmentTable(counters)
    for number in range(MAX_DATAGRAMS + 10):
        table.receive_fragment((*KEY[:3], number), 0, True, b"A" * 8, 0)
    assert counters.fragments_incomplete == 10


def test_oversized_datagram_is_given_up():
    """A piece beyond 65,535 bytes (the ping of death) ends its datagram."""
    counters = Counters()
    table = FragmentTable(counters)
    assert table.receive_fragment(KEY, 65_528, False, bytes(64), 0) is None
    assert counters.fragments_incomplete == 1


def test_copy_of_a_whole_datagram_is_none_that_is_missing_something():
    """A mirror port that shows every packet twice leaves no incomplete datagrams behind."""
    counters = Counters()
    table = FragmentTable(counters)
    for more, offset in ((True, 0), (True, 0), (False, 8), (False, 8)):
        table.receive_fragment(KEY, offset, more, b"A" * 8, 0)
    table.give_up_all()
    assert counters.fragments_incomplete == 0
    table.receive_fragment(KEY, 0, True, b"B" * 8, DUPLICATE_MS + 1)
    assert b"B" * 8 + b"C" * 8 == table.receive_fragment(KEY, 8, False, b"C" * 8, DUPLICATE_MS + 1)


def test_end_of_the_capture_counts_what_is_left():
    """Pieces that wait when watching ends never become whole."""
    counters = Counters()
    table = FragmentTable(counters)
    table.receive_fragment(KEY, 8, False, b"A" * 8, 0)
    table.give_up_all()
    assert counters.fragments_incomplete == 1
