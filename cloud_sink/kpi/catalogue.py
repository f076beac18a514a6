"""The catalogue: every KPI once, with what it says, how it is computed, where it comes from and what it rests on.

Documentation, dashboard, API and command line all take their words from here. Letters of the formulas: A answered,
B abandoned, b abandoned at once (short), F overflow, voicemail and calls that rang in vain at a hosted PBX, `_T` within
the threshold (inclusive, rule R5).
"""

from cloud_sink.kpi.catalogue_agents import AGENT_TIME, EXTENSION, WEEK
from cloud_sink.kpi.catalogue_callers import RESOLUTION, SPENDING, VOICE
from cloud_sink.kpi.catalogue_quality import QUALITY
from cloud_sink.kpi.catalogue_signalling import SIGNALLING_HEALTH
from cloud_sink.kpi.catalogue_team import PERSONNEL, SCHEDULE
from cloud_sink.kpi.definition import ALL_SCOPES, DAYS, EXTENSIONS, MAX, RECOMPUTE, TOTAL, Definition
from cloud_sink.kpi.rests_on import (
    ASSUMED_WORK,
    EVERYWHERE,
    HOLD_KEY,
    IN_OFFICE,
    LEAVING,
    LINES,
    LOWER_BOUND,
    MEASURED_WORK,
    OPEN_HOURS,
    PHONE_LEGS,
    RING_BASED,
    RINGING_ONLY,
)
from cloud_sink.kpi.value import DAY_RATE, NUMBER, PERCENT, SECONDS

