"""The command `ringtap-collector`: `collector.cli`."""

import gzip
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from collector.cli import main
from collector.core import wire

COMMAND = [sys.executable, "-m", "collector"]


@pytest.fixture
def box_toml(tmp_path, lab_config):
    """Makes a configuration for the lab's box."""

    def make(port=1, extra=""):
        text = lab_config.read_text().replace('id = "lab"', 'id = "office-1"', 1)
        path = tmp_path / "box.toml"
        path.write_text(text + f'\n[spool]\npath = "spool.db"\n[mqtt]\nport = {port}\n{extra}')
        return str(path)

    return make


def run(*arguments, stdin=None):
    """(exit code, stdout, stderr) of the command in a process of its own."""
    done = subprocess.run([*COMMAND, *arguments], check=False, capture_output=True, text=True, timeout=60, input=stdin)
    return done.returncode, done.stdout, done.stderr


def test_run_once_ends_when_the_sink_has_everything(box_toml, make_broker, make_sink, captures):
    """Exit 0; the sink has every leg of the recording; progress in tenths where nobody sits at a terminal."""
    broker = make_broker()
    sink = make_sink(broker.port)
    code, out, err = run(
        "run", "--config", box_toml(broker.port), "--once", "--source", str(captures / "a-direct.pcap.gz")
    )
    assert (0, "") == (code, out)
    assert sum(kind == wire.KIND_LEG for kind in sink.kinds.values()) == 64
    assert err.splitlines()[-1] == "reading: 100 %"


def test_print_shows_events_instead_of_sending_them(box_toml, captures):
    """JSON lines on standard output; no broker is needed and no spool is made."""
    code, out, err = run("run", "--config", box_toml(), "--print", "--source", str(captures / "a-direct.pcap.gz"))
    assert (0, "") == (code, err)
    assert sum(json.loads(line)["event"] == "leg" for line in out.splitlines()) == 64


def test_print_into_a_closed_pipe_ends_quietly(box_toml, captures):
    """`| head -1` is no reason for a traceback."""
    command = " ".join(
        [*COMMAND, "run", "--config", box_toml(), "--print", "--source", str(captures / "office-day-A.pcap.gz")]
    )
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -1"], check=False, capture_output=True, text=True, timeout=60
    )
    assert ("", 1) == (done.stderr, len(done.stdout.splitlines()))


def test_a_service_stays_until_it_is_told_to_go(box_toml, make_broker, make_sink, captures):
    """Without --once it keeps its connection after the recording's end; SIGTERM ends it with exit 0 and a good-bye."""
    broker = make_broker()
    sink = make_sink(broker.port)
    config = box_toml(broker.port, f'[[source]]\npath = "{captures}/a-direct.pcap.gz"\n')
    process = subprocess.Popen([*COMMAND, "run", "--config", config], stderr=subprocess.PIPE)
    sink.wait_until(lambda: len(sink.states) == 1)
    time.sleep(1.0)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert process.stderr.read() == b""
    sink.wait_until(lambda: sink.states[-1]["online"] is False)


def test_killed_in_the_middle_of_a_recording_every_leg_arrives_once(box_toml, make_broker, make_sink, captures):
    """Kill -9 while it reads, again and again; the last run ends by itself: 223 legs, not one more."""
    broker = make_broker()
    sink = make_sink(broker.port)
    arguments = ["run", "--config", box_toml(broker.port), "--once", "--source", str(captures / "c-queue.pcap.gz")]
    for _ in range(3):
        process = subprocess.Popen([*COMMAND, *arguments, "--speed", "100"], stderr=subprocess.DEVNULL)
        known = len(sink.kinds)
        sink.wait_until(lambda known=known: len(sink.kinds) > known)
        process.kill()
        process.wait()
    seen = len(sink.kinds)
    code, _, _ = run(*arguments)
    assert (0, True) == (code, 0 < seen < len(sink.kinds))
    assert sum(kind == wire.KIND_LEG for kind in sink.kinds.values()) == 223
    assert sorted(seq for _, seq in sink.kinds) == list(range(1, len(sink.kinds) + 1))


