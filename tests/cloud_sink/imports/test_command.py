"""`ringtap-sink import` as a user runs it."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from cloud_sink.contacts.records import Leg
from cloud_sink.store import BatchArrived, Store
from collector.caller_keys import load_key
from collector.privacy import key_number

OFFICES = "[offices.lab]\ntime_zone = \"Europe/London\"\nboxes = ['lab']\n[offices.york]\nboxes = ['york']\n"
SHIFTS = "agent,start,end,activity\n"


@pytest.fixture
def sink(tmp_path: Path) -> Path:
    """A configuration and its migrated database."""
    config = tmp_path / "sink.toml"
    config.write_text(f'[sink]\ndatabase = "sqlite:///{tmp_path}/sink.db"\n{OFFICES}')
    Store.open(f"sqlite:///{tmp_path}/sink.db").migrate()
    return config


Run = Callable[..., CompletedProcess[str]]


@pytest.fixture
def run(ringtap_sink: Run) -> Run:
    """Run `ringtap-sink import` to its end."""
    return lambda *arguments: ringtap_sink("import", *arguments)


def say(text: str) -> tuple[int, str, str]:
    """A success that prints one line."""
    return 0, f"lab: schedules: {text}\n", ""


def outcome(done: CompletedProcess[str]) -> tuple[int, str, str]:
    """Exit code and both outputs."""
    return done.returncode, done.stdout, done.stderr


def test_import_correct_repeat_and_remove(run: Run, sink: Path, tmp_path: Path) -> None:
    """A rehearsal stores nothing, the same again changes nothing, a correction replaces the agent's day."""
    file, options = tmp_path / "shifts.csv", ("--config", sink, "--office", "lab")
    file.write_text(
        SHIFTS + "Alice,2026-06-01 09:00,2026-06-01 11:00,on queue\nBob,2026-06-01 09:00,2026-06-01 10:00,break\n"
    )
    fine = say("2 rows read, all fine: 2 new, 0 corrected, 0 as before; nothing stored (--dry-run)")
    assert fine == outcome(run("schedules", file, *options, "--dry-run"))
    assert say("2 rows read: 2 new, 0 corrected, 0 as before") == outcome(run("schedules", file, *options))
    assert say("2 rows read: 0 new, 0 corrected, 2 as before") == outcome(run("schedules", file, *options))
    file.write_text(
        SHIFTS + "Alice,2026-06-01 09:30,2026-06-01 11:00,on queue\nAlice,2026-06-02 09:00,2026-06-02 10:00,break\n"
    )
    assert say("2 rows read: 1 new, 1 corrected, 0 as before") == outcome(run("schedules", file, *options))
    assert say("2 rows read, 2 removed, 0 were not there") == outcome(run("schedules", file, *options, "--remove"))
    assert say("2 rows read, 0 removed, 2 were not there") == outcome(run("schedules", file, *options, "--remove"))


def test_a_wrong_file_stores_nothing(run: Run, sink: Path, tmp_path: Path) -> None:
    """Exit 1, a line for each mistake; the rows that were fine are not stored either."""
    file = tmp_path / "shifts.csv"
    file.write_text(SHIFTS + "Alice,2026-06-01 09:00,2026-06-01 11:00,on queue\nBob,x,2026-06-01 10:00,break\n")
    done = run("schedules", file, "--config", sink, "--office", "lab")
    assert (1, "") == (done.returncode, done.stdout)
    assert f'{file}: row 3, column "start": "x" is no time' in done.stderr
    assert [] == Store.open(f"sqlite:///{tmp_path}/sink.db").import_status("lab")


def test_wrong_use_is_one_line(run: Run, sink: Path, tmp_path: Path) -> None:
    """Exit 2: no file, several offices and none named, an unknown one, a file that is not there."""
    for arguments, said in (
        (("agents", "--config", sink), "name the file to import"),
        (("agents", "x.csv", "--config", sink), "say which office with --office: lab, york"),
        (("agents", "x.csv", "--config", sink, "--office", "rome"), 'no office "rome" (there is: lab, york)'),
        (("agents", tmp_path / "x.csv", "--config", sink, "--office", "lab"), "x.csv: cannot be read"),
    ):
        done = run(*arguments)
        assert (2, "", 1) == (done.returncode, done.stdout, done.stderr.count("\n"))
        assert said in done.stderr


