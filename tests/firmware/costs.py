"""What the firmware costs: time, garbage and heap on the 32-bit MicroPython, legs that fit, sizes of the bytecode.

Prints one line of JSON. usage: costs.py [RECORDING]     office-day-A unless told otherwise
"""

import gzip
import json
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / name) for name in ("firmware", "portable")]
from build_micropython import build  # noqa: E402
from machine_room import BOARD_HEAP, run_vm  # noqa: E402
from router import make_settings  # noqa: E402

from fieldkit.flash import compile_packages  # noqa: E402

CAPTURES = Path(__file__).parents[1] / "captures"
LEGS_STEP = 5


def main(recording: Path, folder: Path) -> dict[str, object]:
    """Everything in the folder; the figures."""
    vm = build(folder / "vm")
    plain = folder / "recording.pcap"
    plain.write_bytes(gzip.decompress(recording.read_bytes()) if recording.suffix == ".gz" else recording.read_bytes())
    settings = make_settings(folder, CAPTURES / "asterisk-lab.toml", 37008, {})
    costs: dict[str, object] = json.loads(run_vm(vm, "measure", str(plain), str(settings), heap="64m").stdout)
    costs[f"legs_in_{BOARD_HEAP}"] = most_legs(vm)
    compile_packages(folder / "mpy")
    for part in ("collector", "firmware"):
        sizes = [path.stat().st_size for path in (folder / "mpy" / part).rglob("*.mpy")]
        costs[f"{part}_mpy_bytes"] = sum(sizes)
    return costs


def most_legs(vm: Path) -> int:
    """The most calls that are open at once and all reported right."""
    count = LEGS_STEP
    while run_vm(vm, "many_legs", str(count)).stdout == f"({count}, {count})\n":
        count += LEGS_STEP
    return count - LEGS_STEP


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        given = Path(sys.argv[1]) if len(sys.argv) > 1 else CAPTURES / "office-day-A.pcap.gz"
        print(json.dumps(main(given, Path(name))))
