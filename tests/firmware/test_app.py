"""The firmware's own application on a real MicroPython, between a router's stream and a real broker and sink."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import (
    EVER,
    Office,
    free_port,
    make_office,
    replayed,
    sink,
    stop,
    stored_contacts,
    stored_legs,
)
from router import (
    STAMPS_FROM_MS,
    TimeServer,
    as_received,
    frames_of,
    make_settings,
    make_tls,
    restart,
    running_board,
    running_broker,
    stream_paced,
    stream_stamped,
    wait_until,
)

from cloud_sink.contacts.records import Leg
from collector import config
from collector.core.events import LegEnded
from collector.core.monitor import CallMonitor

RECEIVE_BUFFER = 16_384  # Linux doubles it; about 40 datagrams
RECEIVE_BUFFER_AT_TEN_TIMES = 1 << 18  # all phones register within 5 ms, while the machine does something else
STARTS = 5


@pytest.fixture
def office(tmp_path: Path, lab_config: Path) -> Office:
    """The lab's office behind a mosquitto of its own."""
    return make_office(tmp_path, lab_config, embedded=False, port=free_port())


def broker_port(office: Office) -> int:
    """The port in the office's file."""
    return int(office.config.read_text().partition("[mqtt]\nport = ")[2].split()[0])


@pytest.mark.timeout(600)  # a machine that does five other things takes a minute for it
def test_an_offices_day_arrives_as_from_a_collector(
    vm: Path, office: Office, captures: Path, tmp_path: Path, lab_config: Path
) -> None:
    """Every leg and contact of office-day-A in the sink's database is what `ringtap replay` says; nothing is lost."""
    recording = captures / "office-day-A.pcap.gz"
    port = broker_port(office)
    settings = make_settings(tmp_path, lab_config, free_port(), {"host": "127.0.0.1", "port": port})
    with running_broker(tmp_path, port), sink(office) as server:
        with running_board(vm, settings, "stamped") as board:
            sent = stream_stamped(recording, board.port)
            figures = restart(board, port)
        stop(server)
    assert (sent, 0, 0) == (figures["frames"], figures["dropped_datagrams"], figures["undelivered"])
    assert (0, 0, 0) == (figures["core_errors"], figures["memory_errors"], figures["legs_evicted"])
    assert replayed(recording, office.config, "legs") == stored_legs(office)
    assert replayed(recording, office.config, "contacts") == stored_contacts(office)


@pytest.mark.timeout(900)  # a minute and a half where the machine does nothing else
def test_an_offices_day_at_ten_times_its_speed(
    vm: Path, office: Office, captures: Path, tmp_path: Path, lab_config: Path
) -> None:
    """Mutual TLS, time by NTP, ten times the calls: nothing lost or given up, and no leg or contact differs.

    The clock runs ten times as fast as the machine's, so five milliseconds of the machine are fifty of the office. So
    the board is compared with a collector that gets the same datagrams at the very times when the board got them.
    """
    recording = captures / "office-day-A.pcap.gz"
    port, tls_port = broker_port(office), free_port()
    mqtt, listener = make_tls(tmp_path, tls_port)
    server = TimeServer(frames_of(recording)[0][1], 10)
    settings = make_settings(tmp_path, lab_config, free_port(), mqtt, ntp=server.address)
    times = tmp_path / "times"
    with running_broker(tmp_path, port, *listener), sink(office) as process:
        with running_board(vm, settings, "10", str(RECEIVE_BUFFER_AT_TEN_TIMES), "", str(times)) as board:
            wait_until(lambda: "broker=online" in board.output.read_text())
            sent = stream_paced(recording, board.port, 10, time.monotonic())
            figures = restart(board, port)
        left = deliver_the_rest(vm, settings, figures, port)
        stop(process)
    assert (sent, 0, 0) == (figures["frames"], figures["dropped_datagrams"], left)
    assert (0, 0, 0, 0) == tuple(
        figures[name] for name in ("core_errors", "memory_errors", "lost_events", "legs_evicted")
    )
    received = as_received(recording, times, figures["offset_ms"], tmp_path / "received.pcap")
    assert replayed(received, office.config, "legs") == stored_legs(office)
    assert replayed(received, office.config, "contacts") == stored_contacts(office)


def deliver_the_rest(vm: Path, settings: Path, figures: dict[str, int], port: int) -> int:
    """What a slow sink did not take within a restart's five seconds is in flash: the next starts send it."""
    for _ in range(STARTS):
        if figures["undelivered"]:
            with running_board(vm, settings, "10") as board:
                figures = restart(board, port)
    return figures["undelivered"]


