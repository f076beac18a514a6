from datetime import time
from pathlib import Path

import pytest

from cloud_sink.config import load
from cloud_sink.errors import ConfigurationError
from cloud_sink.reports.saved import Condition, SavedReport, Schedule

MAIL = '[mail]\nhost = "mail.example.com"\nsender = "ringtap@example.com"\n'
REPORT = "[offices.lab.reports.morning]\n"


def read(folder: Path, text: str):
    """The configuration of a text."""
    path = folder / "sink.toml"
    path.write_text(text)
    return load(path)


def test_a_report_needs_nothing_but_a_name(tmp_path: Path):
    """The summary of yesterday as PDF, when somebody asks for it."""
    (saved,) = read(tmp_path, REPORT).reports["lab"]
    assert SavedReport("morning", "morning", ("summary",)) == saved


def test_everything_of_a_report(tmp_path: Path):
    """Each key arrives where it belongs."""
    text = MAIL + REPORT + (
        'title = "Support on Mondays"\ntables = ["queues"]\nkpis = ["asa", "offered"]\nnames = ["support"]\n'
        'where = ["asa > 20"]\nperiod = "7 days"\ncompare = "week"\nfile = "csv"\nat = "7:05"\ndays = ["monday"]\n'
        'to = ["boss@example.com"]\n'
    )  # fmt: skip
    configuration = read(tmp_path, text)
    assert SavedReport(
        name="morning",
        title="Support on Mondays",
        tables=("queues",),
        kpis=("asa", "offered"),
        names=("support",),
        where=(Condition("asa", ">", 20.0),),
        period="7 days",
        compare="week",
        file_kind="csv",
        schedule=Schedule(time(7, 5), frozenset({0})),
        recipients=("boss@example.com",),
    ) == configuration.reports["lab"][0]  # fmt: skip
    assert ("mail.example.com", 587, "starttls") == (
        configuration.mail.host, configuration.mail.port, configuration.mail.security,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (REPORT + 'tables = ["quues"]', ("reports.morning.tables", '"quues"', 'did you mean "queues"')),
        (REPORT + 'kpis = ["aso"]', ("reports.morning.kpis", '"aso"')),
        (REPORT + 'where = ["asa over 20"]', ("reports.morning.where", "asa > 20")),
        (REPORT + 'period = "fortnight"', ("reports.morning.period", "30 days")),
        (REPORT + 'period = "400 days"', ("reports.morning.period", "1 to 366")),
        (REPORT + 'file = "docx"', ("reports.morning.file", '"pdf"')),
        (REPORT + 'tables = ["queues", "missed"]\nfile = "csv"', ("reports.morning.file", "xlsx")),
        (REPORT + 'at = "25:00"\nto = ["a@b.example"]', ("reports.morning.at", '"25:00"')),
        (REPORT + 'at = "7:00"', ("reports.morning.at", "to =")),
        (REPORT + 'to = ["a@b.example"]', ("reports.morning.to", "at =")),
        (REPORT + 'at = "7:00"\nto = ["boss"]', ("reports.morning.to", "boss")),
        (REPORT + 'at = "7:00"\nto = ["a@b.example\\nBcc: x@y.example"]', ("reports.morning.to", "no address")),
        (REPORT + 'at = "7:00"\nto = ["a@b.example"]', ("reports.morning", "[mail] host")),
        (REPORT + 'at = "7:00"\nto = ["a@b.example"]\ndays = ["monday"]\nmonth_day = 1', ("month_day", "days")),
        (REPORT + "month_day = 31", ("reports.morning.month_day", "28")),
        (REPORT + "colour = 3", ("reports.morning", "colour")),
        ('[offices.lab.reports."a/b"]\n', ("reports.a/b", "name of letters")),
        ('[mail]\nhost = "m"\n', ("mail.sender",)),
        ('[mail]\nhost = "m"\nsender = "a@b.example"\nusername = "u"\n', ("mail.password_file",)),
        ('[mail]\nsecurity = "none"\nusername = "u"\npassword_file = "p"\n', ("mail.security", "password")),
    ],
)  # fmt: skip
def test_mistakes_are_named(tmp_path: Path, text: str, words: tuple[str, ...]):
    """File, key, and what would do."""
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, text)
    for word in (str(tmp_path / "sink.toml"), *words):
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
