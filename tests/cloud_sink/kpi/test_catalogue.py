"""What was promised to managers is in the catalogue, and some report computes it."""

from dataclasses import replace

import pytest

from cloud_sink.contacts.business_hours import BusinessHours
from cloud_sink.contacts.facts import BoxHealth, Registers, Voice
from cloud_sink.contacts.records import Contact, Destination, Leg, OfficePlan, Tariff
from cloud_sink.contacts.work_rules import Criterion, Scorecard
from cloud_sink.kpi.availability import measure_availability
from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.coverage import Span
from cloud_sink.kpi.erlang import Goal
from cloud_sink.kpi.indicators import measure_indicators
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.planning import arrival_profile, busy_hour, demand, plan_week, trunks_required
from cloud_sink.kpi.report import Report, measure, present
from cloud_sink.kpi.roster import Absence, Cost, Employee, Evaluation, Result, Roster, Seat
from cloud_sink.kpi.signalling import signalling_report
from cloud_sink.kpi.spending import spending, with_spending
from cloud_sink.kpi.staffing import staffed_hours
from cloud_sink.kpi.state_sources import ACW, AS_FEATURE_EVENT, DND
from cloud_sink.kpi.states import AVAILABLE, PAUSE, TALK
from cloud_sink.kpi.team_report import TeamFacts, TeamReport, team_report
from cloud_sink.kpi.value import Parts

from .conftest import START, build_contact, build_leg
from .workday import at, did, plan

PROMISED = {
    "how many called, and what became of them": (
        "offered", "answered", "abandoned", "short_abandoned", "missed_contacts", "callback_open", "callback_time_avg",
        "unique_callers", "calls_per_caller",
    ),
    "calls to the outside": ("outbound_attempts", "outbound_connected", "connect_rate"),
    "how busy phones and lines were": ("ext_load", "trunk_peak", "trunk_full_time", "calls_per_hour"),
    "how soon callers were answered, by each of six formulas": (
        "service_level", "sl_answered", "sl_offered", "sl_excl_short", "sl_late_ab", "sl_ab_ok", "sl_short_credit",
    ),
    "how long callers waited": ("asa", "avg_queue_time", "avg_abandon_time", "max_wait", "ring_time_avg"),
    "who was lost or turned away": (
        "abandon_rate", "abandon_rate_all", "avg_abandons_per_day", "blocked_rate", "service_availability",
    ),
    "how calls were handled": (
        "avg_talk_time", "aht", "aht_acw", "acw_avg", "hold_time_avg", "hold_rate", "hold_abandoned", "transfer_rate",
        "short_call_rate", "agent_hangup_first_rate",
    ),
    "whether the customer was helped": ("fcr_repeat", "fcr_survey", "line_lost", "repeat_call_rate", "success_rate"),
    "what the customer says": ("csat", "csat_mean", "nps", "ces", "survey_response_rate"),
    "how well agents speak, and how calls sound": ("qa_score", "mos_lq"),
    "what agents did all day": (
        "login_time", "available_time", "idle_time", "break_time", "dnd_time", "ring_time_total", "occupancy",
        "queue_occupancy",
        "utilisation",
    ),
    "whether they kept to the plan and the rules": (
        "schedule_adherence", "conformance", "late_login", "early_logout", "long_break", "dnd_outside_break",
        "agent_non_response", "agent_non_response_excl_abandon", "agent_answer_rate", "absence_rate",
    ),
    "who leaves, and how a team does by its own criteria": ("turnover_rate", "scorecard"),
    "what it costs": ("call_cost", "unpriced", "cost_per_contact"),
    "how many agents and lines are needed": (
        "arrival_profile", "patience_mean", "agents_required", "occupancy_forecast_gap", "trunks_required",
    ),
    "whether the signalling is well": (
        "sip_rrd", "sip_ira", "sip_srd_ok", "sip_srd_fail", "sip_sdd_ok", "sip_sdd_fail", "sip_sdt_ok", "sip_sdt_fail",
        "sip_ser", "sip_seer", "sip_isa", "sip_scr",
    ),
    "how far all this can be trusted": (
        "coverage", "contacts_ambiguous", "claimed_elsewhere", "partial_legs", "kernel_drops", "parse_errors",
        "encrypted_sip", "mqtt_lag_s", "clock_offset_ms",
    ),
}  # fmt: skip
SURVEY = "442079460510"
OFFICE = OfficePlan(
    "lab",
    destinations=(Destination("after", "survey", (SURVEY,), questions=("csat", "ces", "nps", "solved")),),
    tariffs=(Tariff("mobile", ("44",), 0.1),),
    business_hours=BusinessHours((((9 * 60, 13 * 60),), (), (), (), (), (), ())),
    trunk_channels=1,
    scorecards=(Scorecard("support", (Criterion("qa_score", 100), Criterion("service_level", 80)), queue="support"),),
)
MORNING = Period(at(0), at(240))
WATCHED: list[Span] = [(at(0), at(240))]
LATER_MS = at(60 * 24 * 30)  # every caller had his days to call again
STATES = {
    "101": [
        *did((AVAILABLE, 10), (TALK, 20)),
        replace(did((ACW, 1), start=30)[0], source=AS_FEATURE_EVENT),
        *did((AVAILABLE, 29), (PAUSE, 25), (DND, 30), (AVAILABLE, 125), start=31),
    ]
}
ROSTER = Roster(
    seats=[Seat("Alice", "101", at(0), at(240), "support")],
    planned=[*plan(("on_queue", 60), ("break", 15), ("on_queue", 165))],
    absences=[Absence("Alice", at(-86_400 * 2), at(-86_400))],
    staff=[Employee("Alice", at(-99_999), LATER_MS, 20.0), Employee("Bob", at(-99_999), at(60), 20.0)],
    evaluations=[Evaluation("Alice", at(10), 80, 100)],
    results=[Result("held", "", at(30), "sold", success=True)],
)


