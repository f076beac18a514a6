"""The collector's Debian package, built, installed, run and purged on this machine: `tools/build-deb`."""

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from networks import wait_for

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "tools/debian/ringtap-collector.service"
KEPT = (True, ["caller.key", "spool.db"])
TRACES = (
    "/opt/ringtap-collector",
    "/etc/ringtap",
    "/usr/bin/ringtap-collector",
    "/var/lib/ringtap",
    "/usr/lib/systemd/system/ringtap-collector.service",
    "/usr/lib/sysctl.d/60-ringtap-collector.conf",
)


def run(*command, **options):
    """Run a program; what it says is in the assertion."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The package's file."""
    assert os.geteuid() == 0, "installing a package needs root: run the tests with sudo"
    assert not Path("/opt/ringtap-collector").exists(), "ringtap-collector is installed here: purge it first"
    return Path(run(str(ROOT / "tools/build-deb"), str(tmp_path_factory.mktemp("deb"))).splitlines()[-1])


def test_unit_is_hardened():
    """By systemd's own word the exposure of the unit is OK."""
    assert shutil.which("systemd-analyze"), "systemd-analyze not found: apt-get install systemd"
    said = run("systemd-analyze", "security", "--offline=yes", "--no-pager", str(UNIT))
    assert "OK" in said.splitlines()[-1]


def test_package_runs_is_upgraded_and_comes_off_cleanly(package, tmp_path):
    """Own user, own environment, an example that check-config explains; an upgrade keeps what was configured and kept.

    Removed: the program is gone, configuration and events stay for another try. Purged: not a trace.
    """
    run("dpkg", "-i", str(package))
    try:
        assert "ringtap" == pwd.getpwnam("ringtap").pw_name
        assert "ringtap " in run("ringtap-collector", "--version")
        example = subprocess.run(
            ["ringtap-collector", "check-config", "--config", "/etc/ringtap/box.toml"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (2, True) == (example.returncode, "[box] id" in example.stderr)
        _run_as_service(tmp_path)
        run("dpkg", "-i", str(make_newer(package, tmp_path)))
        assert "9.9" in run("dpkg-query", "--show", "--showformat", "${Version}", "ringtap-collector")
        assert kept_files() == KEPT, "an upgrade keeps the configuration, the events and the key"
        assert "fine: box box" in run("ringtap-collector", "check-config", "--config", "/etc/ringtap/box.toml")
        run("dpkg", "--remove", "ringtap-collector")
        assert not Path("/opt/ringtap-collector").exists()
        assert not Path("/usr/bin/ringtap-collector").is_symlink()
        assert kept_files() == KEPT, "whoever removes a package may install it again"
    finally:
        run("dpkg", "--purge", "ringtap-collector")
    assert [] == [path for path in TRACES if Path(path).exists()]
    with pytest.raises(KeyError):
        pwd.getpwnam("ringtap")


def make_newer(package, folder):
    """The same package with a higher version."""
    tree = folder / "newer"
    run("dpkg-deb", "--raw-extract", str(package), str(tree))
    control = tree / "DEBIAN/control"
    lines = control.read_text().splitlines()
    control.write_text("\n".join("Version: 9.9" if line.startswith("Version:") else line for line in lines) + "\n")
    run("dpkg-deb", "--root-owner-group", "--build", str(tree), str(folder / "newer.deb"))
    return folder / "newer.deb"


def kept_files():
    """What must survive: (owner may write the configuration, files of the service's state)."""
    config = Path("/etc/ringtap/box.toml")
    return 'id = "box"' in config.read_text(), sorted(path.name for path in Path("/var/lib/ringtap").glob("*.[dk]*"))


def _run_as_service(folder):
    """As the unit starts it: user ringtap, CAP_NET_RAW and nothing else; it listens on lo until SIGTERM."""
    state = Path("/var/lib/ringtap")
    state.mkdir(exist_ok=True)
    shutil.chown(state, "ringtap", "ringtap")
    config = Path("/etc/ringtap/box.toml")
    text = config.read_text().replace('id = ""', 'id = "box"').replace('"eth0"', '"lo"')
    config.write_text(text)
    rights = "--reuid ringtap --regid ringtap --clear-groups --inh-caps=-all,+net_raw --ambient-caps=-all,+net_raw"
    log = folder / "log"
    with log.open("wb") as stream:
        service = subprocess.Popen(
            ["setpriv", *rights.split(), "--bounding-set=-all,+net_raw", "--no-new-privs", "ringtap-collector", "run",
             "--config", str(config)],
            stderr=stream,
        )  # fmt: skip
    try:
        wait_for(lambda: "event=source_started" in log.read_text() or service.poll() is not None)
        assert "event=source_started source=live form=frame trouble=none" in log.read_text(), log.read_text()
        service.send_signal(signal.SIGTERM)
        assert 0 == service.wait(5), log.read_text()
    finally:
        service.kill()
        service.wait()
    assert (state / "spool.db").exists()
