"""The catalogue: every KPI once, with what it says, how it is computed, where it comes from and what it rests on.

Documentation, dashboard, API and command line all take their words from here. Letters of the formulas: A answered,
B abandoned, b abandoned at once (short), F overflow, voicemail and calls that rang in vain at a hosted PBX, `_T` within
the threshold (inclusive, rule R5).
"""

from cloud_sink.kpi.definition import ALL_SCOPES, EXTENSIONS, MAX, PLANNING, RECOMPUTE, TOTAL, Definition
from cloud_sink.kpi.value import DAY_RATE, HOUR_RATE, NUMBER, PERCENT, POINTS, SECONDS

EVERYWHERE = "Seen in full with a PBX in the office and with a hosted PBX."
RING_BASED = "With a hosted PBX the wait starts at the first ring; waiting before that cannot be seen."
RINGING_ONLY = "With a hosted PBX only callers whose call reached a phone are seen."
LEAVING = (
    "With a hosted PBX null, unless the PBX says of every unanswered call that its caller left (SIP;cause=487): "
    "phones that stop ringing do not tell."
)
IN_OFFICE = "Needs the trunk, so a PBX in the office; not observable (null) with a hosted PBX."
LOWER_BOUND = IN_OFFICE + " A lower bound: what the carrier refuses never arrives."
HOLD_KEY = "Hold by the phone's own key; parking by a feature code cannot be seen."
NUMBERED = "Callers with a number of their own: withheld and shared numbers stay out."
KEYED = IN_OFFICE + " Keys sent as SIP INFO, to numbers listed in `digit_numbers` of the box."
STATES = (
    "Registrations, calls, feature codes and instant rejects that the tap saw; pausing in a web page is not seen. "
    "Null where registrations are not known."
)
AGENT_SCOPES = (TOTAL, EXTENSIONS)
PHONE_LEGS = "From the phones' own legs: the same in both topologies."