def morning_contacts() -> list[Contact]:
    """Of everything one: held and passed on, called again, left early and late, refused, called back, called out."""
    return [
        build_contact(at_s=590, hold_s=10, talk_s=100, ring_s=5, transfers=1, ended_by="caller", contact_id="held",
                      legs=("held",)),
        build_contact(at_s=1000, talk_s=4, caller="447700900002", ended_by="agent"),
        build_contact(at_s=2000, talk_s=4, caller="447700900002", correlation="ambiguous"),
        build_contact("abandoned", at_s=3000, wait_s=3, caller="447700900003"),
        build_contact("abandoned", at_s=3100, wait_s=60, caller="447700900003"),
        build_contact("blocked", at_s=3200, wait_s=None),
        build_contact("claimed_elsewhere", at_s=3300, caller="447700900004"),
        build_contact(at_s=3600, direction="out", caller="101", did="447700900003", wait_s=10, talk_s=60),
        build_contact(at_s=3900, direction="out", caller="101", did="15550100", wait_s=10, talk_s=60),
    ]  # fmt: skip


def morning_legs() -> list[tuple[Leg, str]]:
    """What 101 did, and a colleague's phone that rang on."""
    held = build_leg("101", at_s=590, hold_s=10, talk_s=100, leg_id="held", hold_at_end_ms=10_000, ended_by="caller")
    return [
        (held, "answered"),
        (build_leg("101", at_s=800, talk_s=None, ring_s=12), "caller_gone"),
        (build_leg("101", at_s=900, talk_s=None, ring_s=20), "no_answer"),
        (build_leg("101", at_s=3600, direction="out", callee="447700900003", partial=True), "answered"),
    ]


def morning_report() -> Report:
    """The office's report, with a survey, its costs and its open hours."""
    answers = build_leg("", at_s=700, role="trunk", callee=SURVEY, digits="5791")
    measured = measure(
        morning_contacts(), morning_legs(), period=MORNING, plan=OFFICE, observed=True, threshold_s=20, states=STATES,
        now_ms=LATER_MS, surveyed=[answers], beside=measure_availability(STATES, [], OFFICE, WATCHED),
    )  # fmt: skip
    shown = present(measured, period=MORNING, plan=OFFICE, coverage=1.0, threshold_s=20, missed=[])
    costs = [Cost("rent", at(0), at(240), 100)]
    return with_spending(shown, spending(ROSTER.planned, ROSTER.staff, None, costs, MORNING))


