"""Any message from the broker: by Hypothesis from well-formed ones, and by atheris guided by coverage."""

import subprocess
import sys
from pathlib import Path

import pytest
from fuzz.message_target import receive, seeds
from hypothesis import given, settings
from hypothesis import strategies as st

HERE = Path(__file__).parent
SECONDS = 4
MUTATIONS = st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=3)), max_size=8)


@pytest.mark.parametrize("seed", seeds())
def test_well_formed_messages_pass(seed: bytes) -> None:
    """What a box sends holds what must hold, and so do all its beginnings."""
    for length in range(len(seed) + 1):
        receive(seed[:length])


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(seeds()), MUTATIONS)
def test_damaged_messages_are_survived(seed: bytes, mutations: list[tuple[int, bytes]]) -> None:
    """Bytes exchanged, inserted and left out anywhere."""
    damaged = bytearray(seed)
    for at, piece in mutations:
        damaged[at % (len(damaged) + 1) : at % (len(damaged) + 1) + 1] = piece
    receive(bytes(damaged))


def test_atheris_finds_nothing(tmp_path: Path) -> None:
    """Four seconds with the messages above as a start; hours of it are a matter of -max_total_time."""
    for number, seed in enumerate(seeds()):
        (tmp_path / f"seed-{number}").write_bytes(seed)
    command = [sys.executable, "fuzz_messages.py", f"-max_total_time={SECONDS}", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run([*command, str(tmp_path)], cwd=HERE, capture_output=True, text=True, timeout=90, check=False)
    assert 0 == done.returncode, done.stderr[-3000:]
    assert "DONE" in done.stderr or "Done" in done.stderr