VOLUME = (
    Definition(
        "offered", "Offered", NUMBER,
        "Customers' calls that reached the office.",
        "count of incoming contacts that were not blocked; a ring group of ten phones is one, a transfer adds none",
        "Genesys (Offer); Asterisk queue_log ENTERQUEUE", RINGING_ONLY,
    ),
    Definition(
        "answered", "Answered", NUMBER,
        "Calls a person picked up. Per extension: calls this phone picked up, transfers to it included.",
        "count(disposition = answered); the PBX's, an IVR's or voicemail's pick-up is not an answer",
        "Asterisk queue_log CONNECT; RFC 3261 13.3.1.4 (the phone's 200 OK)", EVERYWHERE, scopes=ALL_SCOPES,
    ),
    Definition(
        "abandoned", "Abandoned", NUMBER,
        "Callers who hung up before anybody answered.",
        "count(disposition = abandoned)",
        "Asterisk queue_log ABANDON; RFC 3261 9 (CANCEL)", LEAVING,
    ),
    Definition(
        "short_abandoned", "Abandoned at once", NUMBER,
        "Callers who hung up within the office's short limit (5 s unless set): usually a wrong number.",
        "count(disposition = abandoned and wait < short limit)",
        "Genesys, Talkdesk (short abandons)", LEAVING,
    ),
    Definition(
        "overflow", "Overflowed", NUMBER,
        "Calls the PBX gave up on or sent elsewhere while the caller was still there.",
        "count(disposition = overflow)",
        "Asterisk queue_log EXITWITHTIMEOUT; Genesys (Flow-Out)", RINGING_ONLY,
    ),
    Definition(
        "voicemail", "To voicemail", NUMBER,
        "Calls that ended in a mailbox.",
        "count(disposition = voicemail)",
        "Asterisk app_voicemail", IN_OFFICE,
    ),
    Definition(
        "open", "Still going on", NUMBER,
        "Calls that had not ended when they were last looked at: the other numbers are provisional by this many.",
        "count(disposition = open)",
        "ringtap's own", EVERYWHERE,
    ),
    Definition(
        "unknown", "Outcome not seen", NUMBER,
        "Calls whose end the tap did not see.",
        "count(disposition = unknown)",
        "ringtap's own", EVERYWHERE,
    ),
    Definition(
        "missed_contacts", "Missed", NUMBER,
        "Calls nobody answered, without those who hung up at once. One per call, not per phone that rang.",
        "B - b + overflow + voicemail + calls that rang in vain at a hosted PBX, whatever came then",
        "ringtap's own", RINGING_ONLY,
    ),
    Definition(
        "callback_open", "Still to call back", NUMBER,
        "Missed callers nobody has spoken to since. Clears itself when a call to them is answered or they get through.",
        "count of distinct numbers with a missed contact and no later answered call either way; withheld ones apart",
        "ringtap's own", EVERYWHERE, roll=RECOMPUTE,
    ),
    Definition(
        "callback_time_avg", "Time to call back", SECONDS,
        "How long a missed caller waited until somebody called back and got through.",
        "sum(answer of the call back - end of the last missed attempt) / callers called back",
        "ringtap's own", EVERYWHERE, averaged=True,
    ),
    Definition(
        "outbound_attempts", "Calls made", NUMBER,
        "Calls to the outside.",
        "count of outgoing contacts; per extension: of its outgoing legs",
        "RFC 3261 13.2 (INVITE)", EVERYWHERE, scopes=(TOTAL, EXTENSIONS),
    ),
    Definition(
        "outbound_connected", "Calls made and answered", NUMBER,
        "Calls to the outside that were answered, by a person or a machine.",
        "count of outgoing contacts with a 200 OK; early announcements are not answers",
        "RFC 3261 13.2.2.4 (200 OK)", EVERYWHERE, scopes=(TOTAL, EXTENSIONS),
    ),
    Definition(
        "connect_rate", "Connect rate", PERCENT,
        "Share of calls to the outside that were answered.",
        "outbound_connected / outbound_attempts",
        "ITU-T E.425 (answer-seizure ratio), RFC 6076 4.6", EVERYWHERE, averaged=True, scopes=(TOTAL, EXTENSIONS),
    ),
    Definition(
        "unique_callers", "Different callers", NUMBER,
        "How many different numbers called.",
        "count of distinct caller numbers of offered contacts; withheld numbers stay out",
        "ringtap's own", EVERYWHERE, roll=RECOMPUTE,
    ),
    Definition(
        "calls_per_caller", "Calls per caller", NUMBER,
        "How often the same number calls on average.",
        "offered contacts with a number / unique_callers",
        "ringtap's own", EVERYWHERE, averaged=True, roll=RECOMPUTE,
    ),
    Definition(
        "trunk_peak", "Most calls at once", NUMBER,
        "Most calls to and from outside at the same moment: how many lines were needed.",
        "maximum of overlapping incoming and outgoing contacts seen on a trunk",
        "ITU-T E.600 (traffic intensity), its maximum", IN_OFFICE, roll=MAX, scopes=(TOTAL,),
    ),
)  # fmt: skip

