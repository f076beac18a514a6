"""The core against inputs that a fuzzer makes: what it once found, and ten seconds of new ones in every run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz.target import hear, steps_of, write_steps

HERE = Path(__file__).parent
CORPUS = sorted((HERE / "corpus").iterdir())
SECONDS = 10


def test_steps_are_read_back() -> None:
    """What `write_steps` writes is what is played."""
    steps = [(1, b"abc"), (8, b""), (4, b"\0" * 300)]
    assert steps == steps_of(write_steps(steps))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_corpus_is_survived(path: Path) -> None:
    """Every kept input: nothing raised, nothing kept open, every event readable by the sink."""
    hear(path.read_bytes())


def test_corpus_reaches_every_part() -> None:
    """The kept inputs are worth keeping: together they make legs, registrations, gaps, rejects and every wrapping."""
    reached: dict[str, int] = {}
    for path in CORPUS:
        for name, count in hear(path.read_bytes()).counters.as_dict().items():
            reached[name] = reached.get(name, 0) + count
    never = [name for name, count in reached.items() if not count and name not in ("legs_open", "legs_evicted")]
    assert [] == never


def test_ten_seconds_of_fuzzing_find_nothing(tmp_path: Path) -> None:
    """Coverage-guided, from the kept corpus; what it finds on the way is thrown away, a failure shows its input."""
    found = tmp_path / "found"
    found.mkdir()
    command = [
        sys.executable, str(HERE / "fuzz_monitor.py"), f"-max_total_time={SECONDS}", "-max_len=4096", "-timeout=5",
        "-rss_limit_mb=1024", f"-artifact_prefix={tmp_path}/", str(found), str(HERE / "corpus"),
    ]  # fmt: skip
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(HERE)}, capture_output=True, text=True, check=False
    )
    crashes = [(path.name, path.read_bytes()) for path in tmp_path.glob("*-*")]
    assert (0, []) == (done.returncode, crashes), done.stderr[-3_000:]
