"""What a board lives through: garbage from the network, more calls than it has room for, and visitors of its page."""

import contextlib
import random
import socket
import struct
import urllib.request
from pathlib import Path

import pytest
from machine_room import ROOT
from processes import free_port
from router import ETHERNET, Board, make_settings, running_board, wait_until
from sip_builders import PBX, PHONE, make_frame, make_request

from fieldkit import flash

NOWHERE = {"host": "127.0.0.1", "port": 1}


@pytest.fixture
def settings(tmp_path: Path, lab_config: Path) -> Path:
    """A board whose broker is away, with a status page."""
    return make_settings(tmp_path, lab_config, free_port(), NOWHERE, status_port=free_port())


def send(board: Board, datagrams: list[bytes]) -> None:
    """Datagrams, a few at a time."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", board.port))
        for number, datagram in enumerate(datagrams):
            sock.send(datagram)
            if number % 16 == 0:
                wait_until(board.is_idle)
    wait_until(board.is_idle)


def figures_of(board: Board) -> dict[str, int]:
    """Its figures, once it has restarted by itself."""
    assert 0 == board.process.wait(30), board.output.read_text()
    return board.figures()


def test_garbage_rtp_and_truncated_datagrams_are_counted(vm: Path, settings: Path) -> None:
    """Random bytes, RTP that a router streams by mistake, SIP cut at every length: counted, and no error."""
    chance = random.Random(7)
    rtp = make_frame(b"\x80\x00" + struct.pack(">HII", 1, 160, 99) + bytes(160), PBX, PHONE, 16384)
    invite = ETHERNET + b"\x01" + make_frame(make_request("INVITE", 1), PBX, PHONE)
    datagrams = [chance.randbytes(chance.randrange(1, 1500)) for _ in range(500)]
    datagrams += [ETHERNET + b"\x01" + rtp] * 500
    datagrams += [invite[:length] for length in range(len(invite))]
    with running_board(vm, settings, "stamped", "0", "1") as board:
        send(board, datagrams)
        figures = figures_of(board)
    assert (0, 0, 0) == (figures["core_errors"], figures["memory_errors"], figures["dropped_datagrams"])
    assert len(datagrams) == figures["not_tzsp"] + figures["frames"]
    assert figures["ignored"] >= 500


def test_more_calls_than_the_table_holds_give_up_the_oldest(vm: Path, settings: Path) -> None:
    """A flood of 400 calls at once: the board stays within its heap, and says how many legs it gave up."""
    invites = [make_request("INVITE", 1, call_id=f"flood-{number}@10.77.1.5") for number in range(400)]
    datagrams = [ETHERNET + b"\x01" + make_frame(invite, PBX, PHONE) for invite in invites]
    with running_board(vm, settings, "stamped", "0", "1") as board:
        send(board, datagrams)
        figures = figures_of(board)
    assert (0, 0, 0) == (figures["core_errors"], figures["memory_errors"], figures["lost_events"])
    assert 400 - 64 == figures["legs_evicted"]
    assert figures["undelivered"] >= 400


def test_board_without_memory_starts_again(vm: Path, tmp_path: Path, lab_config: Path) -> None:
    """A table that is larger than the heap: the board reports what it saw and restarts, it does not hang."""
    settings = make_settings(tmp_path, lab_config, free_port(), NOWHERE, max_legs=1000)
    invites = [make_request("INVITE", 1, call_id=f"flood-{number}@10.77.1.5") for number in range(400)]
    with running_board(vm, settings, "stamped") as board:
        with contextlib.suppress(ConnectionRefusedError):  # it has restarted meanwhile
            send(board, [ETHERNET + b"\x01" + make_frame(invite, PBX, PHONE) for invite in invites])
        figures = figures_of(board)
    assert figures["receive_delays"] > 0
    assert figures["undelivered"] > 10


def test_two_hundred_legs_at_once(vm: Path, tmp_path: Path, lab_config: Path) -> None:
    """With the heap of a board that has external memory, 200 legs are open at once and none is given up."""
    settings = make_settings(tmp_path, lab_config, free_port(), NOWHERE, max_legs=256, max_ended=256)
    invites = [make_request("INVITE", 1, call_id=f"call-{number}@10.77.1.5") for number in range(200)]
    datagrams = [ETHERNET + b"\x01" + make_frame(invite, PBX, PHONE) for invite in invites]
    with running_board(vm, settings, "stamped", "0", "1", heap="400k") as board:
        send(board, datagrams)
        figures = figures_of(board)
    assert (0, 0, 0) == (figures["legs_evicted"], figures["core_errors"], figures["memory_errors"])
    assert 200 <= figures["spooled"]


def test_status_page_and_line_tell_how_it_is(vm: Path, settings: Path) -> None:
    """A browser sees clock, broker and counters; the serial line says the same."""
    with running_board(vm, settings, "stamped") as board:
        send(board, [ETHERNET + b"\x01" + make_frame(make_request("INVITE", 1), PBX, PHONE)])
        with urllib.request.urlopen(f"http://127.0.0.1:{board.status_port}/", timeout=60) as answer:
            page = answer.read().decode()
        wait_until(lambda: "ringtap address=" in board.output.read_text())
    assert "<h1>ringtap lab</h1>" in page
    for fact in ("<th>frames<td>1", "<th>legs_open<td>1", "<th>clock<td>known"):
        assert fact in page


def test_every_file_of_the_firmware_compiles_for_a_board(tmp_path: Path) -> None:
    """The newest mpy-cross takes every file: the dialect's gate."""
    flash.compile_packages(tmp_path)
    compiled = {path.stem for path in (tmp_path / "firmware").glob("*.mpy")}
    assert {path.stem for path in (ROOT / "firmware").glob("*.py")} - {"main", "manifest"} == compiled