ACCESSIBILITY = (
    Definition(
        "service_level", "Service level", PERCENT,
        "Share of customers' calls answered within the threshold. The office's headline number.",
        "A_T / (A + B - b + F)",
        "ICMI; Talkdesk, Genesys with short abandons off", RING_BASED, averaged=True,
    ),
    Definition(
        "sl_answered", "Service level of answered calls", PERCENT,
        "Of the calls that were answered, the share answered in time. Abandons do not count against it.",
        "A_T / A",
        "Asterisk app_queue; Wazo, VICIdial, QueueMetrics", RING_BASED, averaged=True,
    ),
    Definition(
        "sl_offered", "Service level of all calls", PERCENT,
        "The strictest: every abandon counts against it, however short.",
        "A_T / (A + B + F)",
        "ICMI 3; Cisco negative, Genesys with all options on", RING_BASED, averaged=True,
    ),
    Definition(
        "sl_excl_short", "Service level without short abandons", PERCENT,
        "Callers who hung up at once are left out, all others count.",
        "A_T / (A + B - b + F)",
        "ICMI; Talkdesk, Genesys with short abandons off", RING_BASED, averaged=True,
    ),
    Definition(
        "sl_late_ab", "Service level, late abandons only", PERCENT,
        "Only callers who gave up after the threshold count against it.",
        "A_T / (A + B - B_T)",
        "ICMI 4; Bright Pattern, Cisco ignored", RING_BASED, averaged=True,
    ),
    Definition(
        "sl_ab_ok", "Service level, early abandons as served", PERCENT,
        "Callers who gave up within the threshold count as served.",
        "(A_T + B_T) / (A + B)",
        "ICMI 1; Asterisk SL2, Amazon Connect", RING_BASED, averaged=True,
    ),
    Definition(
        "sl_short_credit", "Service level, short abandons as served", PERCENT,
        "Callers who hung up at once count as served.",
        "(A_T + b) / (A + B)",
        "ICMI 5", RING_BASED, averaged=True,
    ),
    Definition(
        "asa", "Average speed of answer", SECONDS,
        "How long customers who were answered had waited for a person, ringing included.",
        "sum(wait of answered contacts) / answered contacts whose wait was seen; abandons excluded",
        "ICMI; Genesys, Cisco", RING_BASED, averaged=True,
    ),
    Definition(
        "avg_queue_time", "Average wait of all", SECONDS,
        "How long everybody waited, answered or not.",
        "sum(wait) / (answered + abandoned + overflow + voicemail whose wait was seen)",
        "Wazo average_waiting_time", RING_BASED, averaged=True,
    ),
    Definition(
        "avg_abandon_time", "Average wait before hanging up", SECONDS,
        "How long callers held on before they gave up.",
        "sum(wait of abandoned contacts) / abandoned contacts whose wait was seen",
        "Genesys (Avg Abandon); Asterisk queue_log ABANDON", RING_BASED, averaged=True,
    ),
    Definition(
        "max_wait", "Longest wait", SECONDS,
        "The longest any customer waited.",
        "max(wait)",
        "Asterisk queue_log CONNECT and ABANDON, the longest", RING_BASED, roll=MAX,
    ),
    Definition(
        "ring_time_avg", "Average ringing", SECONDS,
        "How long the phone that answered had been ringing.",
        "sum(t_answer - t_ring of the answering leg) / answered with a ring",
        "RFC 3261 21.1.2 (180 Ringing), 13.3.1.4 (200 OK)", PHONE_LEGS, averaged=True, scopes=ALL_SCOPES,
    ),
    Definition(
        "abandon_rate", "Abandon rate", PERCENT,
        "Share of callers who gave up, without those who hung up at once.",
        "(B - b) / (offered - b)",
        "ICMI; also called LCR or ACR", LEAVING, averaged=True,
    ),
    Definition(
        "abandon_rate_all", "Abandon rate, all", PERCENT,
        "Share of callers who gave up, however fast.",
        "B / offered",
        "Genesys (Abandon %)", LEAVING, averaged=True,
    ),
    Definition(
        "avg_abandons_per_day", "Abandons a day", DAY_RATE,
        "Average number of callers who gave up on a working day.",
        "B / days with at least one customer's call (until a calendar is configured)",
        "also called AAR", LEAVING, kpi_class="b", roll=RECOMPUTE,
    ),
    Definition(
        "blocked", "Blocked", NUMBER,
        "Calls refused before anything rang.",
        "count(disposition = blocked)",
        "RFC 3261 21.4.24 (486), 21.5.4 (503)", LOWER_BOUND,
    ),
    Definition(
        "blocked_rate", "Blocked rate", PERCENT,
        "Share of calls refused before anything rang.",
        "blocked / (offered + blocked), trunk calls only",
        "ICMI (blocked calls)", LOWER_BOUND, averaged=True,
    ),
)  # fmt: skip

