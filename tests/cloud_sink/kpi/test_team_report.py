from dataclasses import replace

from cloud_sink.contacts.records import Destination, OfficePlan
from cloud_sink.contacts.work_rules import Criterion, Scorecard
from cloud_sink.kpi.catalogue import definitions_of
from cloud_sink.kpi.definition import EXTENSIONS, TEAMS
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.report import report
from cloud_sink.kpi.roster import Absence, Employee, Evaluation, Result, Roster, Seat
from cloud_sink.kpi.states import AVAILABLE, FOREVER, PAUSE, TALK
from cloud_sink.kpi.surveys import Asked
from cloud_sink.kpi.team_report import TEAM_IDS, TeamFacts, TeamReport, team_report

from .conftest import build_contact, build_leg
from .workday import at, did, plan

MORNING = Period(at(0), at(240))
SEATS = [
    Seat("Alice", "101", 0, at(120), "support"),
    Seat("Alice", "102", at(120), FOREVER, "sales"),
    Seat("Bob", "103", 0, FOREVER, "support"),
]
ROSTER = Roster(
    seats=SEATS,
    planned=[*plan(("on_queue", 60), ("break", 15), ("on_queue", 45)), *plan(("on_queue", 120), start=120)],
    absences=[Absence("Bob", at(-86_400 * 2), at(-86_400))],
    staff=[Employee("Alice", 0, FOREVER), Employee("Bob", 0, FOREVER)],
    evaluations=[
        Evaluation("Alice", at(10), 80, 100),
        Evaluation("Bob", at(10), 9, 10),
        Evaluation("Bob", at(999), 1, 9),
    ],
)
STATES = {
    "101": did((AVAILABLE, 10), (TALK, 20), (AVAILABLE, 30), (PAUSE, 25), (AVAILABLE, 155)),
    "102": did((AVAILABLE, 120), (AVAILABLE, 120)),
    "103": did((AVAILABLE, 240)),
}
CARDS = (Scorecard("support", (Criterion("qa_score", 100), Criterion("service_level", 80)), queue="support"),)


def make(roster: Roster = ROSTER, **settings: object) -> TeamReport:
    """What the morning comes to."""
    office = OfficePlan("lab", **settings)  # type: ignore[arg-type]
    return team_report(make_facts(office), roster, office)


def make_facts(office: OfficePlan = OfficePlan("lab")) -> TeamFacts:  # noqa: B008 - it is frozen
    """A morning of three phones: one call each, one of them answered for a team's queue."""
    legs = [
        (build_leg("101", at_s=590, leg_id="one"), "answered"),
        (build_leg("102", at_s=7300, leg_id="two"), "answered"),
        (build_leg("103", at_s=100, talk_s=None, ring_s=20, leg_id="three"), "no_answer"),
    ]
    contacts = [
        build_contact(at_s=590, agent="101", legs=("one",)),
        build_contact(at_s=7300, agent="102", legs=("two",), caller="447700900002", talk_s=4),
    ]
    counted = report(contacts, legs, period=MORNING, plan=office, coverage=1.0, states=STATES)
    return TeamFacts(counted, contacts, legs, STATES, [(at(0), at(240))], [])


def test_every_kpi_of_the_catalogue_is_computed():
    """Everybody, each team and each agent have what is promised; an agent has no turnover."""
    found = make()
    promised = [d.id for d in definitions_of(EXTENSIONS)]
    assert set(promised) <= set(TEAM_IDS)
    assert set(TEAM_IDS) - {"scorecard"} == set(found.everybody)
    assert set(TEAM_IDS) - {"scorecard", "headcount", "turnover_rate"} == set(found.agents[0].values)
    assert {d.id for d in definitions_of(TEAMS)} <= set(TEAM_IDS)


def test_what_callers_keyed_in_about_an_agent():
    """The survey after Alice's call is hers and her team's; Bob, of whom nobody said anything, has none."""
    survey = Destination("after", "survey", (), questions=("csat",), after=("support",))
    office = OfficePlan("lab", destinations=(survey,))
    agent = build_leg("101", at_s=590, leg_id="one")
    own = build_leg("", at_s=590, role="trunk", ring_s=0, talk_s=80, leg_id="own", digits="4", digit_after_ms=70_000)
    contact = build_contact(at_s=590, agent="101", legs=("own", "one"))
    counted = report([contact], [(agent, "answered")], period=MORNING, plan=office, coverage=1.0, states=STATES)
    facts = TeamFacts(counted, [contact], [(agent, "answered")], STATES, [(at(0), at(240))], [own])
    found = team_report(facts, ROSTER, office)
    scored = {each.agent: each.values["csat"].denominator for each in found.agents}
    assert (1, 0) == (scored["Alice"], scored["Bob"])
    assert {"sales": 0, "support": 1} == {name: values["csat"].denominator for name, values in found.teams.items()}
    assert 100.0 == found.everybody["csat"].value