def test_template_needs_no_configuration(run: Run, tmp_path: Path) -> None:
    """The file on standard output or where it is told to go, what its columns mean beside it."""
    done = run("agents", "--template")
    assert (0, "\ufeffagent,extension,from,until,team\r\nAlice,101,2026-06-01,,support\r\n") == (
        done.returncode,
        done.stdout,
    )
    assert "extension    the phone's extension (required)" in done.stderr
    assert 0 == run("agents", "--template", "--format", "xlsx", "--output", tmp_path / "a.xlsx").returncode
    assert b"PK" == (tmp_path / "a.xlsx").read_bytes()[:2]


def test_a_result_names_a_contact_that_there_is(run: Run, sink: Path, tmp_path: Path) -> None:
    """An id that no contact has is a mistake of its row."""
    file = tmp_path / "results.csv"
    file.write_text("contact_id,disposition,success\nlab-00000001-1,sold,yes\n")
    done = run("dispositions", file, "--config", sink, "--office", "lab")
    assert 1 == done.returncode
    assert 'row 2, column "contact_id": "lab-00000001-1" is no contact of this office' in done.stderr


def test_customers_of_a_box_that_codes_numbers(run: Run, sink: Path, tmp_path: Path) -> None:
    """Without the box's key the list is refused; with it each number is stored as the code that calls carry."""
    key = load_key(tmp_path / "caller.key")
    code = key_number("447700900123", key)
    leg = Leg(
        leg_id="lab-00000001-1", office="lab", box="lab", epoch=1, seq=1, call_key="01", role="phone", direction="in",
        extension="101", caller=code, callee="101", t_invite=1_780_304_400_000, t_ring=1_780_304_400_500,
        t_answer=1_780_304_402_000, t_end=1_780_304_460_000,
    )  # fmt: skip
    store = Store.open(f"sqlite:///{tmp_path}/sink.db")
    store.ingest([BatchArrived("lab", "lab", 1, 1, 1, 1, leg.t_invite, legs=[leg])], {}, leg.t_invite)
    file, options = tmp_path / "customers.csv", ("--config", sink, "--office", "lab")
    file.write_text("number,name\n+44 7700 900123,Example Ltd\n")
    refused = run("customers", file, *options)
    assert (2, "", 1) == (refused.returncode, refused.stdout, refused.stderr.count("\n"))
    assert "caller.key" in refused.stderr
    sink.write_text(sink.read_text() + '[offices.lab.imports]\nnumbers_key_file = "caller.key"\n')
    assert 0 == run("customers", file, *options).returncode
    assert [code] == [row.number for row in store.imported("lab", "customers", 0, 1)]


def test_a_queue_log_has_no_template(run: Run) -> None:
    """It is the PBX's own file."""
    done = run("queue_log", "--template")
    assert (2, "") == (done.returncode, done.stdout)
    assert "/var/log/asterisk/queue_log" in done.stderr


def test_answers_are_held_against_the_office_s_own_scale(run: Run, sink: Path, tmp_path: Path) -> None:
    """Of 1 to 5 unless `csat_best` is another; and a contact that nobody knows is none."""
    file, options = tmp_path / "answers.csv", ("--config", sink, "--office", "york")
    file.write_text("question,score,at\ncsat,6,2026-06-01 10:00\n")
    code, _, complaint = outcome(run("surveys", file, *options))
    assert (1, True) == (code, 'row 2, column "score": must be a whole number from 1 to 5 for csat here' in complaint)
    sink.write_text(sink.read_text() + "csat_best = 6\n")
    assert 0 == run("surveys", file, *options).returncode
    file.write_text("question,score,contact_id\ncsat,5,none\n")
    assert '"none" is no contact of this office' in run("surveys", file, *options).stderr
