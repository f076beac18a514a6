"""The sink's configuration file: what it says, and how every mistake in it is named."""

import subprocess
import sys
from pathlib import Path

import pytest

from cloud_sink.config import load, office_plans
from cloud_sink.contacts.records import AGENT_ACTIONS, Tariff
from cloud_sink.errors import ConfigurationError

LAB = Path(__file__).parent.parent / "captures" / "asterisk-lab.toml"


def write(folder: Path, text: str) -> Path:
    """Write a configuration and return its path."""
    path = folder / "sink.toml"
    path.write_text(text)
    return path


def refusal(folder: Path, text: str) -> str:
    """Return the error of a configuration without the folder's name."""
    path = write(folder, text)
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    return str(caught.value).replace(str(path), "FILE")


def test_lab_file() -> None:
    """The file of the recordings holds the box's part and the sink's, and gives one office with its destinations."""
    plan = office_plans(LAB)["lab"]
    assert ("Lab office", "Europe/London", 20_000, 5_000) == (
        plan.name,
        plan.time_zone,
        plan.gap_ms,
        plan.short_abandon_ms,
    )
    by_name = {destination.name: destination for destination in plan.destinations}
    assert ("queue", ("101", "102", "103", "104")) == (by_name["support"].kind, by_name["support"].members)
    assert {"1": "support", "2": "sales"} == by_name["menu"].choices


def test_empty_file_has_usable_defaults(tmp_path: Path) -> None:
    """A file without a word is valid: a database beside it, the page on loopback, the broker of [mqtt]."""
    configuration = load(write(tmp_path, ""))
    assert ("127.0.0.1", 8080) == configuration.sink.listen
    assert configuration.sink.embedded_broker is None
    assert ("127.0.0.1", 1883) == (configuration.broker.host, configuration.broker.port)
    assert {} == configuration.plans


def test_jalali_weeks_begin_on_saturday_unless_told_otherwise(tmp_path: Path) -> None:
    """The week's first day follows the calendar; without either an office counts as most do."""
    written = ('calendar = "jalali"', 'calendar = "jalali"\nweek_start = "sunday"', "")
    offices = "".join(f"[offices.o{number}]\n{lines}\n" for number, lines in enumerate(written))
    plans = load(write(tmp_path, offices)).plans.values()
    assert [("jalali", "saturday"), ("jalali", "sunday"), ("gregorian", "monday")] == [
        (plan.calendar, plan.week_start) for plan in plans
    ]
    assert "calendar" in refusal(tmp_path, '[offices.a]\ncalendar = "julian"\n')


def test_box_belongs_to_the_office_that_lists_it(tmp_path: Path) -> None:
    """Only the configuration says whose a box is; one it does not list belongs to nobody."""
    configuration = load(write(tmp_path, '[offices.a]\nboxes = ["a1", "a2"]\n[offices.b]\nboxes = ["b1"]\n'))
    assert ["a", "a", "b", ""] == [configuration.office_of_box(box) for box in ("a1", "a2", "b1", "c1")]


def test_single_office_without_boxes_owns_every_box(tmp_path: Path) -> None:
    """One office that lists no boxes needs none listed."""
    assert "a" == load(write(tmp_path, "[offices.a]\n")).office_of_box("anything")


def test_agent_codes(tmp_path: Path) -> None:
    """What a PBX's feature codes do for agents; FreePBX's own where nothing is said."""
    plans = office_plans(write(tmp_path, '[offices.a.agent_codes]\n"*45" = "login"\n[offices.b]\n'))
    assert {"*45": "login"} == plans["a"].agent_codes
    assert "switch_pause" == plans["b"].agent_codes["*46"]


def test_wrap_up_of_a_queue(tmp_path: Path) -> None:
    """Seconds in the file; not known where nothing is said."""
    plan = office_plans(write(tmp_path, "[offices.a.queues.x]\nwrap_up_s = 30\n[offices.a.queues.y]\n"))["a"]
    assert [30_000, 0] == [queue.wrap_up_ms for queue in plan.destinations]


def test_who_counts_as_calling_again(tmp_path: Path) -> None:
    """A week, and everybody's number is his own, unless told otherwise."""
    plans = office_plans(write(tmp_path, '[offices.a]\nrepeat_days = 3\nshared_numbers = ["44207"]\n[offices.b]\n'))
    assert [(3, ("44207",)), (7, ())] == [(plans[name].repeat_days, plans[name].shared_numbers) for name in "ab"]


