"""MicroPython and CPython say the same about the same recordings."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import pytest
from run_micropython import ROOT, run_program

REPLAY = "tests/portable/replay_on_vm.py"


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


# heap: the office day has 20 phones and their calls at once; the small recording has to do with what a board offers
@pytest.mark.parametrize(("name", "heap"), [("a-direct", "100k"), ("office-day-A", "400k")])
def test_vm_decodes_the_same_events(name: str, heap: str, recording: Callable[[str], Path], settings: Path) -> None:
    """Every event and every counter is the same on a 32-bit MicroPython as on CPython."""
    done = run_program(REPLAY, str(recording(name)), str(settings), heap=heap)
    assert (0, "") == (done.returncode, done.stderr)
    on_vm = [json.loads(line) for line in done.stdout.splitlines()]
    expected = events_on_cpython(recording(name), settings)
    assert len(expected) > 50
    assert expected == on_vm
