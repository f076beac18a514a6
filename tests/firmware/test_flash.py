"""`ringtap flash --stage`: the files of a board, tried on a real MicroPython."""

import json
import subprocess
from pathlib import Path

import pytest
from build_micropython import FROZEN_ONLY
from router import make_certificates
from unpack_micropython import micropython_command

from collector.errors import ConfigurationError
from fieldkit import flash
from fieldkit.board_secrets import der_of
from fieldkit.cli import main

START = """\
import sys
sys.path.insert(0, sys.argv[1] + "/a")
from firmware.settings import load
from firmware.publisher import make_context
import firmware.app
settings = load(sys.argv[1] + "/settings.json")
files = {name: sys.argv[1] + settings.mqtt[name] for name in ("ca_file", "certificate_file", "key_file")}
make_context(files)
print(settings.box["id"], settings.board["name"], settings.board["tzsp_port"], len(settings.monitor_settings().pbx))
"""


@pytest.fixture
def box(tmp_path: Path, lab_config: Path) -> Path:
    """The lab's configuration with certificates, a secret key and a router that streams to port 37009."""
    make_certificates(tmp_path)
    path = tmp_path / "box.toml"
    text = lab_config.read_text().replace('caller_numbers = "clear"', 'caller_numbers = "keyed"')
    path.write_text(
        text + '[mqtt]\nhost = "sink.example"\nport = 8883\nca_file = "ca.crt"\n'
        'certificate_file = "box.crt"\nkey_file = "box.key"\n[[source]]\nkind = "tzsp"\nlisten = ":37009"\n'
    )
    return path


