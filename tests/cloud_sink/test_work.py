from pathlib import Path

import pytest

from cloud_sink.config import office_plans
from cloud_sink.contacts.work_rules import Criterion, ImportedNumbers, Scorecard, Target, WorkRules
from cloud_sink.errors import ConfigurationError


def load(folder: Path, text: str):
    """The plan of an office with these sections."""
    path = folder / "sink.toml"
    path.write_text(text)
    return office_plans(path)["lab"]


def test_everything_has_a_usable_default(tmp_path: Path):
    """Two minutes of grace, numbers in clear, no scorecard."""
    plan = load(tmp_path, "[offices.lab]\n")
    assert (ImportedNumbers(), WorkRules(), ()) == (plan.imports, plan.work, plan.scorecards)
    assert (120_000, None) == (plan.work.grace_ms, plan.work.hourly_cost)


def test_all_keys(tmp_path: Path):
    """Seconds and minutes become milliseconds; the key's file stands beside the configuration."""
    plan = load(
        tmp_path,
        '[offices.lab.imports]\ncountry = "44"\narea = "20"\nnumbers_key_file = "caller.key"\n'
        "[offices.lab.work]\ngrace_s = 60\ncount_outside_shift = true\nabsent_after_min = 30\nlong_ring_s = 12.5\n"
        "hourly_cost = 24.5\n"
        '[offices.lab.scorecards.support]\nqueue = "help"\n'
        "[offices.lab.scorecards.support.criteria.service_level]\ntarget = 80\n"
        "[offices.lab.scorecards.support.criteria.abandon_rate]\ntarget = 5\nworst = 20\nweight = 2\n",
    )
    assert ImportedNumbers("44", "20", str(tmp_path / "caller.key")) == plan.imports
    assert WorkRules(60_000, True, 1_800_000, 12_500, 24.5) == plan.work
    criteria = (Criterion("service_level", 80), Criterion("abandon_rate", 5, 20, 2))
    assert (Scorecard("support", criteria, "help"),) == plan.scorecards


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[offices.lab.imports]\ncountry = "+44"\n', 'offices.lab.imports.country must be digits only, such as "44"'),
        ("[offices.lab.work]\ngrace = 3\n", 'unknown key "grace" in [offices.lab.work] (did you mean "grace_s"?)'),
        ("[offices.lab.work]\ncount_outside_shift = 1\n", "must be true or false, not 1"),
        ("[offices.lab.scorecards.support]\n", "offices.lab.scorecards.support.criteria has none"),
        (
            "[offices.lab.scorecards.a.criteria.servce_level]\ntarget = 80\n",
            'is no KPI that can be scored (did you mean "service_level"?)',
        ),
        ("[offices.lab.scorecards.a.criteria.asa]\ntarget = 0\n", "worst is the target itself (0)"),
    ],
)
def test_mistakes_name_file_and_key(tmp_path: Path, text: str, said: str):
    """One line each."""
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path}/sink.toml: ")
    assert said in str(caught.value)


def test_targets(tmp_path: Path):
    """At most and at least, in the order written; what no office has, or cannot be read, is named."""
    plan = load(tmp_path, '[offices.lab]\ntargets = { asa = "<= 28", fcr_repeat = ">=70.5" }\n')
    assert (Target("asa", 28, at_most=True), Target("fcr_repeat", 70.5, at_most=False)) == plan.targets
    for text, problem in (
        ('targets = { assa = "<= 28" }', 'has "assa", which is no KPI of an office (did you mean "asa"?)'),
        ('targets = { asa = "28" }', 'says asa = "28": write at most or at least, as "<= 28" or ">= 70"'),
    ):
        with pytest.raises(ConfigurationError) as refused:
            load(tmp_path, f"[offices.lab]\n{text}\n")
        assert problem in str(refused.value)