HANDLING = (
    Definition(
        "avg_talk_time", "Average talk time", SECONDS,
        "How long a conversation lasts, hold not included.",
        "sum(end - agent's answer - hold) / answered contacts that are over; per extension: its own part",
        "Genesys (Avg Talk); also called ATT", EVERYWHERE, averaged=True, scopes=ALL_SCOPES,
    ),
    Definition(
        "aht", "Average handle time (no ACW)", SECONDS,
        "How long a call keeps an agent: talk and hold. After-call work cannot be seen in SIP and is not in it.",
        "sum(talk + hold) / answered contacts that are over; per extension: its own part",
        "ICMI, there with after-call work; Genesys (Avg Handle)", EVERYWHERE, averaged=True, scopes=ALL_SCOPES,
    ),
    Definition(
        "hold_time_avg", "Average hold", SECONDS,
        "How long a caller who was put on hold stayed there.",
        "sum(hold) / answered contacts with any hold",
        "Genesys (Hold); RFC 3264 8.4", HOLD_KEY, averaged=True,
    ),
    Definition(
        "hold_rate", "Calls put on hold", PERCENT,
        "Share of answered calls that were put on hold.",
        "answered contacts with any hold / answered contacts that are over",
        "Genesys (Hold); RFC 3264 8.4", HOLD_KEY,
        averaged=True, scopes=ALL_SCOPES,
    ),
    Definition(
        "transfer_rate", "Transferred", PERCENT,
        "Share of answered calls that were passed on.",
        "answered contacts with at least one transfer / answered contacts that are over",
        "Genesys (Transferred %); RFC 3515, RFC 3891",
        "REFER and Replaces in full; transfers by key tones only where a new leg shows them.",
        averaged=True,
    ),
    Definition(
        "short_call_rate", "Very short calls", PERCENT,
        "Share of answered calls with under 10 s of talk: wrong numbers, or an agent who drops calls.",
        "answered contacts with talk < 10 s / answered contacts that are over",
        "ringtap's own", EVERYWHERE, averaged=True,
    ),
    Definition(
        "agent_hangup_first_rate", "Agent hung up first", PERCENT,
        "Share of answered calls the agent ended.",
        "answered contacts ended by the agent's BYE / answered contacts that are over",
        "Asterisk queue_log COMPLETEAGENT; RFC 3261 15 (BYE)", EVERYWHERE, averaged=True,
    ),
)  # fmt: skip

RESOLUTION = (
    Definition(
        "fcr_repeat", "Solved at the first call", PERCENT,
        "Share of answered calls whose caller did not call the same queue again within 7 days (`repeat_days`). "
        "A proxy: the telephone does not tell why somebody calls.",
        "1 - answered contacts with a later one of the same caller and queue within N days / answered contacts with a "
        "number; calling again within 60 s is a lost line and no repeat; 70 % and more is good",
        "SQM (first call resolution), as no-repeat FCR", NUMBERED, kpi_class="b", averaged=True, roll=RECOMPUTE,
    ),
    Definition(
        "fcr_provisional", "Not yet certain", NUMBER,
        "Answered calls whose days to wait for a repeat are not over: the share solved can still fall by these.",
        "count of contacts in fcr_repeat that ended less than N days ago",
        "ringtap's own", NUMBERED, kpi_class="b", roll=RECOMPUTE,
    ),
    Definition(
        "repeat_call_rate", "Repeated calls", PERCENT,
        "Share of calls by somebody who had called in the 7 days before (`repeat_days`).",
        "contacts preceded by one of the same caller within N days / contacts with a number; per queue: of that queue",
        "ringtap's own", NUMBERED, kpi_class="b", averaged=True, roll=RECOMPUTE,
    ),
)  # fmt: skip

VOICE = (
    Definition(
        "csat", "Satisfied", PERCENT,
        "Share of the callers asked who were satisfied: 4 or 5 of 5. 90 % is what most centres aim at.",
        "answers 4 and 5 / answers 1 to 5, of surveys whose `questions` have csat",
        "Top two boxes; Call Structure, Oki-Toki", KEYED, kpi_class="b", averaged=True, scopes=(TOTAL,),
    ),
    Definition(
        "csat_mean", "Satisfaction", NUMBER,
        "Mean of their answers, 1 to 5.",
        "sum(answers) / answers",
        "the same answers as csat", KEYED, kpi_class="b", averaged=True, scopes=(TOTAL,),
    ),
    Definition(
        "nps", "Net promoter score", POINTS,
        "Would they recommend the office: -100 to 100. The keypad's * is a ten.",
        "100 * (answers 9 and 10 - answers 0 to 6) / answers, of surveys whose `questions` have nps",
        "Reichheld 2003 (Net Promoter)", KEYED, kpi_class="b", averaged=True, scopes=(TOTAL,),
    ),
    Definition(
        "ces", "Customer effort", NUMBER,
        "How easy it was, 1 to 7.",
        "sum(answers) / answers, of surveys whose `questions` have ces",
        "Dixon, Freeman and Toman 2010 (Customer Effort Score)", KEYED, kpi_class="b", averaged=True, scopes=(TOTAL,),
    ),
    Definition(
        "fcr_survey", "Solved, as callers say", PERCENT,
        "Share of the callers asked whose matter was solved.",
        "answers 1 / answers 1 and 2, of surveys whose `questions` have solved",
        "SQM (first call resolution)", KEYED, kpi_class="b", averaged=True, scopes=(TOTAL,),
    ),
    Definition(
        "survey_response_rate", "Survey answered", PERCENT,
        "Share of the callers who reached a survey and pressed any key.",
        "callers of a survey's own number with a digit / callers of it whom it answered",
        "ringtap's own", KEYED, kpi_class="b", averaged=True, scopes=(TOTAL,),
    ),
)  # fmt: skip