def test_mutual_tls_and_the_time_from_ntp(
    vm: Path, office: Office, recording: Callable[[str], Path], tmp_path: Path, lab_config: Path
) -> None:
    """Time from an NTP server before anything is sent, certificates on both sides: the same legs to the millisecond."""
    port, tls_port = broker_port(office), free_port()
    mqtt, listener = make_tls(tmp_path, tls_port)
    capture = recording("a-direct")
    server = TimeServer(STAMPS_FROM_MS, 0)
    settings = make_settings(tmp_path, lab_config, free_port(), mqtt, ntp=server.address)
    with running_broker(tmp_path, port, *listener), sink(office) as process:
        with running_board(vm, settings, "stamped") as board:
            wait_until(lambda: "clock=known" in board.output.read_text())
            sent = stream_stamped(capture, board.port)
            figures = restart(board, port)
        status = office.store().boxes()[0]
        stop(process)
    assert (sent, 0, 0) == (figures["frames"], figures["dropped_datagrams"], figures["undelivered"])
    assert status.clock_ok
    assert replayed(capture, office.config, "legs") == stored_legs(office)


def test_broker_away_and_back_through_a_restart(
    vm: Path, office: Office, recording: Callable[[str], Path], tmp_path: Path, lab_config: Path
) -> None:
    """No broker for a whole recording and a restart of the board in between: everything arrives, each event once."""
    capture = recording("a-direct")
    port = broker_port(office)
    settings = make_settings(tmp_path, lab_config, free_port(), {"host": "127.0.0.1", "port": port})
    with running_board(vm, settings, "stamped", "0", "2") as board:
        sent = stream_stamped(capture, board.port)
        assert 0 == board.process.wait(30)
        figures = board.figures()
    assert sent == figures["frames"]
    assert figures["undelivered"] == figures["spooled"] > 60
    with running_broker(tmp_path, port), sink(office) as process:
        with running_board(vm, settings, "stamped") as board:
            figures = restart(board, port)
        stop(process)
    assert 0 == figures["undelivered"]
    assert replayed(capture, office.config, "legs") == stored_legs(office)


def test_a_flood_loses_packets_but_never_tells_a_wrong_leg(
    vm: Path, office: Office, recording: Callable[[str], Path], tmp_path: Path, lab_config: Path
) -> None:
    """1,400 datagrams in bursts into the receive buffer of a board: what is lost is counted, and said as a gap.

    Every time that a leg has is the true one, and nobody answered who did not.
    """
    port = broker_port(office)
    capture = recording("c-queue")
    settings = make_settings(tmp_path, lab_config, free_port(), {"host": "127.0.0.1", "port": port})
    with running_broker(tmp_path, port), sink(office) as process:
        with running_board(vm, settings, "stamped", str(RECEIVE_BUFFER)) as board:
            sent = stream_stamped(capture, board.port, 1400, burst=100)
            figures = restart(board, port)
        store = office.store()
        gaps = store.gaps("lab", *EVER)
        legs = [leg for leg, _ in store.legs("lab", *EVER)]
        stop(process)
    lost = figures["dropped_datagrams"]
    assert lost > 0
    assert sent == figures["frames"] + lost
    assert lost == sum(gap.count for gap in gaps if gap.reason == "frames_lost")
    truth = true_legs(capture, 1400, office)
    assert len(legs) > 5
    for leg in legs:
        assert any(is_true(leg, other) for other in truth[leg.call_key]), told_apart(leg, truth[leg.call_key])


def true_legs(capture: Path, count: int, office: Office) -> dict[str, list[LegEnded]]:
    """The legs of the first frames when none is lost, by the key of their Call-ID."""
    monitor = CallMonitor(config.load(str(office.config)).monitor_settings())
    frames = frames_of(capture)[:count]
    for frame in frames:
        monitor.receive_frame(*frame)
    monitor.close(frames[-1][1])
    legs: dict[str, list[LegEnded]] = {}
    while (event := monitor.next_event()) is not None:
        if isinstance(event, LegEnded):
            legs.setdefault(event.call_key.hex(), []).append(event)
    return legs


def told_apart(leg: Leg, truth: list[LegEnded]) -> str:
    """What was found, and what would have been right."""
    rights = [{name: value for name, value in vars(other).items() if value} for other in truth]
    return f"{leg} is none of {rights}"


def is_true(leg: Leg, truth: LegEnded) -> bool:
    """Nothing in the leg contradicts the truth: what was lost is missing, or later by a repetition, never made up.

    A leg whose end was lost ends with the last that was heard of it, a challenged one that tries again with that.
    """
    challenged = leg.final_code in (401, 407)
    ended_early = challenged or not leg.ended_by
    pairs = ((leg.t_ring, truth.ring_ms), (leg.t_answer, truth.answer_ms), (leg.t_end, truth.end_ms))
    return (
        (leg.role, leg.direction, leg.extension, leg.callee)
        == (truth.role, truth.direction, truth.extension, truth.callee)
        and (not leg.final_code or challenged or leg.final_code == truth.final_code)
        and all(found is None or (at_ms is not None and found - at_ms < 32_500) for found, at_ms in pairs)
        and all(found is None or found >= at_ms for found, at_ms in (pairs[:2] if ended_early else pairs))
    )
