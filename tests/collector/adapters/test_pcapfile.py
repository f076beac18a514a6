"""Recordings as a source of frames: `collector.adapters.pcapfile`."""

import gzip
import io
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.adapters.pcapfile import PcapFileSource, open_captures
from collector.errors import CaptureError

MAGICS = {("<", 1000): 0xA1B2C3D4, ("<", 1): 0xA1B23C4D, (">", 1000): 0xA1B2C3D4, (">", 1): 0xA1B23C4D}


def make_pcap(frames, *, order="<", unit_ns=1000, link_type=1):
    """A pcap file of (data, Unix nanoseconds) frames."""
    out = [struct.pack(order + "IHHiIII", MAGICS[order, unit_ns], 2, 4, 0, 0, 65535, link_type)]
    for data, at_ns in frames:
        seconds, rest = divmod(at_ns, 10**9)
        out.append(struct.pack(order + "IIII", seconds, rest // unit_ns, len(data), len(data) + 3) + data)
    return b"".join(out)


def make_block(kind, body, *, order="<"):
    """A pcapng block."""
    body += b"\0" * (-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def make_section(*, order="<"):
    """A pcapng section header."""
    return make_block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order=order)


def make_interface(*, order="<", link_type=1, resolution=None, offset_s=None, snap_bytes=0):
    """A pcapng interface description."""
    body = struct.pack(order + "HHI", link_type, 0, snap_bytes)
    if resolution is not None:
        body += struct.pack(order + "HHBxxx", 9, 1, resolution)
    if offset_s is not None:
        body += struct.pack(order + "HHq", 14, 8, offset_s)
    return make_block(1, body + struct.pack(order + "HH", 0, 0), order=order)


def make_enhanced(data, units, *, order="<", interface=0):
    """A pcapng enhanced packet."""
    body = struct.pack(order + "IIIII", interface, units >> 32, units & 0xFFFFFFFF, len(data), len(data))
    return make_block(6, body + data, order=order)


def read(tmp_path, content):
    """The frames and problems of a file with this content."""
    path = tmp_path / "x.pcap"
    path.write_bytes(content)
    source = PcapFileSource(str(path))
    return list(source.frames()), source.problems


@pytest.mark.parametrize(("order", "unit_ns"), MAGICS)
def test_pcap_is_read_in_both_byte_orders_and_both_resolutions(tmp_path, order, unit_ns):
    """Microseconds and nanoseconds, little and big endian: same frames, milliseconds cut and not rounded."""
    content = make_pcap([(b"one", 5_001_999_000), (b"two", 5_002_000_000)], order=order, unit_ns=unit_ns, link_type=113)
    assert read(tmp_path, content) == ([(b"one", 5001, 113, 6), (b"two", 5002, 113, 6)], [])


@pytest.mark.parametrize("order", "<>")
def test_pcap_with_longer_packet_headers_is_read(tmp_path, order):
    """The form that old Linux systems and some routers still write: interface, protocol and kind beside the lengths."""
    head = struct.pack(order + "IHHiIII", 0xA1B2CD34, 2, 4, 0, 0, 65535, 1)
    records = [struct.pack(order + "IIIIIHBB", 5, 1_999, 3, 6, 2, 0x800, 0, 0) + data for data in (b"one", b"two")]
    assert read(tmp_path, head + b"".join(records)) == ([(b"one", 5001, 1, 6), (b"two", 5001, 1, 6)], [])


@given(
    frames=st.lists(st.tuples(st.binary(max_size=99), st.integers(0, 2**32 * 10**9 - 1)), max_size=20),
    order=st.sampled_from("<>"),
    packed=st.booleans(),
)
def test_what_was_written_is_read(tmp_path_factory, frames, order, packed):
    """Any frames in any order of time: none is lost, time never goes back."""
    path = tmp_path_factory.mktemp("pcap") / "x"
    content = make_pcap(frames, order=order, unit_ns=1)
    path.write_bytes(gzip.compress(content) if packed else content)
    source = PcapFileSource(str(path))
    found = list(source.frames())
    assert sorted(data for data, _ in frames) == sorted(data for data, *_ in found)
    assert sorted(at for _, at, *_ in found) == [at for _, at, *_ in found]
    assert source.problems == []


def test_time_follows_the_clock_of_the_file_where_it_is_in_order(tmp_path):
    """Ordered time stamps are kept exactly."""
    frames, _ = read(tmp_path, make_pcap([(b"a", 7_999_999_999), (b"b", 1_700_000_000_123_456_789)], unit_ns=1))
    assert [7999, 1_700_000_000_123] == [at for _, at, *_ in frames]


@pytest.mark.parametrize("order", "<>")
def test_pcapng_interfaces_have_their_own_link_type_and_clock(tmp_path, order):
    """if_tsresol as power of ten and of two, if_tsoffset, and the microseconds that hold without either."""
    content = (
        make_section(order=order)
        + make_interface(order=order, link_type=1)
        + make_interface(order=order, link_type=101, resolution=9)
        + make_interface(order=order, link_type=276, resolution=0x80 | 10, offset_s=100)
        + make_enhanced(b"micro", 100_000_500, order=order)
        + make_enhanced(b"nano", 100_001_999_999, order=order, interface=1)
        + make_enhanced(b"binary", 512, order=order, interface=2)
    )
    expected = [(b"micro", 100_000, 1, 5), (b"nano", 100_001, 101, 4), (b"binary", 100_500, 276, 6)]
    assert read(tmp_path, content) == (expected, [])


def test_pcapng_sections_may_change_byte_order_and_interfaces(tmp_path):
    """A second section starts afresh."""
    content = make_section() + make_interface() + make_enhanced(b"a", 1_000_000)
    content += make_section(order=">") + make_interface(order=">", link_type=113)
    content += make_enhanced(b"b", 2_000_000, order=">")
    assert read(tmp_path, content) == ([(b"a", 1000, 1, 1), (b"b", 2000, 113, 1)], [])


def test_pcapng_simple_old_and_unknown_blocks(tmp_path):
    """A simple packet takes the time of the frame before it; the obsolete block is read; others are passed over."""
    old = struct.pack("<HHIIII", 0, 7, 0, 3_000_000, 3, 9) + b"old"
    content = make_section() + make_interface(snap_bytes=4)
    content += make_block(0x0BAD, b"x" * 200_000) + make_block(5, b"statistics")
    content += make_block(2, old) + make_block(3, struct.pack("<I", 10) + b"simp")
    assert read(tmp_path, content) == ([(b"old", 3000, 1, 9), (b"simp", 3000, 1, 10)], [])


def test_pcapng_packet_of_an_unknown_interface_is_damage(tmp_path):
    """A packet that names an interface nobody described ends the file with a problem, not a traceback."""
    frames, problems = read(tmp_path, make_section() + make_interface() + make_enhanced(b"a", 1, interface=5))
    assert frames == []
    assert "packet 1: it names interface 5" in problems[0]


@pytest.mark.parametrize("cut", [1, 10, 20])
def test_truncated_last_record_is_reported_after_all_before_it(tmp_path, cut):
    """A recording that was cut yields every whole frame, then says where it broke."""
    content = make_pcap([(b"whole", 10**9), (b"x" * 30, 2 * 10**9)])
    frames, problems = read(tmp_path, content[:-cut])
    assert [b"whole"] == [data for data, *_ in frames]
    assert len(problems) == 1
    assert "cut short or damaged in packet 2" in problems[0]


def test_truncated_gzip_is_reported_after_all_before_it(tmp_path):
    """A compressed recording may be cut as well."""
    noise = bytes(range(256)) * 3
    content = gzip.compress(make_pcap([(noise[i:], i * 10**9) for i in range(500)]))
    frames, problems = read(tmp_path, content[: len(content) // 2])
    assert frames
    assert "cannot be read after packet" in problems[0]


def test_absurd_length_is_damage(tmp_path):
    """A record of 4 GB is not allocated."""
    content = make_pcap([]) + struct.pack("<IIII", 1, 0, 0xFFFFFFFF, 1) + b"x" * 100
    assert "packet 1: it says it has 4294967295 bytes" in read(tmp_path, content)[1][0]


@given(st.binary(max_size=300), st.sampled_from([make_pcap([]), make_section(), make_section() + make_interface()]))
def test_any_bytes_after_a_header_end_without_a_traceback(tmp_path_factory, junk, start):
    """Junk is a problem, never an exception."""
    path = tmp_path_factory.mktemp("junk") / "x"
    path.write_bytes(start + junk)
    source = PcapFileSource(str(path))
    assert all(len(frame) == 4 for frame in source.frames())


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is empty"),
        (b"%PDF-1.4 something", "is no capture"),
        (b"ab", "is no capture"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (gzip.compress(b"hello", mtime=0), "is no capture"),
        (b"\x1f\x8b\x08", "damaged gzip"),
        (b"\x1f\x8bxx", "damaged gzip"),
    ],
)
def test_what_is_no_capture_is_refused_in_one_line(tmp_path, content, text):
    """The error names the file and says what is wrong."""
    path = tmp_path / "thing"
    path.write_bytes(content)
    with pytest.raises(CaptureError) as caught:
        PcapFileSource(str(path))
    assert str(path) in str(caught.value)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_directory_and_missing_file_are_refused(tmp_path):
    """A directory gets the advice to name its files."""
    with pytest.raises(CaptureError, match="is a directory"):
        PcapFileSource(str(tmp_path))
    with pytest.raises(CaptureError, match="No such file"):
        PcapFileSource(str(tmp_path / "none"))


def test_standard_input_is_read_as_it_comes():
    """`-` works through a pipe that delivers byte by byte, compressed or not."""
    content = gzip.compress(make_pcap([(b"frame", 10**9)]))
    program = (
        "from collector.adapters.pcapfile import PcapFileSource as P; s = P('-'); print(list(s.frames()), s.problems)"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for byte in content:
        process.stdin.write(bytes([byte]))
        process.stdin.flush()
    output, _ = process.communicate(timeout=30)
    assert output.decode().strip() == "[(b'frame', 1000, 1, 8)] []"


def test_a_pipe_yields_what_has_come_while_more_is_awaited():
    """The reader of a pipe gets each frame at once, and a turn while nothing comes; the end is the end."""
    program = (
        "from collector.adapters.pcapfile import open_captures\n"
        "for frames in open_captures(['-']).batches(): print([frame[0] for frame in frames], flush=True)"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(make_pcap([(b"first", 10**9)]))
    process.stdin.flush()
    assert b"[b'first']\n" in iter(process.stdout.readline, b"")
    assert process.stdout.readline() == b"[]\n"
    process.stdin.write(make_pcap([(b"second", 2 * 10**9)])[24:])
    process.stdin.close()
    assert b"b'second'" in process.stdout.read()
    assert process.wait(60) == 0


def test_memory_does_not_grow_with_the_file(tmp_path):
    """Forty megabytes are read in less than one."""
    path = tmp_path / "big.pcap"
    one = make_pcap([(b"x" * 1000, 10**9)])
    with path.open("wb") as file:
        file.write(one[:24])
        for _ in range(40_000):
            file.write(one[24:])
    tracemalloc.start()
    count = sum(1 for _ in PcapFileSource(str(path)).frames())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 40_000
    assert peak < 1_000_000


def test_several_recordings_are_one_stream_in_order_of_time(tmp_path):
    """Frames of two files interleave; their problems add up."""
    for name, times in (("a", (1, 4)), ("b", (2, 3))):
        (tmp_path / name).write_bytes(
            make_pcap([(name.encode(), at * 10**9) for at in times])[: -1 if name == "b" else None]
        )
    source = open_captures([str(tmp_path / "a"), str(tmp_path / "b")])
    assert [(b"a", 1000), (b"b", 2000), (b"a", 4000)] == [frame[:2] for frame in source.frames()]
    assert len(source.problems) == 1
    assert source.progress() == 1.0


def test_real_recordings_are_read_whole():
    """The compressed office day of the lab has 16,453 frames."""
    path = Path(__file__).parents[2] / "captures" / "office-day-A.pcap.gz"
    assert sum(1 for _ in PcapFileSource(str(path)).frames()) == 16_453


def test_progress_rises_to_one(tmp_path):
    """Half way through, about half is reported."""
    path = tmp_path / "x.pcap"
    path.write_bytes(make_pcap([(b"x" * 1000, 10**9)] * 10_000))
    source = PcapFileSource(str(path))
    shares = [source.progress() for _ in source.frames()]
    assert 0.4 < shares[5000] < 0.6
    assert source.progress() == 1.0


def test_stream_of_one_byte_reads_is_rejoined():
    """The first bytes that were looked at come back in front of the rest."""
    from collector.adapters.pcapfile import _peek

    head, stream = _peek("x", io.BytesIO(b"abcdefgh"))
    assert (b"abcd", b"abcdefgh") == (head, stream.read())
