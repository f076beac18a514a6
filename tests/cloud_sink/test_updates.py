"""New firmware for boards: what the sink hands out, to whom, and how often."""

import hashlib
from pathlib import Path

import pytest

from cloud_sink.updates import MAX_FILE_BYTES, PIECE_BYTES, Updates, pack_update, read_update
from fieldkit.cli import main
from firmware import VERSION
from firmware.update import Update

FILES = {"firmware/app.mpy": b"new application" * 300, "collector/core/monitor.mpy": b"new core" * 100}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where an update for box-1 lies."""
    (tmp_path / "box-1.update").write_bytes(pack_update("0.2.0", FILES))
    return tmp_path


def test_board_takes_what_is_offered(folder: Path, tmp_path: Path) -> None:
    """The commands are those of the firmware's own update.py: it restarts behind the last, all files in copy b."""
    update = Update(f"{tmp_path}/", "box-1")
    taken = [update.receive(command) for command in Updates(str(folder)).offer("box-1", "0.1.0")]
    assert [True] == [restarts for restarts in taken if restarts]
    assert taken[-1]
    assert "" == update.problem
    assert FILES == {path: (tmp_path / "b" / path).read_bytes() for path in FILES}


def test_each_file_is_offered_once(folder: Path) -> None:
    """What was undone is not tried again; another file is. Nothing for others, or for whom runs it already."""
    updates = Updates(str(folder))
    assert [] == updates.offer("box-2", "0.1.0")
    assert [] == updates.offer("box-1", "0.2.0")
    assert updates.offer("box-1", "0.1.0")
    assert [] == updates.offer("box-1", "0.1.0")
    (folder / "box-1.update").write_bytes(pack_update("0.3.0", FILES))
    assert updates.offer("box-1", "0.1.0")
    assert [] == Updates("").offer("box-1", "0.1.0")


@pytest.mark.parametrize("content", [b"", b"\x80", b"\x82nonsense", pack_update("1", {}), bytes(MAX_FILE_BYTES + 1)])
def test_file_that_is_none_is_told_and_passed_over(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """The sink goes on, and its log names the file."""
    (tmp_path / "box-1.update").write_bytes(content)
    assert [] == Updates(str(tmp_path)).offer("box-1", "0.1.0")
    assert "box-1.update cannot be used" in caplog.text


def test_list_of_files_must_fit_a_boards_packet() -> None:
    """Else it would skip it, and refuse every piece."""
    with pytest.raises(ValueError, match="too many files"):
        pack_update("0.2.0", {f"collector/core/module_{number}.mpy": b"" for number in range(90)})


def test_flash_writes_the_firmware_of_this_version(tmp_path: Path, lab_config: Path) -> None:
    """`ringtap flash --update`: core and firmware, compiled, as `--stage` puts them into copy a; no secrets."""
    assert 0 == main(["flash", str(lab_config), "--update", str(tmp_path / "lab.update")])
    assert 0 == main(["flash", str(lab_config), "--stage", str(tmp_path / "board")])
    version, files = read_update((tmp_path / "lab.update").read_bytes())
    copy = tmp_path / "board" / "a"
    assert VERSION == version
    assert files == {str(path.relative_to(copy)): path.read_bytes() for path in copy.rglob("*.mpy")}
    begin, *pieces, _ = Updates(str(tmp_path)).offer("lab", "0.0.9")
    assert hashlib.sha256(files["firmware/app.mpy"]).digest() == begin["files"]["firmware/app.mpy"][1]  # type: ignore[index]
    assert PIECE_BYTES == max(len(piece["data"]) for piece in pieces)  # type: ignore[arg-type]