EXTENSION = (
    Definition(
        "rings", "Calls to it", NUMBER,
        "How often customers' calls were sent to this phone.",
        "count of incoming legs to the extension",
        "Asterisk queue_log RINGNOANSWER, RINGCANCELED, CONNECT", PHONE_LEGS, scopes=(EXTENSIONS,),
    ),
    Definition(
        "agent_non_response", "Not taken", NUMBER,
        "Rings this phone could have taken and did not. Answered by a colleague, busy, or lost by a blink never count.",
        "no_answer + declined + caller_gone after at least 10 s of ringing",
        "Amazon Connect (agent non-response)", PHONE_LEGS, scopes=(EXTENSIONS,),
    ),
    Definition(
        "agent_non_response_excl_abandon", "Not taken, caller still there", NUMBER,
        "The same without callers who gave up.",
        "no_answer + declined",
        "Amazon Connect (agent non-response without customer abandons)", PHONE_LEGS, scopes=(EXTENSIONS,),
    ),
    Definition(
        "agent_answer_rate", "Answer rate", PERCENT,
        "Of the rings this phone could have taken, the share it took.",
        "answered / (answered + agent_non_response)",
        "Amazon Connect (agent answer rate)", PHONE_LEGS, averaged=True, scopes=(EXTENSIONS,),
    ),
    Definition(
        "ring_time_total", "Ringing in all", SECONDS,
        "How long this phone rang with customers' calls.",
        "sum(ring time of incoming legs)",
        "RFC 3261 21.1.2 (180 Ringing) to the answer or the end", PHONE_LEGS, scopes=(EXTENSIONS,),
    ),
    Definition(
        "ext_load", "Busy", SECONDS,
        "How long this phone was in calls of any kind.",
        "length of the union of [answer, end] over its answered legs",
        "ITU-T E.600 (holding time)", PHONE_LEGS, scopes=(EXTENSIONS,),
    ),
)  # fmt: skip

AGENT_TIME = (
    Definition(
        "login_time", "Logged in", SECONDS,
        "How long the agent was on duty: the phone registered, and logged into the queue where a code does that.",
        "sum of the agent's states while registered (or in a call) and not logged out by code; watched time only",
        "Genesys (Log In); FreePBX *45", STATES, kpi_class="b", scopes=AGENT_SCOPES,
    ),
    Definition(
        "available_time", "Available", SECONDS,
        "How long the agent was on duty and waited for a call: idle time.",
        "sum of state available while logged in",
        "Genesys (Idle)", STATES, kpi_class="b", scopes=AGENT_SCOPES,
    ),
    Definition(
        "break_time", "On break", SECONDS,
        "How long the agent had paused himself by feature code.",
        "sum of state pause while logged in; calls made during a break are talk",
        "Asterisk queue_log PAUSE, UNPAUSE; FreePBX *46", STATES, kpi_class="b", scopes=AGENT_SCOPES,
    ),
    Definition(
        "dnd_time", "Do not disturb", SECONDS,
        "How long the phone refused calls: by feature code, or at least from the first to the last instant reject.",
        "sum of state dnd; a lower bound where the phone's own key was used",
        "FreePBX *76, *78, *79; RFC 3261 21.4.18 (480), 21.4.24 (486)", STATES, kpi_class="b", scopes=AGENT_SCOPES,
    ),
    Definition(
        "occupancy", "Occupancy", PERCENT,
        "Share of the time on duty, breaks left out, that was spent in calls. 80 to 85 % is healthy.",
        "(talk + hold) / (login_time - break_time); ringing stays below the line, after-call work is not seen",
        "Amazon Connect, Genesys; ICMI", STATES, kpi_class="b", scopes=AGENT_SCOPES,
    ),
    Definition(
        "calls_per_hour", "Calls per hour", HOUR_RATE,
        "How many calls were answered per hour on duty.",
        "answered legs / login_time in hours",
        "ringtap's own", STATES, kpi_class="b", scopes=AGENT_SCOPES,
    ),
)  # fmt: skip