def test_survey_s_questions(tmp_path: Path) -> None:
    """In order; only a survey has any."""
    plans = office_plans(write(tmp_path, '[offices.a.surveys.x]\nnumbers = ["510"]\nquestions = ["nps", "solved"]\n'))
    assert ("nps", "solved") == plans["a"].destinations[0].questions


def test_survey_after_a_queue(tmp_path: Path) -> None:
    """It needs no number of its own, and names the queues whose callers it asks."""
    text = '[offices.a.queues.support]\n[offices.a.surveys.x]\nafter = ["support"]\nquestions = ["csat"]\n'
    assert ("support",) == office_plans(write(tmp_path, text))["a"].destinations[1].after


def test_tariffs(tmp_path: Path) -> None:
    """Each with its prefixes; what is not said costs nothing."""
    text = '[offices.a.tariffs.mobile]\nprefixes = ["4477"]\nper_minute = 0.12\nfirst_s = 30\nstep_s = 6\n'
    assert (Tariff("mobile", ("4477",), 0.12, 0, 30, 6),) == office_plans(write(tmp_path, text))["a"].tariffs


def test_direct_numbers(tmp_path: Path) -> None:
    """Numbers that lead straight to an extension are given as patterns, one question mark a digit."""
    plans = office_plans(write(tmp_path, '[offices.a.direct]\n"44207946010?" = "10?"\n"4420700" = "120"\n'))
    assert {"44207946010?": "10?", "4420700": "120"} == plans["a"].direct


def test_addresses(tmp_path: Path) -> None:
    """Addresses are host:port, IPv6 in brackets, port 0 for any free one."""
    text = '[sink]\nlisten = "[::1]:0"\nembedded_broker = "127.0.0.1:1884"\n'
    sink = load(write(tmp_path, text)).sink
    assert (("::1", 0), ("127.0.0.1", 1884)) == (sink.listen, sink.embedded_broker)


