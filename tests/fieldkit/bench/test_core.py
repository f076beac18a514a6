"""`ringtap bench core`: `fieldkit.bench.core` and the captures it makes, by really recording calls of sipp."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from collector.adapters.pcapfile import open_captures
from collector.core.events import LegEnded
from collector.core.monitor import CallMonitor, MonitorSettings
from fieldkit.bench.captures import PHONE_HEADERS, make_longer, make_phone_sized, record_calls, write_empty
from fieldkit.cli import main

ANSWERED, CANCELLED, BUSY = 60, 12, 10


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of a few calls, made as the benchmark makes its own (needs root, sipp and tcpdump)."""
    path = tmp_path_factory.mktemp("bench") / "calls.pcap"
    record_calls(path, answered=ANSWERED, cancelled=CANCELLED, busy=BUSY)
    return path


def hear(path: Path) -> tuple[CallMonitor, list[LegEnded]]:
    """The monitor after the whole capture, and its legs."""
    monitor = CallMonitor(MonitorSettings(ports=(5060, 5070, 5080)))
    now_ms = 0
    for captured in open_captures([str(path)]).frames():
        assert captured is not None
        frame, now_ms, link_type, length = captured
        monitor.receive_frame(frame, now_ms, link_type, length)
    monitor.close(now_ms)
    legs = []
    while (event := monitor.next_event()) is not None:
        if isinstance(event, LegEnded):
            legs.append(event)
    return monitor, legs


def test_recorded_calls_are_the_calls_that_were_asked_for(calls: Path) -> None:
    """So many answered, cancelled and busy ones, each a leg; every message of sipp is in the capture."""
    monitor, legs = hear(calls)
    words = Counter(
        "answered" if leg.answer_ms is not None else "cancelled" if leg.cancelled else str(leg.final_code)
        for leg in legs
    )
    assert {"answered": ANSWERED, "cancelled": CANCELLED, "486": BUSY} == words
    assert monitor.counters.sip_messages >= 6 * ANSWERED + 7 * CANCELLED + 3 * BUSY


def test_memory_of_open_legs_is_measured() -> None:
    """Hundreds of bytes, not none and not many thousands: the legs are up while they are weighed."""
    alone = (
        "from fieldkit.bench.open_legs import leg_bytes; print(leg_bytes(4_000))"  # no memory of other tests to reuse
    )
    done = subprocess.run([sys.executable, "-c", alone], capture_output=True, text=True, check=True)
    assert 256 < float(done.stdout) < 8_192


def test_phone_sized_messages_tell_the_same_legs(calls: Path, tmp_path: Path) -> None:
    """Every message grows by the headers of a real phone, and nothing else changes."""
    large = tmp_path / "large.pcap"
    make_phone_sized(calls, large)
    monitor, legs = hear(large)
    expected_monitor, expected = hear(calls)
    assert expected_monitor.counters.sip_messages == monitor.counters.sip_messages
    assert [(leg.call_id, leg.ring_ms, leg.answer_ms, leg.end_ms) for leg in expected] == [
        (leg.call_id, leg.ring_ms, leg.answer_ms, leg.end_ms) for leg in legs
    ]
    grown = large.stat().st_size - calls.stat().st_size
    assert len(PHONE_HEADERS) * monitor.counters.sip_messages == grown


def test_a_longer_capture_holds_the_same_calls_again(calls: Path, tmp_path: Path) -> None:
    """Three times as many legs, under other Call-IDs, each time as after the time before."""
    longer = tmp_path / "longer.pcap"
    make_longer(calls, longer, 3)
    (_, once), (_, thrice) = hear(calls), hear(longer)
    assert 3 * len(once) == len(thrice) == len({leg.call_id for leg in thrice})
    assert [leg.ring_ms is None for leg in once] * 3 == [leg.ring_ms is None for leg in thrice]


def test_an_empty_capture_is_what_starting_costs(calls: Path, tmp_path: Path) -> None:
    """The header alone: read without a complaint, and nothing in it."""
    empty = tmp_path / "empty.pcap"
    write_empty(calls, empty)
    command = [sys.executable, "-m", "fieldkit.bench.core", str(empty)]
    assert "0 messages 0 legs\n" == subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_command_measures_a_given_capture(calls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`bench core --capture` prints ringtap's figures with their goals; the exit status says whether all were met."""
    code = main(["bench", "core", "--quick", "--capture", str(calls)])
    printed = capsys.readouterr().out
    assert ("MISSED" in printed) == (code == 1)
    assert "ringtap, pure Python, 820-byte messages" in printed
    assert printed.count(">= 150,000") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["core", "--capture", "/nowhere.pcap"],
        ["core", "--capture", __file__],
        ["core", "--compiled", "/nowhere.whl"],
        ["core", "--compiled", __file__],
        ["hostile", "--capture", "/nowhere.pcap"],
    ],
)
def test_wrong_use_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2 and what to do: a capture that is not there, or one that is not wanted."""
    assert 2 == main(["bench", *arguments])
    assert capsys.readouterr().err.count("\n") == 1
