"""The wheel whose core is compiled: from the same sources the same events. It is built of what is committed."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = ("a-direct", "c-queue", "d-features", "f-survey", "f-tcp", "office-day-A")
# every event of recordings as the wire has it, and where the core came from
REPLAY = """
import sys
from collector.adapters.pcapfile import open_captures
from collector.core import tracker
from collector.core.monitor import CallMonitor, MonitorSettings
from collector.core.wire import encode_event
print(tracker.__file__.rpartition(".")[2])
for path in sys.argv[1:]:
    monitor = CallMonitor(MonitorSettings(ports=(5060, 5070, 5080), digit_numbers=("510",)))
    for frames in open_captures([path]).batches():
        monitor.receive_frames(frames)
        while (event := monitor.next_event()) is not None:
            print(encode_event(event))
    monitor.close(frames[-1][1])
    while (event := monitor.next_event()) is not None:
        print(encode_event(event))
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the compiled core; not optimised, which takes half the time."""
    folder = tmp_path_factory.mktemp("compiled")
    command = (ROOT / "tools" / "build-compiled-wheel", folder)
    environment = os.environ | {"CFLAGS": "-O0", "MYPYC_OPT_LEVEL": "0"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(folder.glob("ringtap-*.whl"))) as wheel:
        wheel.extractall(folder / "unpacked")
    return folder / "unpacked"


def events(packages: Path, captures: Path) -> list[str]:
    """What a core says of the recordings; the first line is what it is made of."""
    paths = [str(captures / f"{name}.pcap.gz") for name in RECORDINGS]
    environment = os.environ | {"PYTHONPATH": str(packages)}
    command = (sys.executable, "-P", "-c", REPLAY, *paths)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_compiled_core_tells_the_same(compiled: Path, captures: Path) -> None:
    """Event for event, of calls of every kind over UDP and TCP."""
    kind, *mine = events(compiled, captures)
    pure, *expected = events(ROOT, captures)
    assert ("so", "py") == (kind, pure)
    assert len(expected) > 1_500
    assert expected == mine
