"""MicroPython and CPython say the same about the same recordings."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import pytest
from run_micropython import ROOT, compile_core, run_program

REPLAY = "tests/portable/replay_on_vm.py"
# a board's bounds: 20 phones, their calls, and who called in the last minutes
BOARD_BOUNDS = {"max_legs": 128, "max_ended": 256}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, lab_config: Path) -> Path:
    """The lab's settings in the form that `replay_on_vm.py` reads."""
    config = tomllib.loads(lab_config.read_text())
    sip = config["sip"]
    fields = {
        **{name: [ip_address(address).packed.hex() for address in sip[name]] for name in ("pbx", "trunks")},
        "ports": sip["ports"],
        "extensions": [span.split("-") for span in sip["extensions"]],
        "feature_codes": sip["feature_codes"],
        "digit_numbers": sip["digit_numbers"],
        **config["numbers"],
        **BOARD_BOUNDS,
    }
    path = tmp_path_factory.mktemp("settings") / "settings.json"
    path.write_text(json.dumps(fields))
    return path


def events_on_cpython(recording: Path, settings: Path) -> list[object]:
    """What this interpreter decodes."""
    command = [sys.executable, REPLAY, str(recording), str(settings)]
    printed = subprocess.run(
        command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, check=True, capture_output=True, text=True
    ).stdout
    return [json.loads(line) for line in printed.splitlines()]


@pytest.mark.parametrize("name", ["a-direct", "office-day-A"])
def test_vm_decodes_the_same_events(
    name: str, recording: Callable[[str], Path], settings: Path, tmp_path: Path
) -> None:
    """Every event and every counter is the same on a 32-bit MicroPython with a board's heap as on CPython."""
    done = run_program(compile_core(tmp_path), REPLAY, str(recording(name)), str(settings))
    assert (0, "") == (done.returncode, done.stderr)
    on_vm = [json.loads(line) for line in done.stdout.splitlines()]
    expected = events_on_cpython(recording(name), settings)
    assert len(expected) > 50
    assert expected == on_vm
