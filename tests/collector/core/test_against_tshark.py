"""Side by side with tshark 4: every SIP message that it finds is found, and is the same one.

Its dissectors are the reference for captures that nobody here has seen. The other way round there is more: messages as
careless devices write them, SCTP messages in pieces, WebSockets joined in the middle.
"""

import shutil
import struct
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from builders import T0_MS
from sip_cases import Frames, all_cases

from collector.adapters.pcapfile import open_captures
from collector.core.message import Message
from collector.core.monitor import CallMonitor, MonitorSettings

TSHARK = shutil.which("tshark") or "/usr/bin/tshark"
RECORDINGS = (
    "a-direct", "a-direct-chansip", "d-features", "f-baresip", "f-frag", "f-ipv6", "f-loss", "f-noise", "f-survey",
    "f-tcp",
)  # fmt: skip
SNAP_BYTES = 600  # enough for every head of the lab's messages, and less than many bodies

Found = tuple[str, ...]  # Call-ID and number of the CSeq; where a frame holds several messages, each one's first line

# what tshark counts and the core does not
ONLY_TSHARK = {
    "a message that another one carries": "message/sip in a body (RFC 3261 section 23) was not sent by itself",
}


def messages_of_tshark(path: Path) -> dict[int, list[Found]]:
    """Frame number -> the messages that tshark dissects there."""
    names = ("frame.number", "sip.Request-Line", "sip.Status-Line", "sip.Call-ID", "sip.CSeq")
    fields = [part for name in names for part in ("-e", name)]
    marks = ["-E", "separator=\x1e", "-E", "aggregator=\x1f"]
    command = [TSHARK, "-n", "-r", str(path), "-Y", "sip", "-T", "fields", *marks, *fields]
    done = subprocess.run(command, capture_output=True, check=True)
    found: dict[int, list[Found]] = defaultdict(list)
    for line in done.stdout.decode("utf-8", "replace").split("\n")[:-1]:
        number, requests, responses, call_id, cseq = line.split("\x1e")
        firsts = [text for text in f"{requests}\x1f{responses}".split("\x1f") if text]
        known = bool(call_id and cseq and len(firsts) == 1)
        # without a first line it is only the rest of a stream's message
        found[int(number)] += [_known(call_id, cseq) if known else (first.strip(),) for first in firsts]
    return found


def _known(call_id: str, cseq: str) -> Found:
    return call_id.strip(), cseq.split(maxsplit=1)[0]


class Listener:
    """A monitor of any port, and the messages that it reads."""

    def __init__(self) -> None:
        self.found: list[Found] = []
        self.monitor = CallMonitor(MonitorSettings(any_port=True))
        self.monitor.message_listener = self._receive_message

    def hear(self, frame: bytes, at_ms: int, link_type: int, length: int) -> None:
        """One frame."""
        self.monitor.receive_frame(frame, at_ms, link_type, length)

    def _receive_message(self, _ms: int, _from: bytes, _port: int, _to: bytes, _to_port: int, message: Message) -> None:
        first, call_id = (text.decode("utf-8", "replace").strip() for text in (message.first_line, message.call_id))
        self.found += [(first,), (call_id, str(message.cseq))]

    def lacks(self, theirs: list[Found]) -> list[Found]:
        """Messages of tshark's that were not read as what they are; what cannot be read is counted, at least."""
        unlike = Counter(theirs) - Counter(self.found)
        uncounted = len(theirs) - self.monitor.counters.sip_messages
        return list(unlike.elements()) if uncounted > 0 or unlike.total() > self.monitor.counters.malformed else []


def write_pcapng(path: Path, frames: Frames) -> None:
    """One file with an interface for each link type."""
    links = list(dict.fromkeys(link_type for _, link_type in frames))
    blocks = [_block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
    blocks += [_block(1, struct.pack("<HHI", link_type, 0, 0)) for link_type in links]
    for number, (frame, link_type) in enumerate(frames):
        at_us = (T0_MS + number) * 1000
        head = struct.pack("<IIIII", links.index(link_type), at_us >> 32, at_us & 0xFFFFFFFF, len(frame), len(frame))
        blocks.append(_block(6, head + frame))
    path.write_bytes(b"".join(blocks))


def _block(kind: int, body: bytes) -> bytes:
    body += b"\0" * (-len(body) % 4)
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


@pytest.fixture(scope="module")
def theirs_by_case(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Found]]:
    """What tshark finds in each case, all of them in one file."""
    path = tmp_path_factory.mktemp("tshark") / "cases.pcapng"
    cases = all_cases()
    write_pcapng(path, [frame for frames in cases.values() for frame in frames])
    by_frame = messages_of_tshark(path)
    numbers = iter(range(1, 1 << 30))
    return {name: [found for _ in frames for found in by_frame[next(numbers)]] for name, frames in cases.items()}


@cache
def heard(name: str) -> Listener:
    """A case, and the time after it."""
    listener = Listener()
    for number, (frame, link_type) in enumerate(all_cases()[name]):
        listener.hear(frame, T0_MS + number, link_type, len(frame))
    listener.monitor.close(T0_MS + 10_000)
    return listener


@pytest.mark.parametrize("name", [name for name in all_cases() if name not in ONLY_TSHARK])
def test_every_message_of_tshark_s_is_found(name: str, theirs_by_case: dict[str, list[Found]]) -> None:
    """Every link layer, tunnel, transport, port and way to write a message."""
    assert [] == heard(name).lacks(theirs_by_case[name])


def test_tshark_finds_messages_in_most_cases(theirs_by_case: dict[str, list[Found]]) -> None:
    """The comparison is worth its time: few cases are nothing to tshark, and those listed are something to it alone."""
    assert sum(map(bool, theirs_by_case.values())) > len(theirs_by_case) / 2
    assert all(len(theirs_by_case[name]) > heard(name).monitor.counters.sip_messages for name in ONLY_TSHARK)


@pytest.mark.parametrize("name", RECORDINGS)
def test_recordings_hold_the_same_messages(name: str, recording: Callable[[str], Path]) -> None:
    """Call-ID, CSeq and first line of every message, frame for frame."""
    assert_same(recording(name))


@pytest.mark.parametrize("name", ["a-direct", "f-tcp"])
def test_cut_recordings_hold_the_same_messages(name: str, recording: Callable[[str], Path], tmp_path: Path) -> None:
    """A snapshot length that cuts bodies: nothing is lost behind a cut, also over TCP."""
    path = tmp_path / "cut.pcap"
    editcap = TSHARK.replace("tshark", "editcap")
    subprocess.run([editcap, "-s", str(SNAP_BYTES), recording(name), path], check=True)
    assert_same(path)


def assert_same(path: Path) -> None:
    """No message that tshark finds in a capture is missed."""
    listener = Listener()
    now_ms = 0
    for captured in open_captures([str(path)]).frames():
        if captured is not None:
            frame, now_ms, link_type, length = captured
            listener.hear(frame, now_ms, link_type, length)
    listener.monitor.close(now_ms)
    theirs = [found for messages in messages_of_tshark(path).values() for found in messages]
    assert len(theirs) > 100
    assert [] == listener.lacks(theirs)
