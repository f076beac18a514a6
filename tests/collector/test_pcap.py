"""pcap in pieces: `collector.pcap`."""

import io

import pytest
from builders import make_pcap
from hypothesis import given
from hypothesis import strategies as st

from collector.pcap import MAX_FRAME_BYTES, PIECE_BYTES, read_pcap
from collector.recorded import DamagedCapture

FRAMES = [(1_000 * number, bytes([number]) * size) for number, size in enumerate((60, 0, 1, 3 * PIECE_BYTES, 400))]
CAPTURE = make_pcap(FRAMES)


class Dripping(io.BytesIO):
    """A stream that has so many bytes at a time: a pipe, a file that is being written."""

    def __init__(self, data, sizes):
        super().__init__(data)
        self._sizes = sizes

    def read1(self, size=-1):
        """No more than there is now."""
        return super().read1(min(size, self._sizes.pop(0) if self._sizes else size))


def records(capture, sizes=()):
    """(packets, what was wrong with the recording)."""
    found = []
    try:
        for piece in read_pcap(Dripping(capture, list(sizes))):
            found += piece
    except DamagedCapture as damage:
        return found, str(damage)
    return found, ""


@given(st.lists(st.integers(1, 70), max_size=20))
def test_pieces_make_no_difference(sizes):
    """However little of the file comes at once, and packets that are longer than a piece."""
    found, damage = records(CAPTURE, sizes)
    assert ([data for _, data in FRAMES], "") == ([data for data, _, _, _ in found], damage)


@pytest.mark.parametrize("cut", [1, 15, 16, 17, 100, 415])
def test_a_cut_recording_is_read_as_far_as_it_goes(cut):
    """The last packet is damaged, those before it are good."""
    found, damage = records(CAPTURE[:-cut])
    assert (len(FRAMES) - 1, True) == (len(found), damage.endswith("bytes are there"))


def test_a_length_beyond_all_packets_is_damage():
    """Nobody waits for a packet of gigabytes."""
    longer = bytearray(CAPTURE)
    at = 24 + 16 + 60 + 8
    longer[at : at + 4] = (MAX_FRAME_BYTES + 1).to_bytes(4, "little")
    found, damage = records(bytes(longer))
    assert (1, f"it says it has {MAX_FRAME_BYTES + 1} bytes") == (len(found), damage)
