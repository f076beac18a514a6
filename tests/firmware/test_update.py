"""Updates over the network: checked, tried three times, undone: `firmware.update` and `firmware.boot`."""

import hashlib
from pathlib import Path

import paho.mqtt.subscribe
import pytest
from processes import free_port
from router import command, make_settings, running_board, running_broker

from firmware.boot import choose_copy, choose_settings
from firmware.update import Update, confirm

FILES = {"firmware/app.mpy": b"new application" * 300, "collector/core/monitor.mpy": b"new core" * 100}
PIECE = 2048


def root_of(folder: Path) -> str:
    """The folder as a board's root."""
    return f"{folder}/"


def commands_of(files: dict[str, bytes]) -> list[dict[str, object]]:
    """Everything that is sent for these files."""
    announced = {path: [len(content), hashlib.sha256(content).digest()] for path, content in files.items()}
    pieces = [
        {"do": "update", "step": "data", "path": path, "at": at, "data": content[at : at + PIECE]}
        for path, content in files.items()
        for at in range(0, len(content), PIECE)
    ]
    begin = {"do": "update", "step": "begin", "version": "0.2.0", "files": announced}
    return [begin, *pieces, {"do": "update", "step": "end"}]


def take(update: Update, commands: list[dict[str, object]]) -> bool:
    """Whether the board restarts after these."""
    return [update.receive(item) for item in commands][-1]


def test_update_is_tried_and_kept_once_the_sink_was_reached(tmp_path: Path) -> None:
    """The files are in the other copy, which starts; after the sink's word it stays, and the next one takes turns."""
    root = root_of(tmp_path)
    assert "a" == choose_copy(root)
    assert take(Update(root, "lab"), commands_of(FILES))
    assert {path: (tmp_path / "b" / path).read_bytes() for path in FILES} == FILES
    assert "b" == choose_copy(root)
    confirm(root)
    assert ["b"] * 5 == [choose_copy(root) for _ in range(5)]
    assert take(Update(root, "lab"), commands_of(FILES))
    assert "a" == choose_copy(root)


def test_update_that_never_reaches_the_sink_is_undone(tmp_path: Path) -> None:
    """Three starts, then the old copy again, for good."""
    root = root_of(tmp_path)
    take(Update(root, "lab"), commands_of(FILES))
    assert ["b", "b", "b", "a", "a"] == [choose_copy(root) for _ in range(5)]


def test_pieces_that_come_twice_change_nothing(tmp_path: Path) -> None:
    """QoS 1 may repeat any message."""
    begin, *pieces, end = commands_of(FILES)
    doubled = [piece for piece in pieces for _ in range(2)]
    assert take(Update(root_of(tmp_path), "lab"), [begin, *doubled, end])


BEGIN, *PIECES, END = commands_of(FILES)
SPOILT = PIECES[-1] | {"data": b"?" * 800}
REFUSED = [
    ([BEGIN, *PIECES[:-1], END], "not what was announced"),
    ([BEGIN, *PIECES[1:], END], "a piece is missing"),
    ([BEGIN, *PIECES[:-1], SPOILT, END], "not what was announced"),
    ([BEGIN | {"files": {"../boot.py": [1, b""]}}, END], "only names below"),
    ([BEGIN | {"files": {"/boot.py": [1, b""]}}, END], "only names below"),
    ([BEGIN | {"files": {"x": [10**9, b""]}}, END], "more than there is room"),
    ([BEGIN | {"files": 5}, END], "not understood"),
    ([END], "no update was begun"),
]


@pytest.mark.parametrize(("commands", "why"), REFUSED)
def test_what_is_not_whole_is_refused(tmp_path: Path, commands: list[dict[str, object]], why: str) -> None:
    """Nothing is tried, and the birth message says why."""
    update = Update(root_of(tmp_path), "lab")
    said = []
    for item in commands:
        assert not update.receive(item)
        said.append(update.problem)
    assert any(why in problem for problem in said)
    assert "a" == choose_copy(root_of(tmp_path))


def test_settings_are_tried_and_undone(tmp_path: Path) -> None:
    """Checked first; after three starts without the sink the old ones are back."""
    root = root_of(tmp_path)
    old, new = '{"box": {"id": "lab"}}', '{"box": {"id": "lab", "office": "new"}}'
    (tmp_path / "settings.json").write_text(old)
    update = Update(root, "lab")
    for wrong in ('{"box": {"id": "other"}}', '{"bux": {}}', "{"):
        assert not update.receive({"do": "settings", "settings": wrong})
    assert old == (tmp_path / "settings.json").read_text()
    assert update.receive({"do": "settings", "settings": new})
    for expected in (new, new, new, old):
        choose_settings(root)
        assert expected == (tmp_path / "settings.json").read_text()


def test_board_takes_an_update_from_its_broker(vm: Path, tmp_path: Path, lab_config: Path) -> None:
    """On MicroPython, through mosquitto: the files arrive whole and the board restarts to try them."""
    port = free_port()
    settings = make_settings(tmp_path, lab_config, free_port(), {"host": "127.0.0.1", "port": port})
    with running_broker(tmp_path, port), running_board(vm, settings, "stamped") as board:
        paho.mqtt.subscribe.simple("rt/1/lab/state", hostname="127.0.0.1", port=port)
        for item in commands_of(FILES):
            command("lab", port, **item)
        assert 0 == board.process.wait(30), board.output.read_text()
    assert {path: (tmp_path / "b" / path).read_bytes() for path in FILES} == FILES
    assert "b" == choose_copy(root_of(tmp_path))
