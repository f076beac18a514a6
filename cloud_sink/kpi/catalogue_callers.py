"""The catalogue's KPIs of what callers got, and what it cost."""

from cloud_sink.kpi.definition import ALL_SCOPES, DAYS, RECOMPUTE, TOTAL, Definition
from cloud_sink.kpi.rests_on import COSTED, KEYED, NUMBERED, PRICED
from cloud_sink.kpi.value import MONEY, NUMBER, PERCENT, POINTS

RESOLUTION = (
    Definition(
        "fcr_repeat", "Solved at the first call", PERCENT,
        "Share of answered calls whose caller did not call the same queue again within 7 days (`repeat_days`). "
        "A proxy: the telephone does not tell why somebody calls.",
        "1 - answered contacts with a later one of the same caller and queue within N days / answered contacts with a "
        "number; calling again within 60 s is a lost line and no repeat; 70 % and more is good",
        "SQM (first call resolution), as no-repeat FCR", NUMBERED, kpi_class="b", averaged=True, roll=DAYS,
    ),
    Definition(
        "fcr_provisional", "Not yet certain", NUMBER,
        "Answered calls whose days to wait for a repeat are not over: the share solved can still fall by these.",
        "count of contacts in fcr_repeat that ended less than N days ago",
        "ringtap's own", NUMBERED, kpi_class="b", roll=DAYS,
    ),
    Definition(
        "line_lost", "Called again at once", NUMBER,
        "Answered calls whose caller called the same queue again within a minute of their end: a lost line, no repeat.",
        "count of contacts in fcr_repeat with a later one of the same caller and queue within 60 s of the end",
        "ringtap's own", NUMBERED, kpi_class="b", roll=DAYS,
    ),
    Definition(
        "repeat_call_rate", "Repeated calls", PERCENT,
        "Share of calls by somebody who had called in the 7 days before (`repeat_days`).",
        "contacts preceded by one of the same caller within N days / contacts with a number; per queue: of that queue",
        "ringtap's own", NUMBERED, kpi_class="b", averaged=True, roll=DAYS,
    ),
)  # fmt: skip

VOICE = (
    Definition(
        "csat", "Satisfied", PERCENT,
        "Share of the callers asked who were satisfied: 4 or 5 of 5. 90 % is what most centres aim at.",
        "the two best answers (4 and 5, or by `csat_best`) / answers, of surveys whose `questions` have csat",
        "Top two boxes; Call Structure, Oki-Toki", KEYED, kpi_class="b", averaged=True, scopes=ALL_SCOPES,
    ),
    Definition(
        "csat_mean", "Satisfaction", NUMBER,
        "Mean of their answers, 1 to 5 unless the office asks otherwise.",
        "sum(answers) / answers",
        "the same answers as csat", KEYED, kpi_class="b", averaged=True, scopes=ALL_SCOPES,
    ),
    Definition(
        "nps", "Net promoter score", POINTS,
        "Would they recommend the office: -100 to 100. The keypad's * is a ten.",
        "100 * (answers 9 and 10 - answers 0 to 6) / answers, of surveys whose `questions` have nps",
        "Reichheld 2003 (Net Promoter)", KEYED, kpi_class="b", averaged=True, scopes=ALL_SCOPES,
    ),
    Definition(
        "ces", "Customer effort", NUMBER,
        "How easy it was, 1 to 7 unless the office asks otherwise.",
        "sum(answers) / answers, of surveys whose `questions` have ces",
        "Dixon, Freeman and Toman 2010 (Customer Effort Score)", KEYED, kpi_class="b", averaged=True, scopes=ALL_SCOPES,
    ),
    Definition(
        "fcr_survey", "Solved, as callers say", PERCENT,
        "Share of the callers asked whose matter was solved.",
        "answers 1 / answers 1 and 2, of surveys whose `questions` have solved",
        "SQM (first call resolution)", KEYED, kpi_class="b", averaged=True, scopes=ALL_SCOPES,
    ),
    Definition(
        "survey_response_rate", "Survey answered", PERCENT,
        "Share of the callers who reached a survey and pressed any key.",
        "callers with a digit / callers whom a survey's own number answered, and who stayed when the agent of a queue "
        "that a survey is `after` had hung up",
        "ringtap's own", KEYED, kpi_class="b", averaged=True, scopes=ALL_SCOPES,
    ),
)  # fmt: skip

SPENDING = (
    Definition(
        "call_cost", "Cost of calls", MONEY,
        "What calls to the outside cost by the office's tariffs, in its currency.",
        "sum over answered outgoing calls of connect fee + charged time * rate; charged time: the first seconds, then "
        "whole steps; the longest prefix decides",
        "ITU-T D.150 (charging by duration); Oki-Toki (spending report)", PRICED, kpi_class="b", scopes=(TOTAL,),
    ),
    Definition(
        "unpriced", "Calls without a tariff", NUMBER,
        "Answered calls to numbers that no tariff's prefix fits: they are not in the cost.",
        "count of answered outgoing calls without a tariff",
        "ringtap's own", PRICED, kpi_class="b", scopes=(TOTAL,),
    ),
    Definition(
        "staff_cost", "Cost of staff", MONEY,
        "What the agents' paid planned time costs.",
        "sum over imported schedules of paid time * the agent's `hourly_cost` in `staff`, else the office's",
        "Oki-Toki (spending report)", COSTED, kpi_class="c", roll=RECOMPUTE, scopes=(TOTAL,),
    ),
    Definition(
        "other_cost", "Other costs", MONEY,
        "Rent, licences, lines and whatever else was imported.",
        "sum over imported `costs` of the part of their days that lies in the period",
        "Oki-Toki (spending report)", COSTED, kpi_class="c", roll=RECOMPUTE, scopes=(TOTAL,),
    ),
    Definition(
        "cost_per_contact", "Cost per contact", MONEY,
        "What each customer's call that was answered costs: calls, and staff and the rest as far as they are known.",
        "(call_cost + staff_cost + other_cost) / answered; what is not known is left out and null beside it",
        "ICMI; Oki-Toki (spending report)", COSTED, kpi_class="c", averaged=True, scopes=(TOTAL,),
    ),
)  # fmt: skip
