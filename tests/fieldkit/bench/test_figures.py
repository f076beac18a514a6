"""Figures and goals: `fieldkit.bench.figures`."""

import pytest

from fieldkit.bench.figures import Figure, print_figures


@pytest.mark.parametrize(
    ("figure", "is_met", "goal"),
    [
        (Figure("speed", 150_000, "messages/s", at_least=150_000), True, ">= 150,000"),
        (Figure("speed", 149_999, "messages/s", at_least=150_000), False, ">= 150,000"),
        (Figure("memory", 64, "MB", at_most=64), True, "<= 64"),
        (Figure("memory", 64.1, "MB", at_most=64), False, "<= 64"),
        (Figure("peer", 1, "messages/s"), True, ""),
    ],
)
def test_a_goal_is_met_up_to_its_bound(figure: Figure, is_met: bool, goal: str) -> None:
    """At least and at most include the bound itself; a figure without a goal is never missed."""
    assert (is_met, goal) == (figure.is_met, figure.goal())


def test_every_figure_is_printed_with_its_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    """One line each under the machine's description; the exit status is 1 because one goal was missed."""
    fast = Figure("ringtap", 200_000, "messages/s", at_least=150_000)
    heavy = Figure("ringtap: memory", 99.5, "MB", at_most=64)
    assert 1 == print_figures("A title", [fast, heavy, Figure("peer", 12, "messages/s")])
    title, machine, empty, *lines = capsys.readouterr().out.splitlines()
    assert ("A title", "") == (title, empty)
    assert "Python" in machine
    assert ["met", "MISSED", "messages/s"] == [line.split()[-1] for line in lines]
    assert "200,000" in lines[0]


def test_all_goals_met_is_exit_status_zero(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing missed: 0."""
    assert 0 == print_figures("A title", [Figure("ringtap", 2, "messages/s", at_least=1)])
    assert "MISSED" not in capsys.readouterr().out