VOLUME = (
    Definition(
        "offered", "Offered", NUMBER,
        "Customers' calls that reached the office.",
        "count of incoming contacts that were not blocked; a ring group of ten phones is one, a transfer adds none",
        "Genesys (Offer); Asterisk queue_log ENTERQUEUE", RINGING_ONLY,
    ),
    Definition(
        "answered", "Answered", NUMBER,
        "Calls a person picked up. Per extension: customers it spoke with, by its own ring, a transfer, a pickup code "
        "or from a parking place.",
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
        "Calls the PBX gave up on or sent elsewhere while the caller was still there: on to a mobile (302) too, where "
        "whoever answers is no agent of the office. A queue counts whom it sent on to another queue, answered there or "
        "not; in total a caller is what the last of his queues made of him.",
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
        "ringtap's own", EVERYWHERE, averaged=True, roll=RECOMPUTE,
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
    Definition(
        "trunk_full_time", "All lines taken", SECONDS,
        "How long every line to the carrier was taken: who called then heard busy, and was not seen here.",
        "time in which at least `trunk_channels` contacts were on the trunk at once",
        "ITU-T E.600 (time congestion)", LINES, kpi_class="b", scopes=(TOTAL,),
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
        "B on working days / working days (`business_hours`, else all) with at least one customer's call",
        "also called AAR", LEAVING, kpi_class="b", roll=DAYS,
    ),
    Definition(
        "service_availability", "Service available", PERCENT,
        "Share of business hours in which a customer could have been served.",
        "watched business time with the trunk registered and at least one agent's phone registered, logged in and "
        "neither on break nor refusing calls / watched business time",
        "ITU-T E.800 (availability)", OPEN_HOURS, kpi_class="b", scopes=(TOTAL,),
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
        "sum(end - agent's answer - hold) / answered contacts that are over and whose answer was seen; per extension: "
        "its own part of each",
        "Genesys (Avg Talk); also called ATT", EVERYWHERE, averaged=True, scopes=ALL_SCOPES,
    ),
    Definition(
        "aht", "Average handle time (no ACW)", SECONDS,
        "How long a call keeps an agent: talk and hold. After-call work is not in it.",
        "sum(talk + hold) / answered contacts that are over; per extension: its own part of each",
        "ICMI, there with after-call work; Genesys (Avg Handle)", EVERYWHERE, averaged=True, scopes=ALL_SCOPES,
    ),
    Definition(
        "acw_avg", "After-call work", SECONDS,
        "How long agents worked on a call after it had ended, where that was measured.",
        "sum(acw) / contacts with known acw: told by as-feature-event, or a break begun within 15 s of the call; at "
        "most 600 s each",
        "ICMI (after-call work); Genesys (Avg ACW)", MEASURED_WORK, averaged=True, scopes=ALL_SCOPES,
    ),
    Definition(
        "acw_avg_assumed", "After-call work, assumed", SECONDS,
        "The PBX's configured wrap-up, cut short by the next call: where nothing tells of the work itself.",
        "sum(assumed acw) / contacts of which only that is known",
        "Asterisk queues.conf (wrapuptime)", ASSUMED_WORK, kpi_class="b", averaged=True, scopes=ALL_SCOPES,
    ),
    Definition(
        "aht_acw", "Average handle time", SECONDS,
        "Talk, hold and after-call work of the calls whose after-call work was measured.",
        "sum(talk + hold + acw) / contacts with known acw",
        "ICMI; Genesys (Avg Handle)", MEASURED_WORK, averaged=True, scopes=ALL_SCOPES,
    ),
    Definition(
        "aht_acw_assumed", "Average handle time, ACW assumed", SECONDS,
        "Talk, hold and the PBX's configured wrap-up, of calls of which only that is known.",
        "sum(talk + hold + assumed acw) / contacts of which only that is known",
        "ICMI; Genesys (Avg Handle)", ASSUMED_WORK, kpi_class="b", averaged=True, scopes=ALL_SCOPES,
    ),
    Definition(
        "hold_time_avg", "Average hold", SECONDS,
        "How long a caller who was put on hold stayed there.",
        "sum(hold) / answered contacts with any hold",
        "Genesys (Hold); RFC 3264 8.4", HOLD_KEY, averaged=True, scopes=ALL_SCOPES,
    ),
    Definition(
        "hold_abandoned", "Hung up on hold", NUMBER,
        "Callers who hung up while an agent had them on hold.",
        "count of answered contacts ended by the caller while the agent's phone held the call, not passing it on",
        "Genesys (Abandoned on Hold)", HOLD_KEY,
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
        averaged=True, scopes=ALL_SCOPES,
    ),
    Definition(
        "short_call_rate", "Very short calls", PERCENT,
        "Share of answered calls with under 10 s of talk: wrong numbers, or an agent who drops calls.",
        "answered contacts with talk < 10 s / answered contacts that are over; per extension: its own part of each",
        "ringtap's own", EVERYWHERE, averaged=True, scopes=ALL_SCOPES,
    ),
    Definition(
        "short_call_agent_rate", "Very short, agent hung up", PERCENT,
        "Share of answered calls with under 10 s of talk that the agent ended: dropped calls. The other very short "
        "ones the caller or the PBX ended.",
        "answered contacts with talk < 10 s ended by the agent's BYE / answered contacts that are over",
        "ringtap's own", EVERYWHERE, averaged=True, scopes=ALL_SCOPES,
    ),
    Definition(
        "agent_hangup_first_rate", "Agent hung up first", PERCENT,
        "Share of answered calls the agent ended.",
        "answered contacts ended by the agent's BYE / answered contacts that are over",
        "Asterisk queue_log COMPLETEAGENT; RFC 3261 15 (BYE)", EVERYWHERE, averaged=True, scopes=ALL_SCOPES,
    ),
)  # fmt: skip

SECTIONS = {
    "Volume": VOLUME,
    "Accessibility": ACCESSIBILITY,
    "Handling": HANDLING,
    "Resolution": RESOLUTION,
    "Voice of the customer": VOICE,
    "Spending": SPENDING,
    "Extensions": EXTENSION,
    "Agent time": AGENT_TIME,
    "Schedule": SCHEDULE,
    "Personnel and quality": PERSONNEL,
    "Planning": WEEK,
    "Signalling and sound": SIGNALLING_HEALTH,
    "Data quality": QUALITY,
}
CATALOGUE = {definition.id: definition for group in SECTIONS.values() for definition in group}


def definitions_of(scope: str) -> list[Definition]:
    """The KPIs shown for `total`, `queues` or `extensions`, in the catalogue's order."""
    return [definition for definition in CATALOGUE.values() if scope in definition.scopes]


def catalogue_json() -> list[dict[str, object]]:
    """The whole catalogue as the API shows it."""
    return [definition.to_json(section) for section, group in SECTIONS.items() for definition in group]
