"""The catalogue's KPIs that rest on imports: schedules, absences, evaluations, results, costs; and the scorecard."""

from cloud_sink.kpi.definition import RECOMPUTE, TEAMS, Definition
from cloud_sink.kpi.rests_on import HR_FILES, NOTED, PLANNED, SCORED, TARGETS
from cloud_sink.kpi.value import NUMBER, PERCENT, SCORE, SECONDS

_TEAM = (TEAMS,)

SCHEDULE = (
    Definition(
        "utilisation", "Utilisation", PERCENT,
        "Share of the paid time that agents spent in calls or waiting for them.",
        "(talk + hold + after-call work + available) / planned paid time that was watched",
        "Genesys; ICMI", PLANNED, kpi_class="b", scopes=_TEAM,
    ),
    Definition(
        "schedule_adherence", "Adherence", PERCENT,
        "Share of the planned time in which agents did what was planned. 90 % is the usual target.",
        "1 - seconds out of adherence / planned seconds that were watched, not below 0; two minutes (`grace_s`) around "
        "each change never count, nor a break that begins late because a call was still going on",
        "Genesys (adherence); ICMI", PLANNED, kpi_class="b", scopes=_TEAM,
    ),
    Definition(
        "excused_time", "Excused", SECONDS,
        "Planned breaks that could not begin because a call was still going on.",
        "sum over planned breaks of the rest of the call that was going on at their start",
        "Genesys (exceptions)", PLANNED, kpi_class="b", scopes=_TEAM,
    ),
    Definition(
        "conformance", "Conformance", PERCENT,
        "Time on the queue against the time planned for it; over 100 % where agents did more. 95 to 105 % is healthy.",
        "seconds on the queue (in calls, ringing, available) / seconds planned on the queue that were watched",
        "Genesys (conformance); ICMI", PLANNED, kpi_class="b", scopes=_TEAM,
    ),
    Definition(
        "late_login", "Late", NUMBER,
        "How often an agent was not logged in when the shift began.",
        "count of shifts whose first moment on duty came later than their start + grace",
        "Oki-Toki (discipline report)", PLANNED, kpi_class="b", scopes=_TEAM,
    ),
    Definition(
        "late_login_time", "Late for", SECONDS,
        "How late, beyond the grace.",
        "sum(first moment on duty - start of the shift - grace)",
        "Oki-Toki (discipline report)", PLANNED, kpi_class="b", scopes=_TEAM,
    ),
    Definition(
        "early_logout", "Left early", NUMBER,
        "How often an agent logged out before the shift ended.",
        "count of shifts whose last moment on duty came earlier than their end - grace",
        "Oki-Toki (discipline report)", PLANNED, kpi_class="b", scopes=_TEAM,
    ),
    Definition(
        "early_logout_time", "Left early by", SECONDS,
        "How early, beyond the grace.",
        "sum(end of the shift - last moment on duty - grace)",
        "Oki-Toki (discipline report)", PLANNED, kpi_class="b", scopes=_TEAM,
    ),
    Definition(
        "long_break", "Long breaks", NUMBER,
        "How often a break was longer than planned; a break nobody planned is long from its first moment.",
        "count of breaks within a shift longer than the planned one within an hour of it, + grace",
        "Oki-Toki (discipline report)", PLANNED, kpi_class="b", scopes=_TEAM,
    ),
    Definition(
        "long_break_time", "Long breaks by", SECONDS,
        "By how much, beyond the grace.",
        "sum(length of the break - planned length - grace)",
        "Oki-Toki (discipline report)", PLANNED, kpi_class="b", scopes=_TEAM,
    ),
    Definition(
        "dnd_outside_break", "Undisturbed on the queue", NUMBER,
        "How often do not disturb was on while the agent was planned to be on the queue.",
        "count of do-not-disturb intervals within planned time on the queue that are longer than the grace",
        "Oki-Toki (discipline report)", PLANNED, kpi_class="b", scopes=_TEAM,
    ),
    Definition(
        "dnd_outside_break_time", "Undisturbed for", SECONDS,
        "For how long, beyond the grace.",
        "sum(length of these intervals - grace)",
        "Oki-Toki (discipline report)", PLANNED, kpi_class="b", scopes=_TEAM,
    ),
)  # fmt: skip

PERSONNEL = (
    Definition(
        "absence_rate", "Absent", PERCENT,
        "Share of the planned shifts to which the agent did not come.",
        "(confirmed by the personnel office + suspected) / shifts that can be judged; suspected: in the first hour "
        "(`absent_after_min`) the phone was away, or rang and nothing was answered, dialled or switched",
        "ICMI (absenteeism); Telirco", PLANNED, kpi_class="b", averaged=True, scopes=_TEAM,
    ),
    Definition(
        "absences_suspected", "Suspected only", NUMBER,
        "How many of these nobody has confirmed.",
        "count of shifts without a sign of life at the phone and without an imported absence",
        "ringtap's own", PLANNED, kpi_class="b", scopes=_TEAM,
    ),
    Definition(
        "absence_days", "Days off a year", NUMBER,
        "How many working days an agent was off in the year that ends with the period.",
        "confirmed days off that were working days (`business_hours`, else Monday to Friday) of 365 days / agents",
        "Telirco (absenteeism in days)", HR_FILES, kpi_class="c", averaged=True, roll=RECOMPUTE, scopes=_TEAM,
    ),
    Definition(
        "headcount", "Employed", NUMBER,
        "How many people were employed on average.",
        "sum over days of people employed / days",
        "ICMI", HR_FILES, kpi_class="c", averaged=True, roll=RECOMPUTE, scopes=_TEAM,
    ),
    Definition(
        "turnover_rate", "Turnover", PERCENT,
        "Share of the people employed who left in the period. A year's figure needs a year's period.",
        "leavers * days / sum over days of people employed",
        "ICMI (attrition); Telirco", HR_FILES, kpi_class="c", roll=RECOMPUTE, scopes=_TEAM,
    ),
    Definition(
        "qa_score", "Quality", SCORE,
        "Mean of the evaluations of conversations, as points of 100.",
        "sum(score / points possible) * 100 / evaluations",
        "COPC; Oki-Toki (contact quality)", SCORED, kpi_class="c", averaged=True, scopes=_TEAM,
    ),
    Definition(
        "success_rate", "Successful calls", PERCENT,
        "Share of answered calls in which the customer got what he wanted: as noted, else as he keyed in, else as far "
        "as the telephone tells.",
        "successes / answered calls of which it can be told; without a note or a survey's answer: talk >= 10 s and no "
        "further call to the same queue within N days (`repeat_days`)",
        "Oki-Toki (successful calls)", NOTED, kpi_class="c", averaged=True, roll=RECOMPUTE, scopes=_TEAM,
    ),
    Definition(
        "success_said", "Said by somebody", NUMBER,
        "Of how many of these calls somebody said it: the rest is what the telephone tells.",
        "count of answered calls with a noted result or a survey's answer",
        "ringtap's own", NOTED, kpi_class="c", roll=RECOMPUTE, scopes=_TEAM,
    ),
    Definition(
        "scorecard", "Scorecard", SCORE,
        "How near a team is to its own targets, all its criteria together.",
        "sum(weight * points) / sum(weight) over `scorecards` criteria; points: 100 at the target, 0 at the worst, "
        "linear between; an unknown KPI is left out with its weight",
        "VoIPTime (KPI matrix); Kaplan and Norton 1992", TARGETS, kpi_class="b", roll=RECOMPUTE, scopes=_TEAM,
    ),
)  # fmt: skip