def test_staged_files_start_on_micropython(box: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The compiled firmware is imported, reads its settings, and its certificates make a TLS context."""
    board = tmp_path / "board"
    assert 0 == main(["flash", str(box), "--stage", str(board), "--board", "wt32-eth01"])
    assert "private key" in capsys.readouterr().out
    assert ("lab wt32-eth01 37009 2\n", "") == started(board, tmp_path)


def test_staged_tree_is_what_a_board_needs(box: Path, tmp_path: Path) -> None:
    """Two sources, the rest compiled, secrets beside the settings; callers keep the codes the collector gave them."""
    flash.stage(str(box), tmp_path / "board", "olimex-esp32-poe", "10.0.0.1")
    found = {str(path.relative_to(tmp_path / "board")) for path in (tmp_path / "board").rglob("*") if path.is_file()}
    assert {"boot.py", "main.py", "settings.json", "ca.der", "certificate.der", "key.der", "caller.key"} <= found
    assert {"a/firmware/app.mpy", "a/collector/core/monitor.mpy"} <= found
    assert all(name.endswith(".mpy") for name in found if name.startswith("a/"))
    assert (box.parent / "caller.key").read_text() == (tmp_path / "board" / "caller.key").read_text()
    settings = json.loads((tmp_path / "board" / "settings.json").read_text())
    assert ("10.0.0.1", "/key.der") == (settings["board"]["ntp"], settings["mqtt"]["key_file"])
    assert "offices" not in settings


def test_frozen_board_gets_settings_and_certificates_only(box: Path, tmp_path: Path) -> None:
    """The rest is in its MicroPython; boot.py is for what an update over the network brings later."""
    assert 0 == main(["flash", str(box), "--stage", str(tmp_path / "board"), "--frozen"])
    found = {path.name for path in (tmp_path / "board").iterdir()}
    assert {"boot.py", "settings.json", "ca.der", "certificate.der", "key.der", "caller.key"} == found


def test_bundle_of_provision_becomes_a_boards_certificates(
    tmp_path: Path, lab_config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """provision, enrol, flash: the files make a TLS context on MicroPython, the settings name the sink's broker."""
    configuration = enrolled(tmp_path, lab_config, capsys)
    board = tmp_path / "board"
    assert 0 == main(["flash", str(configuration), "--stage", str(board)])
    assert "sink.example" == json.loads((board / "settings.json").read_text())["mqtt"]["host"]
    assert ("lab olimex-esp32-poe 37008 2\n", "") == started(board, tmp_path)


def enrolled(folder: Path, lab_config: Path, capsys: pytest.CaptureFixture[str], box: str = "lab") -> Path:
    """A box's configuration with what `provision` and `enrol` made for it; the authority is in folder/pki."""
    assert 0 == main(["provision", str(folder / "pki"), "--host", "sink.example", "--box", box])
    token = capsys.readouterr().out.partition("shown only now: ")[2].split()[0]
    own = folder / box
    assert 0 == main(["enrol", str(folder / "pki" / "boxes" / f"{box}.toml"), "--token", token, "--into", str(own)])
    configuration = own / "box.toml"
    mqtt = (own / "mqtt.toml").read_text().partition("[mqtt]")
    configuration.write_text(lab_config.read_text() + mqtt[1] + mqtt[2])
    return configuration


def test_renewed_certificate_goes_over_the_one_on_the_board(
    tmp_path: Path, lab_config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`provision --renew`, `flash --renew`: MicroPython shows the new one, and nothing else of the board is written."""
    configuration = enrolled(tmp_path, lab_config, capsys)
    board = tmp_path / "board"
    assert 0 == main(["flash", str(configuration), "--stage", str(board)])
    before = {path: path.read_bytes() for path in board.rglob("*") if path.is_file()}
    assert 0 == main(["provision", str(tmp_path / "pki"), "--renew", "9999"])
    capsys.readouterr()
    offered = tmp_path / "pki" / "sink" / "renewals" / "lab.pem"
    assert 0 == main(["flash", str(configuration), "--stage", str(board), "--renew", str(offered)])
    assert "certificate until 20" in capsys.readouterr().out
    after = {path: path.read_bytes() for path in board.rglob("*") if path.is_file()}
    assert {"certificate.der", "key.der"} == {path.name for path in after if after[path] != before.get(path)}
    assert der_of(offered) == (board / "certificate.der").read_bytes()
    assert ("lab olimex-esp32-poe 37008 2\n", "") == started(board, tmp_path)


def test_renewal_without_a_file_takes_what_the_configuration_names(box: Path, tmp_path: Path) -> None:
    """After `enrol` with a new bundle, or a rotated key of callers' numbers: certificates and keys only."""
    assert 0 == main(["flash", str(box), "--stage", str(tmp_path / "board"), "--renew"])
    assert {"ca.der", "certificate.der", "key.der", "caller.key"} == {
        path.name for path in (tmp_path / "board").iterdir()
    }


def test_certificate_of_another_box_is_refused(
    tmp_path: Path, lab_config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its key does not open with this box's secret: one line says so, and the board keeps what it has."""
    configuration = enrolled(tmp_path, lab_config, capsys)
    enrolled(tmp_path, lab_config, capsys, "other")
    assert 0 == main(["provision", str(tmp_path / "pki"), "--renew", "9999"])
    capsys.readouterr()
    offered = tmp_path / "pki" / "sink" / "renewals" / "other.pem"
    assert 0 != main(["flash", str(configuration), "--stage", str(tmp_path / "board"), "--renew", str(offered)])
    assert "is it another box's?" in capsys.readouterr().err


def started(board: Path, folder: Path) -> tuple[str, str]:
    """What the staged firmware prints when it starts on MicroPython: output, errors."""
    program = folder / "start.py"
    program.write_text(START)
    command = [*micropython_command("400k"), str(program), str(board)]
    done = subprocess.run(command, env=FROZEN_ONLY, capture_output=True, text=True, check=False)
    return done.stdout, done.stderr


def test_pem_becomes_der(box: Path) -> None:
    """What openssl says is the same certificate."""
    assert (box.parent / "box.der").read_bytes() == der_of(box.parent / "box.crt")
    assert (box.parent / "box.der").read_bytes() == der_of(box.parent / "box.der")


@pytest.mark.parametrize(
    ("content", "error"), [("nonsense", "holds no certificate"), ("-----BEGIN ENCRYPTED PRIVATE KEY-----", "locked")]
)
def test_unusable_certificate_is_named(tmp_path: Path, content: str, error: str) -> None:
    """With its path and what to do."""
    (tmp_path / "x.pem").write_text(content)
    with pytest.raises(ConfigurationError, match=error):
        der_of(tmp_path / "x.pem")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--stage", "x", "--image", "y"], "--image writes to a board"),
        (["--port", "/dev/none"], "mpremote"),
        (["--stage", "/proc/nowhere"], "cannot be written"),
        (["--stage", "x", "--renew", "--frozen"], "leave --image and --frozen out"),
        (["--stage", "x", "--renew", "nowhere.pem"], "secret_file is not set"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(
    box: Path, arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong use is 2, a missing tool or board 1; never a traceback."""
    assert 0 != main(["flash", str(box), *arguments])
    printed = capsys.readouterr().err
    assert error in printed
    assert 1 == len(printed.splitlines()[-1:])
