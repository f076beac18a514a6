"""By hand, not in the test run: a recording at its own speed, or some times as fast, through a board.

Everything is real: the datagrams come when they came, the time comes by NTP, the events go over mutual TLS to mosquitto
and the sink. Prints one line of JSON: what was sent and lost, and how the legs compare with what `ringtap replay` makes
of the same datagrams at the times when the board got them (at ten times the speed, what the machine does in between for
five milliseconds is fifty to the office).

usage: at_own_speed.py RECORDING SPEED [HEAP]     e.g. tests/captures/office-day-A.pcap.gz 10; 100k of heap if not said
"""

import json
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path[:0] = [str(Path(__file__).parents[1] / name) for name in ("firmware", "portable", "end_to_end")]
from build_micropython import build  # noqa: E402
from machine_room import BOARD_HEAP  # noqa: E402
from processes import Facts, Office, free_port, make_office, replayed, sink, stop, stored_legs  # noqa: E402
from router import (  # noqa: E402
    TimeServer,
    as_received,
    frames_of,
    make_settings,
    make_tls,
    restart,
    running_board,
    running_broker,
    stream_paced,
)

LAB = Path(__file__).parents[1] / "captures" / "asterisk-lab.toml"
RECEIVE_BUFFER = 1 << 18  # Linux doubles it: at ten times the speed all phones register within 5 ms


def main(recording: Path, speed: int, heap: str, folder: Path) -> dict[str, object]:
    """Run it in the folder; the figures."""
    port, tls_port = free_port(), free_port()
    office = make_office(folder, LAB, embedded=False, port=port)
    mqtt, listener = make_tls(folder, tls_port)
    vm = build(folder / "vm")
    server = TimeServer(frames_of(recording)[0][1], speed)
    settings = make_settings(folder, LAB, free_port(), mqtt, ntp=server.address)
    times = folder / "times"
    with running_broker(folder, port, *listener), sink(office) as process:
        with running_board(vm, settings, str(speed), str(RECEIVE_BUFFER), "", str(times), heap=heap) as board:
            sent = stream_paced(recording, board.port, speed, server.begun)
            figures = restart(board, port)
        stop(process)
    wanted = (
        "frames",
        "dropped_datagrams",
        "undelivered",
        "legs_evicted",
        "core_errors",
        "memory_errors",
        "heap_used",
        "receive_delays",
        "reserve_used",
    )
    received = as_received(recording, times, figures["offset_ms"], folder / "received.pcap")
    return {"sent": sent, **{name: figures[name] for name in wanted}, **compare(recording, received, office)}


def compare(recording: Path, received: Path, office: Office) -> dict[str, object]:
    """Legs of the board and of a collector that gets the same datagrams at the same times.

    And how far the board's times are from the recording's own: what the machine did between sending and receiving.
    """
    sent, found = by_parties(replayed(recording, office.config, "legs")), by_parties(stored_legs(office))
    times = [times for leg, other in zip(sent, found, strict=False) for times in zip(leg[:4], other[:4], strict=True)]
    apart = [abs(one - two) for one, two in times if isinstance(one, float) and isinstance(two, float)]
    expected = replayed(received, office.config, "legs")
    return {
        "legs_expected": len(expected),
        "legs_found": len(found),
        "equal_legs": len(set(expected) & set(stored_legs(office))),
        "only_expected": sorted(set(expected) - set(stored_legs(office)), key=repr),
        "only_found": sorted(set(stored_legs(office)) - set(expected), key=repr),
        "median_delay_ms": round(median(apart) * 1000),
        "most_delay_ms": round(max(apart) * 1000),
    }


def by_parties(legs: Facts) -> Facts:
    """In an order that small differences of time do not change."""
    return sorted(legs, key=lambda leg: (*map(str, leg[4:]), leg[0]))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        given = sys.argv[3] if len(sys.argv) > 3 else BOARD_HEAP
        print(json.dumps(main(Path(sys.argv[1]).resolve(), int(sys.argv[2]), given, Path(name))))
