"""The team's report: all KPIs of agents and teams, who broke which rule when, and each team's scorecard."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cloud_sink.contacts.records import Contact, Leg, OfficePlan
from cloud_sink.contacts.work_rules import Scorecard
from cloud_sink.kpi.adherence import adherence, measure_adherence
from cloud_sink.kpi.after_call import Works, after_call_work, measure_own_after_call
from cloud_sink.kpi.catalogue import CATALOGUE, definitions_of
from cloud_sink.kpi.coverage import Span
from cloud_sink.kpi.crew import Worker, crew
from cloud_sink.kpi.definition import EXTENSIONS, TEAMS
from cloud_sink.kpi.discipline import Lapse, lapses, measure_lapses
from cloud_sink.kpi.extensions import SettledLeg, TakenOver, by_extension, measure_extension
from cloud_sink.kpi.parts import taken_over
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.personnel import (
    attendance,
    measure_absence_days,
    measure_attendance,
    measure_evaluations,
    measure_turnover,
)
from cloud_sink.kpi.quality import measure_partial
from cloud_sink.kpi.queue_occupancy import legs_of_queues, measure_queue_occupancy
from cloud_sink.kpi.repeats import Calls
from cloud_sink.kpi.report import Report, Values
from cloud_sink.kpi.results import measure_success, noted, solved_by_survey, successes
from cloud_sink.kpi.roster import Roster
from cloud_sink.kpi.scorecard import Scored, measure_scorecard, score
from cloud_sink.kpi.states import States, measure_states
from cloud_sink.kpi.surveys import Asked, asked, measure_surveys
from cloud_sink.kpi.value import RING, Parts, value_of
from cloud_sink.kpi.volume import ANSWERED

TEAM_IDS = tuple(dict.fromkeys(kpi.id for scope in (EXTENSIONS, TEAMS) for kpi in definitions_of(scope)))

SEEN_ON_PHONES = tuple(measure_extension([]) | measure_partial([]) | measure_states([], 0))
_NOT_OBSERVED = {kpi_id: Parts(0, 0) for kpi_id in TEAM_IDS if kpi_id != "scorecard"}  # where nobody was there


@dataclass(frozen=True, slots=True)
class AgentReport:
    """One agent, all his teams together."""

    agent: str
    teams: tuple[str, ...]
    extensions: tuple[str, ...]
    values: Values
    workers: tuple[Worker, ...]


@dataclass(frozen=True, slots=True)
class TeamReport:
    """Everybody, each team and each agent of one office and period."""

    period: Period
    everybody: Values
    teams: dict[str, Values]  # by name; agents without a team are in none
    agents: list[AgentReport]  # by name
    lapses: list[Lapse]  # in order of time
    scorecards: dict[str, list[Scored]]  # by team
    taken: TakenOver  # on which legs customers were taken over
    queued: frozenset[str]  # legs of contacts that waited in queues
    phones: dict[str, list[SettledLeg]]  # by extension, those begun before the period too


@dataclass(frozen=True, slots=True)
class TeamFacts:
    """What was seen of an office in a period."""

    report: Report
    contacts: Sequence[Contact]  # around the period too: they tell who had to call again
    legs: Sequence[SettledLeg]  # of phones, around the period too: they tell who took a customer over
    states: States
    watched: Sequence[Span]
    surveyed: Sequence[Leg]
    told: Sequence[Asked] = ()  # answers that were imported


@dataclass(frozen=True, slots=True)
class _Worked:
    """One worker with everything that was measured of him; counters add up over workers."""

    worker: Worker
    measured: dict[str, Parts]
    lapses: list[Lapse]


def team_report(facts: TeamFacts, roster: Roster, plan: OfficePlan) -> TeamReport:
    """Compute it; without imports every extension is an agent, and what needs a schedule is null."""
    period = facts.report.period
    within = (period.from_ms, period.until_ms)
    legs = [(leg, outcome) for leg, outcome in facts.legs if period.holds(leg.t_invite)]
    workers = crew(roster, facts.states, legs, watched=facts.watched, within=within)
    everybody = [*asked(facts.surveyed, facts.contacts, facts.legs, plan), *facts.told]
    outcomes = _successes_by_worker(facts, roster, plan, workers, everybody)
    calls = _CallParts(
        after_call_work(facts.states, legs, plan.agent_codes),
        taken_over(facts.contacts, facts.legs, plan),
        legs_of_queues(facts.contacts),
        by_extension(facts.legs),
        everybody,
        {each.agent: each.team for each in reversed(workers)},
    )
    worked = [_measure(worker, roster, plan, period, outcomes.get(_key(worker), []), calls) for worker in workers]
    worked = worked if facts.watched else [_unseen(each) for each in worked]
    frame = _Frame(roster, plan, period, facts.report)
    teams = {team: [each for each in worked if each.worker.team == team] for team in sorted(_teams(workers))}
    scorecards = {team: frame.scored(team, group) for team, group in teams.items() if frame.scorecard(team)}
    return TeamReport(
        period=period,
        everybody=frame.values(worked),
        teams={team: frame.values(group, team) for team, group in teams.items()},
        agents=[frame.agent(name, [each for each in worked if each.worker.agent == name]) for name in _names(workers)],
        lapses=sorted((lapse for each in worked for lapse in each.lapses), key=lambda lapse: lapse.at_ms),
        scorecards=scorecards,
        taken=calls.taken,
        queued=calls.queued,
        phones=calls.phones,
    )


@dataclass(frozen=True, slots=True)
class _CallParts:
    """What is known of single legs."""

    works: Works
    taken: TakenOver
    queued: frozenset[str]  # legs of queues' contacts
    phones: dict[str, list[SettledLeg]]  # by extension, those begun before the period too
    asked: Sequence[Asked]  # whom surveys asked

    first_team: Mapping[str, str]  # of each agent: what only names him counts there

    def about(self, worker: Worker) -> list[Asked]:
        """Those whom surveys asked about this worker."""
        legs = {leg.leg_id for leg, _ in worker.legs}
        name = worker.agent if self.first_team[worker.agent] == worker.team else None
        return [each for each in self.asked if each.agent_leg in legs or (each.agent and each.agent == name)]


def _key(worker: Worker) -> tuple[str, str]:
    return worker.agent, worker.team


def _teams(workers: Iterable[Worker]) -> set[str]:
    return {worker.team for worker in workers if worker.team}


def _names(workers: Iterable[Worker]) -> list[str]:
    return sorted({worker.agent for worker in workers})


def _measure(
    worker: Worker,
    roster: Roster,
    plan: OfficePlan,
    period: Period,
    outcomes: Sequence[tuple[bool, bool]],
    calls: _CallParts,
) -> _Worked:
    """Everything of one worker."""
    within = (period.from_ms, period.until_ms)
    found = lapses(worker, plan.work, within=within)
    shifts = attendance(worker, roster.absences, period=period, absent_after_ms=plan.work.absent_after_ms)
    phone = measure_extension(worker.legs, calls.taken)
    measured = (
        phone
        | measure_partial(worker.legs)
        | measure_own_after_call(worker.legs, calls.works, calls.taken)
        | measure_states(worker.intervals, phone["answered"].numerator)
        | measure_queue_occupancy(worker.intervals, worker.legs_of(calls.phones), calls.taken, calls.queued)
        | measure_adherence(adherence(worker, plan.work, within=within))
        | measure_lapses(worker, found)
        | measure_attendance(shifts)
        | measure_evaluations(each for each in worker.evaluations if period.holds(each.at_ms))
        | measure_success(outcomes)
        | measure_surveys(calls.about(worker), plan)
    )
    return _Worked(worker, measured, found)


def _unseen(worked: _Worked) -> _Worked:
    """The same where nothing was watched: what phones would have shown is not known, and 0 would say that it is."""
    return replace(worked, measured=worked.measured | dict.fromkeys(SEEN_ON_PHONES, Parts(0, 0)))


def _successes_by_worker(
    facts: TeamFacts, roster: Roster, plan: OfficePlan, workers: Sequence[Worker], everybody: Sequence[Asked]
) -> dict[tuple[str, str], list[tuple[bool, bool]]]:
    """What came of each answered call, for the agent who answered it first."""
    cohort = [contact for contact in facts.contacts if facts.report.period.holds(contact.t_offer)]
    found = successes(
        cohort,
        results=noted(cohort, roster.results),
        surveys=solved_by_survey(everybody),
        calls=Calls(facts.contacts, plan),
        plan=plan,
    )
    answered = {
        leg.leg_id: (leg.extension, _key(each)) for each in workers for leg, word in each.legs if word == ANSWERED
    }
    groups: dict[tuple[str, str], list[tuple[bool, bool]]] = {}
    for contact in cohort:
        by = next(
            (answered[leg][1] for leg in contact.legs if leg in answered and answered[leg][0] == contact.agent), None
        )
        if by is not None and contact.contact_id in found:
            groups.setdefault(by, []).append(found[contact.contact_id])
    return groups


@dataclass(frozen=True, slots=True)
class _Frame:
    """What all parts of one team report share."""

    roster: Roster
    plan: OfficePlan
    period: Period
    report: Report

    def values(self, group: Sequence[_Worked], team: str = "") -> Values:
        """All KPIs of a group of workers; of everybody where no team is named."""
        agents = {each.worker.agent for each in group}
        staff = [each for each in self.roster.staff if not team or each.agent in agents]
        measured = (
            _NOT_OBSERVED
            | add_measured(each.measured for each in group)
            | measure_absence_days(self.roster, agents, self.period, self.plan)
            | measure_turnover(staff, self.period)
        )
        shown = team_values(measured)
        return shown | team_values(measure_scorecard(self.scored(team, group, shown)) if self.scorecard(team) else {})

    def agent(self, name: str, group: Sequence[_Worked]) -> AgentReport:
        """One agent: his teams' scorecards say what he is measured by."""
        days = measure_absence_days(self.roster, {name}, self.period, self.plan)
        values = team_values(add_measured(each.measured for each in group) | days)
        cards = [card for each in group if (card := self.scorecard(each.worker.team))]
        if cards:
            values |= team_values(measure_scorecard(score(cards[0].criteria, values)))
        teams = tuple(sorted(_teams(each.worker for each in group)))
        phones = tuple(sorted({phone for each in group for phone in each.worker.extensions}))
        return AgentReport(name, teams, phones, values, tuple(each.worker for each in group))

    def scorecard(self, team: str) -> Scorecard | None:
        """What a team is measured by."""
        return next((card for card in self.plan.scorecards if card.team == team), None) if team else None

    def scored(self, team: str, group: Sequence[_Worked], shown: Values | None = None) -> list[Scored]:
        """A team's criteria: by its agents' numbers, else its queue's, else the office's."""
        card = self.scorecard(team)
        if card is None:
            return []
        own = self.values(group, team) if shown is None else shown
        return score(card.criteria, own, self.report.queues.get(card.queue, {}), self.report.total)


def team_values(measured: Mapping[str, Parts]) -> Values:
    """Counters into values, in the catalogue's order."""
    return {
        kpi_id: value_of(measured[kpi_id], unit=CATALOGUE[kpi_id].unit, basis=RING, averaged=CATALOGUE[kpi_id].averaged)
        for kpi_id in TEAM_IDS
        if kpi_id in measured
    }


def add_measured(parts: Iterable[Mapping[str, Parts]]) -> dict[str, Parts]:
    """Counters of several workers together; a plain count that was observed of one of them was observed."""
    total: dict[str, Parts] = {}
    for measured in parts:
        for kpi_id, found in measured.items():
            before = total.get(kpi_id)
            both = found if before is None else before.plus(found)
            if before is not None and CATALOGUE[kpi_id].is_count:
                both = Parts(both.numerator, max(before.denominator, found.denominator), both.seen)
            total[kpi_id] = both
    return total