WEEK = (
    Definition(
        "arrival_profile", "Calls by hour of the week", NUMBER,
        "How many customers call on a Monday from nine to ten, and in each of the other 167 hours of the week.",
        "offered contacts of that local hour / hours of it that were watched, over the last 8 weeks unless asked else",
        "ringtap's own; rule R3", RINGING_ONLY, averaged=True, roll=RECOMPUTE, scopes=(PLANNING,),
    ),
    Definition(
        "agents_required", "Agents needed", NUMBER,
        "Fewest agents at the phone that reach the service level and are not busier than allowed; and how many must be "
        "on the roster for that.",
        "smallest n with Erlang A (20 abandons or more: patience is known) or Erlang C reaching the target and "
        "occupancy <= 85 %; rostered = ceil(n / (1 - shrinkage)), shrinkage 30 %",
        "Erlang 1917; Palm 1957, Garnett, Mandelbaum and Reiman 2002", RINGING_ONLY,
        kpi_class="b", roll=RECOMPUTE, scopes=(PLANNING,),
    ),
    Definition(
        "patience_mean", "Patience", SECONDS,
        "How long callers would wait on average before they give up, if nobody ever answered.",
        "sum(wait of everybody who queued) / abandoned, those who hung up at once included",
        "Censored exponential, maximum likelihood; Mandelbaum and Zeltyn 2004", IN_OFFICE,
        averaged=True, scopes=(PLANNING,),
    ),
    Definition(
        "trunks_required", "Lines needed", NUMBER,
        "Fewest lines so that at most 1 % of calls find all of them busy in the busiest hour.",
        "smallest N with Erlang B(N, time held / time watched, of the busiest hour) <= 0.01",
        "Erlang 1917; ITU-T E.520", IN_OFFICE, roll=RECOMPUTE, scopes=(PLANNING,),
    ),
)  # fmt: skip

QUALITY = (
    Definition(
        "coverage", "Watched", PERCENT,
        "Share of the period in which the tap was watching.",
        "seconds watched / seconds of the period so far",
        "ringtap's own", EVERYWHERE, roll=RECOMPUTE, scopes=(TOTAL,),
    ),
    Definition(
        "contacts_ambiguous", "Ambiguous", NUMBER,
        "Calls whose legs could belong to another caller as well: two withheld numbers waiting at once.",
        "count(correlation = ambiguous)",
        "ringtap's own", EVERYWHERE,
    ),
    Definition(
        "claimed_elsewhere", "Said to be answered elsewhere", NUMBER,
        "The PBX said another phone answered, but no such answer was seen: a mobile twin, or not true.",
        "count(disposition = claimed_elsewhere)",
        "RFC 3326 (Reason: Call completed elsewhere)", EVERYWHERE,
    ),
    Definition(
        "partial_legs", "Partly seen", NUMBER,
        "Phone legs whose beginning or end the tap did not see.",
        "count(leg.partial)",
        "ringtap's own", PHONE_LEGS, scopes=(TOTAL, EXTENSIONS),
    ),
)  # fmt: skip

SECTIONS = {
    "Volume": VOLUME,
    "Accessibility": ACCESSIBILITY,
    "Handling": HANDLING,
    "Resolution": RESOLUTION,
    "Voice of the customer": VOICE,
    "Extensions": EXTENSION,
    "Agent time": AGENT_TIME,
    "Planning": WEEK,
    "Data quality": QUALITY,
}
CATALOGUE = {definition.id: definition for group in SECTIONS.values() for definition in group}


def definitions_of(scope: str) -> list[Definition]:
    """The KPIs shown for `total`, `queues` or `extensions`, in the catalogue's order."""
    return [definition for definition in CATALOGUE.values() if scope in definition.scopes]


def catalogue_json() -> list[dict[str, object]]:
    """The whole catalogue as the API shows it."""
    return [definition.to_json(section) for section, group in SECTIONS.items() for definition in group]
