"""Unpack a private real MicroPython, built for 32 bits like a microcontroller, into this user's cache folder.

Debian 13 packages MicroPython's unix port; its i386 build has the word and block sizes of an ESP32. `apt-get` fetches
and checks the packages with a configuration of its own, from the mirror this machine already uses: nothing is
installed, no system file is touched, and root is not needed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

# Debian 13 is the first with a micropython package that runs as it is (1.25). A mirror that is being updated may serve
# an index of one day with a signature of another under one of its names: the other name is tried then.
SUITES = ("trixie", "stable")
ARCHITECTURE = "i386"
PACKAGES = ("micropython", "libc6", "libffi8", "libmbedtls21", "libmbedx509-7", "libmbedcrypto16")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ringtap" / "micropython-1.25-i386"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

APT_CONFIGURATION = """\
Dir::Etc::sourcelist "{work}/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "{work}/lists";
Dir::State::status "{work}/status";
Dir::Cache "{work}/cache";
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Sandbox::User "";
Acquire::Languages "none";
"""


class UnpackError(Exception):
    """MicroPython could not be fetched; the text says what is missing."""


def machine_mirror() -> str:
    """The address of the Debian mirror in this machine's own apt sources."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"]
    for line in run(command, {}).splitlines():
        address, release, component = line.split()
        if component == "main" and "-" not in release and address.rstrip("/").endswith("/debian"):
            return address
    raise UnpackError("this machine's apt sources name no Debian mirror (deb .../debian <release> main)")


def unpack(root: Path, fetch: Callable[[Path, str], Path] | None = None) -> None:
    """Fetch into `root`; leaves either a whole tree there or none, also where several do it at once.

    `fetch(work, suite)` makes the tree from one of Debian's suites below `work`: the packages, unless told otherwise.
    """
    fetch = fetch or unpack_packages
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise UnpackError("apt-get and dpkg-deb are needed to fetch MicroPython: run the tests on Debian")
    problems = []
    for suite in SUITES:
        with tempfile.TemporaryDirectory(dir=root.parent, prefix=root.name + ".") as work:
            try:
                tree = fetch(Path(work), suite)
            except UnpackError as error:
                problems.append(str(error))
                continue
            try:
                tree.rename(root)
            except OSError:
                if not root.exists():  # else another process was faster
                    raise
            return
    raise UnpackError("\n".join(problems))


def unpack_packages(work: Path, suite: str, packages: tuple[str, ...] = PACKAGES, source: str = "") -> Path:
    """Download packages of one suite, and the source of `source`, into `work`; returns the tree of the packages."""
    tree = work / "root"
    for folder in (tree, work / "lists" / "partial", work / "cache" / "archives" / "partial"):
        folder.mkdir(parents=True)
    (work / "status").touch()
    places = [f"{kind} [signed-by={KEYRING}] {machine_mirror()} {suite} main\n" for kind in ("deb", "deb-src")]
    (work / "sources.list").write_text("".join(places if source else places[:1]))
    (work / "apt.conf").write_text(APT_CONFIGURATION.format(work=work, architecture=ARCHITECTURE))
    private = {"APT_CONFIG": str(work / "apt.conf")}
    run(["apt-get", "-qq", "update"], private)
    run(["apt-get", "-qq", "download", *packages], private, work)
    if source:
        run(["apt-get", "-qq", "--download-only", "source", source], private, work)
    for package in work.glob("*.deb"):
        run(["dpkg-deb", "-x", str(package), str(tree)], {})
    return tree


def micropython_command(heap: str) -> list[str]:
    """The command line that starts MicroPython with `heap` (as in "100k") of memory; unpacks it first if need be."""
    return loader_command(unpacked() / "usr" / "bin" / "micropython", heap)


def unpacked() -> Path:
    """The tree of the packages, made first if need be."""
    if not (CACHE / "usr" / "bin" / "micropython").exists():
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        unpack(CACHE)
    return CACHE


def loader_command(binary: Path, heap: str) -> list[str]:
    """The command line that starts a 32-bit program with the libraries of the packages."""
    loader = next(CACHE.glob("usr/lib/ld-linux.so.2"), None) or next(CACHE.glob("lib/ld-linux.so.2"))
    libraries = ":".join(str(CACHE / folder) for folder in ("usr/lib/i386-linux-gnu", "lib/i386-linux-gnu"))
    return [str(loader), "--library-path", libraries, str(binary), "-X", f"heapsize={heap}"]


def run(command: list[str], environment: dict[str, str], folder: Path | None = None) -> str:
    """What a command printed; raises UnpackError with its complaint."""
    done = subprocess.run(
        command, env={**os.environ, **environment}, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise UnpackError(f"{' '.join(command)} failed: {done.stdout[-2000:].strip()} {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    try:
        print(" ".join(micropython_command(sys.argv[1] if len(sys.argv) > 1 else "100k")))
    except UnpackError as error:
        sys.exit(f"micropython: {error}")
