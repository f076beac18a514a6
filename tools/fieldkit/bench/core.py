"""`ringtap bench core`: how many SIP messages a CPU-second the complete core takes, beside other tools.

Each program runs as a whole process on the same capture; what it uses on an empty capture (its start) is taken off.
Where the installed core is compiled (`tools/build-compiled-wheel`), or such a wheel is given, both are measured: the
same sources compiled and as pure Python; the goals are those of what is installed.
"""

import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from collector.adapters.pcapfile import open_captures
from collector.core import sip
from collector.core.monitor import CallMonitor, MonitorSettings
from collector.errors import WrongUse
from fieldkit.bench.captures import make_longer, make_phone_sized, record_calls, write_empty
from fieldkit.bench.figures import Figure, print_figures
from fieldkit.bench.measure import run_measured
from fieldkit.bench.open_legs import OPEN_LEGS

GOAL_MESSAGES = 150_000
GOAL_PHONE_SIZED = 110_000
GOAL_RSS_MB = 64
GOAL_LEG_BYTES = 2_048
LONGER = 3  # times the capture

# calls of the full run and of --quick: (answered, cancelled, busy)
FULL = (30_000, 5_500, 4_500)
QUICK = (2_400, 440, 360)

SNGREP = ("sngrep", "-N", "-q", "-I")
TSHARK = ("tshark", "-o", "sdp.establish_conversation:FALSE", "-Y", "sip", "-T", "fields", "-e", "sip.Call-ID", "-r")


def run_core_benchmark(*, quick: bool, capture: Path | None, compiled: Path | None = None) -> int:
    """Measure and print; returns 1 where a goal was missed. `capture` is read instead of recording one.

    `compiled`: a wheel of `tools/build-compiled-wheel`, measured beside the core that is installed.
    """
    if capture is not None:
        open_captures([str(capture)])  # raises where it is none
    with tempfile.TemporaryDirectory() as folder:
        if compiled is not None:
            _unpack_compiled(compiled, Path(folder) / "compiled")
        small = capture or Path(folder) / "calls.pcap"
        if capture is None:
            answered, cancelled, busy = QUICK if quick else FULL
            print(f"recording {answered + cancelled + busy:,} calls by sipp ...", file=sys.stderr)
            record_calls(small, answered=answered, cancelled=cancelled, busy=busy)
        large = Path(folder) / "phone-sized.pcap"
        make_phone_sized(small, large)
        empty = Path(folder) / "empty.pcap"
        write_empty(small, empty)
        figures = [*_measure_ours(small, large, empty), _measure_open_legs(), *_measure_replay(small, large.parent)]
        figures += _measure_peers(small, empty)
    return print_figures("ringtap bench core: SIP messages per CPU-second", figures)


def _measure_ours(small: Path, large: Path, empty: Path) -> list[Figure]:
    figures = []
    for name, command, has_goal in _variants(large.parent):
        for size, path, goal in (("", small, GOAL_MESSAGES), (", 820-byte messages", large, GOAL_PHONE_SIZED)):
            rate, rss_mb, messages = _rate(command, path, empty)
            goal_here = goal if has_goal else None
            figures.append(Figure(f"{name}{size} ({messages:,} messages)", rate, "messages/s", at_least=goal_here))
            figures.append(Figure(f"{name}{size}: memory", rss_mb, "MB", at_most=GOAL_RSS_MB))
    return figures


def _measure_open_legs() -> Figure:
    """What a talking call keeps in memory: of so many at once, in a process of their own."""
    command = (sys.executable, "-m", "fieldkit.bench.open_legs")
    leg_bytes = int(run_measured(command).output)
    return Figure(f"an open leg ({OPEN_LEGS:,} at once)", leg_bytes, "bytes", at_most=GOAL_LEG_BYTES)


def _measure_replay(path: Path, folder: Path) -> list[Figure]:
    """The view that looks at everything, of the capture and of one three times as long: memory stays the same."""
    longer = folder / "longer.pcap"
    make_longer(path, longer, LONGER)
    return [
        Figure(f"ringtap replay --show kpis, {name}: memory", _replay_rss_mb(each), "MB", at_most=GOAL_RSS_MB)
        for name, each in (("the capture", path), (f"{LONGER} times as long", longer))
    ]