def test_the_key_of_numbers_is_rotated_by_a_command(box_toml, captures, tmp_path):
    """From a moment in the past on: the same caller has another code; check-config looks at the key first."""
    text = Path(box_toml()).read_text().replace('caller_numbers = "clear"', "")
    config = tmp_path / "keyed.toml"
    config.write_text(text)
    arguments = ("run", "--config", str(config), "--print", "--source", str(captures / "a-direct.pcap.gz"))
    before = [leg["caller"] for leg in map(json.loads, run(*arguments)[1].splitlines()) if leg["event"] == "leg"]
    code, out, _ = run("rotate-key", "--config", str(config), "--at", "2020-01-01T02:00:00+02:00")
    assert (0, True) == (code, "1 key(s), a new one from 2020-01-01T00:00:00Z on" in out)
    after = [leg["caller"] for leg in map(json.loads, run(*arguments)[1].splitlines()) if leg["event"] == "leg"]
    keyed = [pair for pair in zip(before, after, strict=True) if pair[0].startswith("k")]
    assert keyed
    assert all(old != new for old, new in keyed)
    assert len({old for old, _ in keyed}) == len({new for _, new in keyed}) == len(set(keyed))
    assert "fine" in run("check-config", "--config", str(config))[1]
    (tmp_path / "caller.key").write_text("nonsense")
    code, _, err = run("check-config", "--config", str(config))
    assert (2, True) == (code, "[privacy] key_file: is no key" in err)
    assert 2 == run("rotate-key", "--config", str(config), "--at", "tonight")[0]


def test_numbers_are_keyed_unless_the_configuration_says_otherwise(box_toml, captures, tmp_path):
    """A file without [privacy] makes a key beside the spool and sends codes."""
    text = Path(box_toml()).read_text().replace('caller_numbers = "clear"', "")
    (tmp_path / "keyed.toml").write_text(text)
    arguments = ("--print", "--source", str(captures / "a-direct.pcap.gz"))
    _, out, _ = run("run", "--config", str(tmp_path / "keyed.toml"), *arguments)
    callers = {leg["caller"] for leg in map(json.loads, out.splitlines()) if leg["event"] == "leg"}
    assert (tmp_path / "caller.key").exists()
    assert callers
    assert all(caller == "" or caller.startswith("k") for caller in callers)


def test_check_config_says_fine(box_toml, capsys):
    """Exit 0 and one line."""
    assert main(["check-config", "--config", box_toml()]) == 0
    assert ": fine: box office-1, " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[box]\nidd = 'x'", 'did you mean "id"'),
        ("[box]\noffice = 'x'", "[box] id: missing"),
        ("[box]\nid = 'x'\n[mqtt]\npassword_file = 'none'", "[mqtt] password_file"),
        ("[box]\nid = 'x'\n[mqtt]\nca_file = 'none'", "[mqtt] certificates"),
    ],
)
def test_a_wrong_configuration_is_one_line_and_exit_2(tmp_path, capsys, content, complaint):
    """It names the file and the key."""
    path = tmp_path / "box.toml"
    path.write_text(content)
    assert main(["check-config", "--config", str(path)]) == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1


def test_bad_recordings_are_one_line_and_exit_2(box_toml, tmp_path):
    """Empty, a folder, no capture, not there; and no source at all."""
    (tmp_path / "empty.pcap").touch()
    (tmp_path / "text.pcap").write_text("hello, world")
    names = {"empty.pcap": "is empty", "text.pcap": "is no capture", ".": "is a directory", "none": "No such file"}
    for name, complaint in names.items():
        code, out, err = run("run", "--config", box_toml(), "--once", "--source", str(tmp_path / name))
        assert (2, "", 1) == (code, out, err.count("\n")), err
        assert complaint in err
    code, _, err = run("run", "--config", box_toml())
    assert (2, True) == (code, "[[source]]: missing" in err)


def test_a_truncated_recording_is_sent_and_then_reported(box_toml, tmp_path, captures):
    """What is whole is good; exit 1 says that something was missing."""
    whole = gzip.decompress((captures / "a-direct.pcap.gz").read_bytes())
    (tmp_path / "cut.pcap").write_bytes(whole[:-100])
    code, out, err = run("run", "--config", box_toml(), "--print", "--source", str(tmp_path / "cut.pcap"))
    assert code == 1
    assert out.count('"event": "leg"') >= 60
    assert "cut short or damaged in packet" in err
    assert err.count("\n") == 1


def test_a_spool_that_cannot_be_written_is_one_line_and_exit_1(box_toml, tmp_path, captures):
    """A folder where the file should be."""
    (tmp_path / "spool.db").mkdir()
    code, _, err = run("run", "--config", box_toml(), "--once", "--source", str(captures / "a-direct.pcap.gz"))
    assert (1, 1) == (code, err.count("\n"))
    assert "spool.db: the spool cannot be opened" in err


@pytest.mark.parametrize("arguments", [[], ["run"], ["run", "--config", "x", "--speed", "-1"], ["dance"]])
def test_wrong_use_exits_with_2(arguments):
    """Argparse says how it is used."""
    assert run(*arguments)[0] == 2


def test_help_has_examples_and_version_is_told(capsys):
    """Every command explains itself."""
    for arguments in (["--help"], ["run", "--help"], ["check-config", "--help"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
        assert "examples:" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.startswith("ringtap ")
