"""Making the captures that benchmarks read: real calls by sipp on loopback, recorded by tcpdump."""

import os
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from collector.errors import WrongUse

SCENARIOS = Path(__file__).parent / "scenarios"
SERVERS = ("-sn uas -p 5060", "-sf SCENARIOS/uas_cancel.xml -p 5070", "-sf SCENARIOS/uas_busy.xml -p 5080")
CLIENTS = (
    "-sn uac 127.0.0.1:5060 -p 5061 -d 2000 -r 300 -l 3000 -m {answered} -s 100",
    "-sf SCENARIOS/uac_cancel.xml 127.0.0.1:5070 -p 5071 -r 60 -l 1000 -m {cancelled} -s 200",
    "-sf SCENARIOS/uac_busy.xml 127.0.0.1:5080 -p 5081 -r 50 -l 1000 -m {busy} -s 300",
)

# what phones send besides what sipp's scenarios do: brings a message to about 820 bytes
PHONE_HEADERS = (
    b"User-Agent: Yealink SIP-T46U 108.86.0.20\r\n"
    b"Allow: INVITE, INFO, PRACK, ACK, BYE, CANCEL, OPTIONS, NOTIFY, REGISTER, SUBSCRIBE, REFER, PUBLISH, UPDATE, "
    b"MESSAGE\r\n"
    b"Supported: replaces, 100rel, timer, norefersub, gruu\r\n"
    b"Session-Expires: 1800;refresher=uac\r\nMin-SE: 90\r\n"
    b'P-Asserted-Identity: "Agent Smith" <sip:201@10.0.0.10>\r\n'
    b"Record-Route: <sip:10.0.0.10;lr;ftag=12345SIPpTag001>\r\n"
    b"Allow-Events: talk, hold, conference, refer, check-sync, message-summary\r\n"
)


def require(*programs: str) -> None:
    """Raise WrongUse, naming the command that installs what is missing."""
    packages = {"sipp": "sip-tester", "tcpdump": "tcpdump"}
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        names = " ".join(packages.get(program, program) for program in missing)
        raise WrongUse(f"{', '.join(missing)} not found: apt-get install {names}")
    if os.geteuid() != 0:
        raise WrongUse("recording on loopback needs root: run it with sudo")


def record_calls(path: Path, *, answered: int, cancelled: int, busy: int) -> None:
    """Record that many calls at 300, 60 and 50 a second; takes as long as the calls do."""
    require("sipp", "tcpdump")
    ports = "udp and (port 5060 or port 5070 or port 5080)"
    recorder = _start([*f"tcpdump -i lo -U -w {path} -B 65536 -s 0".split(), ports], path.parent)
    time.sleep(1)
    servers = [_sipp(path, line) for line in SERVERS]
    time.sleep(1)
    numbers = {"answered": answered, "cancelled": cancelled, "busy": busy}
    clients = [_sipp(path, line.format(**numbers)) for line in CLIENTS]
    for client in clients:
        client.wait()
    time.sleep(1)
    for server in servers:
        server.kill()
        server.wait()
    recorder.send_signal(signal.SIGINT)
    recorder.wait()


def _sipp(path: Path, line: str) -> subprocess.Popen[bytes]:
    return _start(f"sipp {line} -nostdin -i 127.0.0.1".replace("SCENARIOS", str(SCENARIOS)).split(), path.parent)


def _start(command: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=folder, stdin=quiet, stdout=quiet, stderr=quiet)


def make_phone_sized(source: Path, target: Path) -> None:
    """Copy a little-endian Ethernet capture with the headers of real phones added to every message."""
    with source.open("rb") as reader, target.open("wb") as writer:
        writer.write(reader.read(24))
        while record := reader.read(16):
            seconds, fraction, length, _ = struct.unpack("<IIII", record)
            frame = _with_phone_headers(reader.read(length))
            writer.write(struct.pack("<IIII", seconds, fraction, len(frame), len(frame)) + frame)


def _with_phone_headers(frame: bytes) -> bytes:
    """One frame with the headers after its CSeq."""
    cseq = frame.find(b"\r\nCSeq:")
    return _grown(frame, frame.find(b"\r\n", cseq + 2) + 2, PHONE_HEADERS) if cseq >= 0 else frame


def make_longer(source: Path, target: Path, times: int) -> None:
    """Copy a little-endian Ethernet capture so many times one after the other, each time with other Call-IDs."""
    with source.open("rb") as reader, target.open("wb") as writer:
        writer.write(reader.read(24))
        first_s, length_s = None, 0
        for turn in range(times):
            reader.seek(24)
            while record := reader.read(16):
                seconds, fraction, length, _ = struct.unpack("<IIII", record)
                first_s = seconds if first_s is None else first_s
                length_s = max(length_s, seconds - first_s + 1) if turn == 0 else length_s
                frame = _with_call_id(reader.read(length), b"-%d" % turn)
                times_and_sizes = (seconds + turn * length_s, fraction, len(frame), len(frame))
                writer.write(struct.pack("<IIII", *times_and_sizes) + frame)


def _with_call_id(frame: bytes, suffix: bytes) -> bytes:
    """One frame with a longer Call-ID."""
    header = frame.find(b"\r\nCall-ID:")
    return _grown(frame, frame.find(b"\r\n", header + 2), suffix) if header >= 0 else frame


def _grown(frame: bytes, place: int, more: bytes) -> bytes:
    """One Ethernet, IPv4, UDP frame with more in it; lengths mended, checksums left at zero."""
    grown = frame[:place] + more + frame[place:]
    header, payload = bytearray(grown[:42]), grown[42:]
    struct.pack_into(">H", header, 16, 28 + len(payload))
    struct.pack_into(">H", header, 24, 0)
    struct.pack_into(">HH", header, 38, 8 + len(payload), 0)
    return bytes(header) + payload


def write_empty(source: Path, target: Path) -> None:
    """The capture's header alone: what a program costs before it reads anything."""
    target.write_bytes(source.read_bytes()[:24])