def _replay_rss_mb(path: Path) -> float:
    command = (sys.executable, "-m", "fieldkit", "replay", str(path), "--show", "kpis", "--format", "json")
    return run_measured(command).rss_mb


def _variants(folder: Path) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    """(name, command, whether the goals are its) of the core as installed and, where there is one, its other form."""
    installed = Path(sip.__file__)
    worker = (sys.executable, "-P", "-m", "fieldkit.bench.core")  # not what lies in the present folder
    if installed.suffix == ".py":
        yield "ringtap, pure Python", worker, True
        if (folder / "compiled").exists():
            yield "ringtap, compiled", ("env", f"PYTHONPATH={folder / 'compiled'}", *worker), False
        return
    yield "ringtap, compiled", worker, True
    package = installed.parents[1]
    shutil.copytree(package, folder / "pure" / "collector", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    yield "ringtap, pure Python", ("env", f"PYTHONPATH={folder / 'pure'}", *worker), False


def _unpack_compiled(wheel: Path, folder: Path) -> None:
    """Lay the compiled core of a wheel into a folder that Python can import from; WrongUse where that cannot be."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.startswith("collector/") or "/" not in name]
            archive.extractall(folder, names)
    except (OSError, zipfile.BadZipFile) as error:
        raise WrongUse(f"--compiled {wheel}: is no wheel: {error}") from error
    where = "import collector.core.sip; print(collector.core.sip.__file__)"
    command = ("env", f"PYTHONPATH={folder}", sys.executable, "-P", "-c", where)
    if not run_measured(command).output.rstrip().endswith(".so"):
        raise WrongUse(f"--compiled {wheel}: is not compiled for this Python: make it by tools/build-compiled-wheel")
    package = Path(sip.__file__).parents[1]
    for source in sorted(package.rglob("*.py")):
        if source.read_bytes() != (folder / "collector" / source.relative_to(package)).read_bytes():
            raise WrongUse(
                f"--compiled {wheel}: has another {source.name}: make it again by tools/build-compiled-wheel"
            )


def _measure_peers(path: Path, empty: Path) -> list[Figure]:
    """The same capture through sngrep and tshark, where installed."""
    figures = []
    messages = int(run_measured((sys.executable, "-m", "fieldkit.bench.core", str(path))).output.split()[0])
    for command in (SNGREP, TSHARK):
        if shutil.which(command[0]) is None:
            print(f"{command[0]} not found, left out: apt-get install {command[0]}", file=sys.stderr)
            continue
        used, start = run_measured((*command, str(path))), run_measured((*command, str(empty)))
        rate = messages / max(used.cpu_s - start.cpu_s, 0.001)
        figures += [Figure(command[0], rate, "messages/s"), Figure(f"{command[0]}: memory", used.rss_mb, "MB")]
    return figures


def _rate(command: Sequence[str], path: Path, empty: Path) -> tuple[float, float, int]:
    """(messages per CPU-second, MB, messages): the best of three runs, since others share the machine."""
    start = min(run_measured((*command, str(empty))).cpu_s for _ in range(3))
    runs = [run_measured((*command, str(path))) for _ in range(3)]
    messages = int(runs[0].output.split()[0])
    return messages / max(min(run.cpu_s for run in runs) - start, 0.001), max(run.rss_mb for run in runs), messages


def main(path: str) -> None:
    """Read a capture through the complete core, frames in and events out, and print how much there was."""
    monitor = CallMonitor(MonitorSettings(ports=(5060, 5070, 5080)))
    now_ms = legs = 0
    for frames in open_captures([path]).batches():
        if not frames:  # a pipe that has nothing now
            continue
        now_ms = frames[-1][1]
        monitor.receive_frames(frames)
        while monitor.next_event() is not None:
            legs += 1
    monitor.close(now_ms)
    while monitor.next_event() is not None:
        legs += 1
    print(monitor.counters.sip_messages, "messages", legs, "legs")


if __name__ == "__main__":
    main(sys.argv[1])