def morning_team() -> TeamReport:
    """Alice against her plan."""
    facts = TeamFacts(morning_report(), morning_contacts(), morning_legs(), STATES, WATCHED, [])
    return team_report(facts, ROSTER, OFFICE)


def of_reports() -> set[str]:
    """What the office's and the team's report have a value of."""
    report, team = morning_report(), morning_team()
    cohorts = [
        report.total, *report.queues.values(), *report.extensions.values(), team.everybody, *team.teams.values(),
    ]  # fmt: skip
    return {kpi_id for values in cohorts for kpi_id, value in values.items() if value.value is not None}


def of_plans() -> set[str]:
    """What planning has a value of."""
    contacts = morning_contacts()
    hours, needs = arrival_profile(contacts, period=MORNING, watched=WATCHED), demand(contacts)
    planned = plan_week(hours, needs, Goal())
    staffed = staffed_hours(planned, contacts, STATES, period=MORNING, watched=WATCHED)
    lines = trunks_required(busy_hour(contacts, period=MORNING, watched=WATCHED))
    found = {
        "arrival_profile": any(hour.mean for hour in hours),
        "patience_mean": needs.patience.denominator > 0,
        "agents_required": any(each.staffing and each.staffing.agents for each in planned),
        "occupancy_forecast_gap": any(each.gap is not None for each in staffed),
        "trunks_required": lines is not None and lines > 0,
    }
    return {kpi_id for kpi_id, known in found.items() if known}


def of_signalling() -> set[str]:
    """What the signalling report has a value of: calls hung up in order, refused, and two with troubled ends."""
    whole = {"t_end": START + 60_000, "ended_by": "caller"}
    legs = [
        build_leg("101", final_code=200, bye_response_ms=20, **whole),
        build_leg("101", at_s=1, final_code=200, bye_response_ms=20, bye_code=481, **whole),
        build_leg("101", at_s=2, final_code=200, **whole),
        build_leg("101", at_s=3, talk_s=None, ring_s=None, final_code=503, t_end=START + 4_000),
    ]
    registers = [Registers(START, START + 1000, "phone", "101", attempts=2, failed=1, delays_ms=(30,))]
    report = signalling_report(legs, {}, registers, [Voice(START, "101", "00", mos_lq=412)], period=MORNING)
    figures = report.vantages["phone"].by_leg | {"mos_lq": report.sound.mos_lq}
    return {kpi_id for kpi_id, figure in figures.items() if figure.value.value is not None}


def of_boxes() -> set[str]:
    """What boxes' reports have a value of."""
    reports = [BoxHealth("one", 1, at(minute), at(minute) + 500, {}) for minute in (1, 2)]
    return {kpi_id for kpi_id, parts in measure_indicators(reports, MORNING).items() if parts != Parts(0, 0)}


@pytest.mark.parametrize("wish", PROMISED)
def test_what_was_promised_is_in_the_catalogue(wish: str) -> None:
    """Every number that managers were promised has a definition."""
    assert [kpi_id for kpi_id in PROMISED[wish] if kpi_id not in CATALOGUE] == []


def test_what_was_promised_is_computed() -> None:
    """Of a morning in which everything happened once, each promised number has a value in some report or plan."""
    known = of_reports() | of_plans() | of_signalling() | of_boxes()
    assert [kpi_id for ids in PROMISED.values() for kpi_id in ids if kpi_id not in known] == []


def test_only_what_was_assumed_is_unknown_there() -> None:
    """Every other KPI of the catalogue is computed too; nothing was assumed of that morning."""
    known = of_reports() | of_plans() | of_signalling() | of_boxes()
    assert {"acw_avg_assumed", "aht_acw_assumed"} == CATALOGUE.keys() - known
