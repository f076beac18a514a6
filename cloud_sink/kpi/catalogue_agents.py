"""The catalogue's KPIs of extensions, agents' time and planning."""

from cloud_sink.kpi.definition import EXTENSIONS, PLANNING, RECOMPUTE, TOTAL, Definition
from cloud_sink.kpi.rests_on import IN_OFFICE, PHONE_LEGS, RINGING_ONLY, STATES
from cloud_sink.kpi.value import HOUR_RATE, NUMBER, PERCENT, SECONDS

AGENT_SCOPES = (TOTAL, EXTENSIONS)

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
        "answered rings / (answered rings + agent_non_response); a colleague's call picked up is no ring of this phone",
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
        "idle_time", "Idle", SECONDS,
        "The same as available_time, under the name other systems give it.",
        "available_time",
        "VoIPTime (idle time); Genesys (Idle)", STATES, kpi_class="b", scopes=AGENT_SCOPES,
    ),
    Definition(
        "break_time", "On break", SECONDS,
        "How long the agent had paused himself, by feature code or on the phone.",
        "sum of state pause while logged in; calls made during a break are talk, its begin right after a call is work",
        "Asterisk queue_log PAUSE, UNPAUSE; FreePBX *46", STATES, kpi_class="b", scopes=AGENT_SCOPES,
    ),
    Definition(
        "dnd_time", "Do not disturb", SECONDS,
        "How long the phone refused calls: as phone and PBX told, by feature code, or at least from the first to the "
        "last instant reject.",
        "sum of state dnd; a lower bound where the phone's own key was used and as-feature-event is off",
        "FreePBX *76, *78, *79; RFC 3261 21.4.18 (480), 21.4.24 (486)", STATES, kpi_class="b", scopes=AGENT_SCOPES,
    ),
    Definition(
        "acw_time", "After-call work", SECONDS,
        "How long the agent worked on calls after they had ended, as far as phones, codes or the PBX's wrap-up tell.",
        "sum of state acw while logged in: told by as-feature-event, a break that begins within 15 s of a call, else "
        "`wrap_up_s`; after 600 s the rest is a break",
        "Genesys (After-Call Work); Cisco, BroadSoft as-feature-event", STATES, kpi_class="b", scopes=AGENT_SCOPES,
    ),
    Definition(
        "occupancy", "Occupancy", PERCENT,
        "Share of the time on duty, breaks left out, that was spent in calls. 80 to 85 % is healthy.",
        "(talk + hold + acw_time) / (login_time - break_time); ringing stays below the line",
        "Amazon Connect, Genesys; ICMI", STATES, kpi_class="b", scopes=AGENT_SCOPES,
    ),
    Definition(
        "queue_occupancy", "Occupancy by queues", PERCENT,
        "The same with only those calls that came through queues and groups: calls made and direct ones left out.",
        "(talk + hold + after-call work of queues' and groups' contacts) / (login_time - break_time)",
        "Amazon Connect, Genesys (Occupancy, of contacts)", STATES, kpi_class="b", scopes=AGENT_SCOPES,
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
        "occupancy_forecast_gap", "Agents missing", NUMBER,
        "Agents needed in an hour, by the weeks before it, less the agents who were logged in: above 0 too few.",
        "agents_required of that hour of the week - milliseconds logged in / milliseconds watched, for each local hour",
        "ICMI (net staffing)", STATES, kpi_class="b", roll=RECOMPUTE, scopes=(PLANNING,),
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