def test_what_was_imported_about_an_agent():
    """By the leg he spoke on, or by his name alone: that counts once, in his first team."""
    told = [
        Asked("", True, (("csat", 5),), "support", "101", "one"),
        Asked("", True, (("csat", 1),), agent="Alice"),
        Asked("", True, (("csat", 1),), agent="Nobody"),
    ]
    facts = replace(make_facts(), told=told)
    found = team_report(facts, ROSTER, OfficePlan("lab"))
    scored = {each.agent: each.values["csat"] for each in found.agents}
    assert (1, 2) == (scored["Alice"].numerator, scored["Alice"].denominator)
    assert 0 == scored["Bob"].denominator
    assert 2 == sum(values["csat"].denominator for values in found.teams.values())


def test_agents_by_name_and_teams_by_the_time_they_were_in_them():
    """Alice answered one call for each of her teams, from another phone each."""
    found = make()
    assert [("Alice", ("sales", "support"), ("101", "102")), ("Bob", ("support",), ("103",))] == [
        (each.agent, each.teams, each.extensions) for each in found.agents if each.teams
    ]
    assert {"sales": 1, "support": 1} == {name: values["answered"].value for name, values in found.teams.items()}
    assert (2, 2) == (found.everybody["answered"].value, found.agents[2].values["answered"].value)


def test_schedule_by_agent():
    """A break ten minutes longer than planned, eight beyond the grace; Bob has no schedule, so he is null."""
    agents = {each.agent: each.values for each in make().agents}
    assert 1 == agents["Alice"]["long_break"].value
    assert 480 == agents["Alice"]["long_break_time"].value
    assert 100 * (240 - 8) / 240 == agents["Alice"]["schedule_adherence"].value
    assert agents["Bob"]["schedule_adherence"].value is None
    assert [("long_break", "Alice"), ("no_answer", "Bob")] == sorted((each.rule, each.agent) for each in make().lapses)


def test_what_was_imported_counts_for_its_team():
    """Evaluations of the period, days off and heads of everybody in it."""
    found = make()
    assert 85 == found.teams["support"]["qa_score"].value
    assert (2, 2) == (found.everybody["headcount"].value, found.teams["support"]["headcount"].value)
    assert 0 == found.everybody["turnover_rate"].value


def test_success_goes_to_whoever_answered():
    """A short talk is none; a note that says otherwise counts."""
    agents = {each.agent: each.values for each in make().agents}
    assert (1, 2) == (agents["Alice"]["success_rate"].numerator, agents["Alice"]["success_rate"].denominator)
    said = Roster(seats=SEATS, results=[Result("two", "", at(125), "sold", success=True)])
    agents = {each.agent: each.values for each in make(said).agents}
    assert (100, 1) == (agents["Alice"]["success_rate"].value, agents["Alice"]["success_said"].value)


def test_scorecard_of_a_team_and_its_agents():
    """A team's numbers before its queue's; an agent has only the criteria that he has numbers for."""
    found = make(scorecards=CARDS)
    assert [("qa_score", 85), ("service_level", 100)] == [
        (each.criterion.kpi, each.points) for each in found.scorecards["support"]
    ]
    assert 92.5 == found.teams["support"]["scorecard"].value
    assert {"Alice": 80, "Bob": 90} == {
        each.agent: each.values["scorecard"].value for each in found.agents if "scorecard" in each.values
    }
    assert ["support"] == list(found.scorecards)


def test_without_imports_every_phone_is_an_agent():
    """Nothing is planned, so what needs a plan is null, and what the phones showed is there."""
    found = make(Roster())
    assert ["101", "102", "103"] == [each.agent for each in found.agents]
    assert {} == found.teams
    assert {None} == {
        found.everybody[name].value for name in ("schedule_adherence", "late_login", "qa_score", "headcount")
    }
    assert 2 == found.everybody["answered"].value
    assert ["no_answer"] == [each.rule for each in found.lapses]


def test_a_period_without_anybody_has_every_number_and_none_is_known():
    """Null, never 0 and never missing: a page of a quiet day has a dash where each number would be."""
    facts = TeamFacts(report([], [], period=MORNING, plan=OfficePlan("lab"), coverage=0.0), [], [], {}, [], [])
    found = team_report(facts, Roster(), OfficePlan("lab"))
    assert set(TEAM_IDS) - {"scorecard"} == set(found.everybody)
    assert {None} == {each.value for each in found.everybody.values()}
    assert [] == found.agents


def test_what_nobody_watched_is_not_known_of_those_who_are_listed():
    """A day without any box: agents stay in the list, with neither calls nor hours that nobody saw."""
    facts = TeamFacts(report([], [], period=MORNING, plan=OfficePlan("lab"), coverage=0.0), [], [], {}, [], [])
    found = team_report(facts, ROSTER, OfficePlan("lab"))
    assert {"Alice", "Bob"} <= {each.agent for each in found.agents}
    for kpi in ("login_time", "answered", "agent_non_response", "ext_load", "occupancy"):
        assert found.everybody[kpi].value is None, kpi
        assert {None} == {each.values[kpi].value for each in found.agents}, kpi