REFUSALS = [
    (
        "[retention]\ncalls_days = 100\nimports_days = 99\n",
        "FILE: retention.imports_days is less than calls_days: days that are counted again would lack them",
    ),
    ("[snik]\n", 'FILE: unknown section "snik" in the file (did you mean "sink"?)'),
    ('[sink]\nlisen = "x"\n', 'FILE: unknown key "lisen" in [sink] (did you mean "listen"?)'),
    (
        '[sink]\nlisten = "8080"\n',
        'FILE: sink.listen must be "address:port" such as "127.0.0.1:8080", not "8080"',
    ),
    (
        '[sink]\nlisten = "127.0.0.1:80800"\n',
        'FILE: sink.listen must be "address:port" such as "127.0.0.1:8080", not "127.0.0.1:80800"',
    ),
    (
        '[sink]\ndatabase = "sink.db"\n',
        'FILE: sink.database must be an address such as "sqlite:///sink.db" or "postgresql+psycopg://host/name"',
    ),
    ("[sink]\ndatabase = 3\n", "FILE: sink.database must be a text in quotes, not 3"),
    ("[mqtt]\nport = 0\n", "FILE: mqtt.port must be a number from 1 to 65535, not 0"),
    ("[mqtt]\nport = true\n", "FILE: mqtt.port must be a number from 1 to 65535, not True"),
    ("[mqtt]\nport = 1883.5\n", "FILE: mqtt.port must be a whole number, not 1883.5"),
    ("sink = 3\n", "FILE: sink must be a table, write [sink] and its keys below"),
    ("offices = 3\n", "FILE: offices must hold tables, write [offices.NAME]"),
    (
        '[offices.a]\ntime_zone = "Europe/Londn"\n',
        'FILE: offices.a.time_zone "Europe/Londn" is not a time zone of this system, write one such as "Europe/London"',
    ),
    (
        '[offices.a]\nwait_start = "pbx_anser"\n',
        (
            'FILE: offices.a.wait_start must be one of "offer", "pbx_answer", "first_ring", '
            'not "pbx_anser" (did you mean "pbx_answer"?)'
        ),
    ),
    (
        "[offices.a]\nqueus = {}\n",
        'FILE: unknown key "queus" in [offices.a] (did you mean "queues"?)',
    ),
    (
        '[offices.a]\nboxes = ["A1"]\n',
        'FILE: offices.a.boxes names "A1": a box is 1 to 32 of a-z, 0-9 and "-", and not "sink"',
    ),
    (
        '[offices.a]\nboxes = ["x"]\n[offices.b]\nboxes = ["x"]\n',
        'FILE: offices.b.boxes names "x", which [offices.a] has too: a box belongs to one office',
    ),
    (
        "[offices.a.queues.q]\nnumbers = [400]\n",
        "FILE: offices.a.queues.q.numbers must be a list of texts in quotes, not [400]",
    ),
    (
        '[offices.a.queues.q]\nnumbers = ["4 00"]\n',
        'FILE: offices.a.queues.q.numbers holds "4 00", which is not a number as it is dialled',
    ),
    (
        '[offices.a.queues.q]\nchoices = {1 = "x"}\n',
        (
            'FILE: unknown key "choices" in [offices.a.queues.q] '
            "(known: announce_s, members, numbers, overflow_to, timeout_s, wrap_up_s)"
        ),
    ),
    (
        '[offices.a.queues.q]\nnumbers = ["1"]\n[offices.a.surveys.s]\nnumbers = ["1"]\n',
        'FILE: offices.a.s has number "1", which q has too',
    ),
    (
        "[offices.a.queues.q]\n[offices.a.ring_groups.q]\n",
        "FILE: offices.a.q is there twice: queues, ring groups and the rest share one set of names",
    ),
    (
        '[offices.a.queues.sales]\n[offices.a.ivrs.m]\nchoices = {1 = "sale"}\n',
        'FILE: offices.a.ivrs.m.choices sends 1 to unknown "sale" (did you mean "sales"?)',
    ),
    (
        '[offices.a.queues.sales]\noverflow_to = "suport"\n[offices.a.queues.support]\n',
        (
            'FILE: offices.a.queues.sales.overflow_to names "suport", which is no other queue or ring group, '
            'and no extension (did you mean "support"?)'
        ),
    ),
    (
        '[offices.a.queues.sales]\noverflow_to = "sales"\n',
        (
            'FILE: offices.a.queues.sales.overflow_to names "sales", which is no other queue or ring group, '
            "and no extension"
        ),
    ),
    (
        '[offices.a]\ndirect = {"12" = "1?"}\n',
        'FILE: offices.a.direct maps "12" to "1?": write it like "44207946010?" = "10?", one ? a digit',
    ),
    (
        '[offices.a.surveys.x]\nquestions = ["mood"]\n',
        'FILE: offices.a.surveys.x.questions asks "mood": a survey can ask csat, ces, nps, solved',
    ),
    (
        '[offices.a.queues.sales]\n[offices.a.surveys.x]\nafter = ["sale"]\n',
        'FILE: offices.a.surveys.x.after names unknown queue "sale" (did you mean "sales"?)',
    ),
    (
        '[offices.a.queues.s]\n[offices.a.surveys.x]\nafter = ["s"]\n[offices.a.surveys.y]\nafter = ["s"]\n',
        'FILE: offices.a.surveys.y.after names "s", which x follows too',
    ),
    (
        '[offices.a]\nagent_codes = {"*45" = "dance"}\n',
        f'FILE: offices.a.agent_codes lets "*45" do "dance": write one of {", ".join(AGENT_ACTIONS)}',
    ),
    (
        '[offices.a]\ndirect = ["12"]\n',
        'FILE: offices.a.direct must be a table of texts such as { "1" = "support" }, not [\'12\']',
    ),
]


@pytest.mark.parametrize(("text", "expected"), REFUSALS)
def test_mistakes_are_named(tmp_path: Path, text: str, expected: str) -> None:
    """Every mistake gives one line that names the file, the key and what to write instead."""
    assert expected == refusal(tmp_path, text)


def test_imports_are_kept_as_long_as_calls(tmp_path: Path) -> None:
    """Unless more is said; 0 is for good."""
    for text, expected in (
        ("calls_days = 500", 500),
        ("calls_days = 0", 0),
        ("calls_days = 100\nimports_days = 0", 0),
        ("calls_days = 100\nimports_days = 100", 100),
    ):
        (tmp_path / "sink.toml").write_text(f"[retention]\n{text}\n")
        assert expected == load(tmp_path / "sink.toml").retention.imports_days


def test_file_that_is_no_toml(tmp_path: Path) -> None:
    """Broken syntax is named with its line, bytes that are no text and a missing file are named as such."""
    assert refusal(tmp_path, "[sink\n").startswith("FILE: not valid TOML: ")
    (tmp_path / "sink.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="not a text in UTF-8"):
        load(tmp_path / "sink.toml")
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        load(tmp_path / "missing.toml")
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        load(tmp_path)


def test_needs_only_the_standard_library() -> None:
    """`ringtap replay` reads office plans where the sink's own dependencies are not installed."""
    program = (
        "import sys, cloud_sink.config; print(sorted({'sqlalchemy', 'paho', 'msgpack', 'fastapi'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.strip()
