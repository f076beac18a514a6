"""What numbers rest on, in a sentence each: what can be seen where."""

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
PRICED = EVERYWHERE + " Null without `tariffs`. Numbers that leave the box as codes fit no tariff."
NUMBERED = "Callers with a number of their own: withheld and shared numbers stay out."
KEYED = (
    IN_OFFICE + " Keys sent as SIP INFO, on calls to numbers listed in `digit_numbers` of the box. "
    "Of a queue and of an agent: surveys `after` that queue. Else imported `surveys`, with a hosted PBX too."
)
STATES = (
    "Registrations, calls, feature codes, as-feature-event and dialog-info bodies, instant rejects that the tap saw; "
    "pausing in a web page is not seen, unless an imported `queue_log` tells. "
    "Null where registrations are not known."
)
PHONE_LEGS = "From the phones' own legs: the same in both topologies."
PLANNED = (
    "Imported schedules beside what the tap saw of the agent's phone, in watched time; null without a schedule. Breaks "
    "can only be judged where the phone tells of any (a pause by code, do not disturb, logging out)."
)
HR_FILES = "Imported from the personnel office (`staff`, `absences`); null without."
SCORED = "Imported evaluations (`qa_scores`); null without."
NOTED = "Imported `dispositions`, surveys that ask `solved`, and else the calls themselves: a proxy."
TARGETS = "The team's own `scorecards` in the configuration; rests on what its KPIs rest on."
MEASURED_WORK = "Phones with as-feature-event, or agents who pause by feature code after a call; null where neither is."
ASSUMED_WORK = "Queues with `wrap_up_s`. Never mixed with measured work."
COSTED = "Imported `schedules`, `staff` and `costs`, tariffs for calls; null without any of them."
LINES = "Needs the trunk, and `trunk_channels`; null without."
OPEN_HOURS = (
    "Needs `business_hours`; null without. Agents' phones are the `members` of queues and groups, all phones where "
    "none are listed. A trunk that never registers is taken to be up: the carrier may know the PBX by its address."
)
REPORTED_BY_BOXES = "What boxes say of themselves once a minute; kept for two weeks, null before."
