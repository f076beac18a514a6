"""The records that stitching works on: legs as observed, the office's plan, contacts as understood.

Times are integers of milliseconds since the Unix epoch, UTC; None where it did not happen. Durations are milliseconds.
"""

from dataclasses import dataclass, field, replace

from cloud_sink.contacts.business_hours import BusinessHours
from cloud_sink.contacts.work_rules import ImportedNumbers, Scorecard, Target, WorkRules


@dataclass(slots=True)
class Leg:
    """One observed leg (`collector.core.events.LegEnded` has the meaning of each field) and where it came from."""

    leg_id: str  # "<box>-<epoch, 8 hex digits>-<seq>": unique, stable
    office: str
    box: str
    epoch: int
    seq: int
    call_key: str  # hex
    role: str
    direction: str
    extension: str
    caller: str
    callee: str
    t_invite: int
    t_ring: int | None
    t_answer: int | None
    t_end: int | None
    final_code: int = 0
    cancelled: bool = False
    ended_by: str = ""
    reason_sip: int = 0
    reason_q850: int | None = None
    hold_ms: int = 0
    holds: int = 0
    transfer: str = ""
    refer_to: str = ""
    replaces_key: str = ""
    connected: str = ""
    diverted_by: str = ""
    session_key: str = ""
    digits: str = ""
    transport: str = ""
    retransmissions: int = 0
    bye_response_ms: int | None = None
    bye_code: int = 0
    hold_at_end_ms: int = 0
    digit_after_ms: int = 0
    partial: bool = False

    @property
    def ring_ms(self) -> int | None:
        """How long it rang; None if it never did."""
        until = self.t_answer if self.t_answer is not None else self.t_end
        return None if self.t_ring is None or until is None else max(0, until - self.t_ring)

    @property
    def talk_ms(self) -> int | None:
        """Answer to end without hold; None if never answered or still up."""
        return (
            None if self.t_answer is None or self.t_end is None else max(0, self.t_end - self.t_answer - self.hold_ms)
        )

    @property
    def caller_ended(self) -> bool:
        """Whether its caller hung up; 487 answers only a request that was cancelled (RFC 3261 section 9.2)."""
        return self.ended_by == "caller" or (self.t_answer is None and self.final_code == 487 and not self.given_up)

    @property
    def given_up(self) -> bool:
        """Whether a proxy cancelled it by itself, while its caller waited on."""
        return self.cancelled and not self.ended_by


# what a dialled number leads to
QUEUE, RING_GROUP, IVR, SURVEY, VOICEMAIL, ANNOUNCEMENT, FEATURE = (
    "queue", "ring_group", "ivr", "survey", "voicemail", "announcement", "feature",
)  # fmt: skip

# what a survey may ask: satisfied 1 to 5, effort 1 to 7, recommend 0 to 9 and * for 10, solved 1 yes 2 no
QUESTIONS = CSAT, CES, NPS, SOLVED = "csat", "ces", "nps", "solved"


@dataclass(frozen=True, slots=True)
class Destination:
    """A named place that calls are sent to, and the numbers that lead there."""

    name: str
    kind: str  # one of the words above
    numbers: tuple[str, ...]  # DIDs and internal numbers; a trailing "*" matches any rest
    members: tuple[str, ...] = ()  # extensions that serve it, where known
    choices: dict[str, str] = field(default_factory=dict)  # ivr: digit -> destination name
    timeout_ms: int = 0  # how long callers wait here before they are sent on; 0 = not known
    overflow_to: str = ""  # where they are sent then: name of a queue or ring group, or an extension; "" = not known
    questions: tuple[str, ...] = ()  # what a survey asks, one digit each: QUESTIONS
    after: tuple[str, ...] = ()  # queues and groups whose callers a survey asks once the agent has hung up
    announce_ms: int = 0  # between the PBX's answer and the start of the wait: welcome message, Answer()'s delay
    wrap_up_ms: int = 0  # how long the PBX sends an agent no call after one from here; 0 = not known


@dataclass(frozen=True, slots=True)
class Tariff:
    """What calls to some numbers cost, in the office's currency."""

    name: str
    prefixes: tuple[str, ...]  # beginnings of the number called
    per_minute: float
    connect_fee: float = 0.0
    first_s: int = 0  # the least that is charged, in seconds
    step_s: int = 1  # charged in whole steps of so many seconds after that
    since_ms: int = 0  # calls from then on; of tariffs with the same prefix the latest that holds


# what a call to a feature code does for the agent who makes it
AGENT_ACTIONS = (
    "login", "logout", "switch_login", "pause", "unpause", "switch_pause", "dnd_on", "dnd_off", "switch_dnd",
)  # fmt: skip
# FreePBX's own feature codes
AGENT_CODES = {
    "*45": "switch_login", "*46": "switch_pause", "*47": "unpause",
    "*76": "switch_dnd", "*78": "dnd_on", "*79": "dnd_off",
}  # fmt: skip


WEEK_STARTS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CALENDARS = (GREGORIAN, JALALI) = ("gregorian", "jalali")


@dataclass(frozen=True, slots=True)
class OfficePlan:
    """What an office told us about itself; everything has a usable default."""

    office: str
    time_zone: str = "UTC"
    destinations: tuple[Destination, ...] = ()
    gap_ms: int = 20_000  # a caller ringing again within this belongs to the same attempt (T1)
    short_abandon_ms: int = 5_000
    wait_start: str = (
        ""  # "offer" | "pbx_answer" | "first_ring"; "" = pbx_answer where the trunk is seen, else first_ring
    )
    service_level_s: int = 20
    service_level_target: float = 0.8
    service_level_formula: str = "sl_excl_short"  # which of the six is "the" service level; all are always computed
    name: str = ""  # how people call the office; "" = its id
    direct: dict[str, str] = field(default_factory=dict)  # DID pattern -> extension pattern, "?" is one digit:
    # {"44207946010?": "10?"} sends 442079460103 to 103; the digits fill the extension's "?" from the left
    tariffs: tuple[Tariff, ...] = ()
    repeat_days: int = 7  # a caller who calls again within so many days was not helped the first time
    shared_numbers: tuple[str, ...] = ()  # callers' numbers that many people share: a company's, a hospital's
    agent_codes: dict[str, str] = field(default_factory=lambda: dict(AGENT_CODES))  # feature code -> what it does
    business_hours: BusinessHours = field(
        default_factory=BusinessHours
    )  # when the office is open; by default not known
    trunk_channels: int = 0  # calls that the lines to the carrier carry at once; 0 = not known
    imports: ImportedNumbers = field(default_factory=ImportedNumbers)  # how numbers of imported files are written
    work: WorkRules = field(default_factory=WorkRules)  # what counts as late, long and absent
    scorecards: tuple[Scorecard, ...] = ()  # what each team aims at
    csat_best: int = 5  # the best answer to "csat" and to "ces": 1 is the other end of their scales
    ces_best: int = 7
    targets: tuple[Target, ...] = ()  # what the office aims at, besides its service level
    week_start: str = "monday"  # one of WEEK_STARTS
    calendar: str = GREGORIAN  # one of CALENDARS: whose months are reported, and how dates are written
    # found in the destinations once, looked up for every leg
    by_number: dict[str, Destination] = field(init=False, repr=False, compare=False)
    by_prefix: tuple[tuple[str, Destination], ...] = field(init=False, repr=False, compare=False)  # longest first
    teams: tuple[tuple[frozenset[str], Destination], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Fill the look-ups; where two places claim a number the first one has it."""
        numbers = [(number, place) for place in self.destinations for number in place.numbers]
        prefixes = [(number[:-1], place) for number, place in numbers if number.endswith("*") and len(number) > 1]
        longest_first = sorted(prefixes, key=lambda each: -len(each[0]))
        teams = [(frozenset(place.members), place) for place in self.destinations if place.kind in (QUEUE, RING_GROUP)]
        object.__setattr__(self, "by_number", dict(reversed(numbers)))
        object.__setattr__(self, "by_prefix", tuple(longest_first))
        object.__setattr__(self, "teams", tuple(teams))

    def is_short(self, disposition: str, wait_ms: int | None) -> bool:
        """Whether a caller who left did so within the office's short-abandon limit."""
        return disposition == "abandoned" and wait_ms is not None and wait_ms < self.short_abandon_ms


@dataclass(frozen=True, slots=True)
class QueueVisit:
    """One place that a caller waited in, of several: he was transferred, or sent on when its time was up."""

    queue: str
    t_enter: int
    t_agent_answer: int | None
    t_end: int | None
    disposition: str
    agent: str
    wait_ms: int | None
    talk_ms: int
    short: bool
    kind: str = QUEUE
    extension: str = ""  # whose phone had rung for it, as of a contact
    ring_ms: int | None = None
    hold_ms: int = 0


@dataclass(slots=True)
class Contact:
    """One customer attempt, or one internal or outbound call: the legs that served it and what came of it."""

    contact_id: str  # leg_id of its first leg
    office: str
    queue: str  # destination name, the extension for a direct call, "" where unknown
    did: str
    direction: str  # in | out | int | feature
    caller: str
    t_offer: int
    t_pbx_answer: int | None
    t_first_ring: int | None
    t_agent_answer: int | None
    t_end: int | None
    disposition: (
        str  # answered abandoned overflow voicemail blocked claimed_elsewhere open unknown; out, int: no_answer
    )
    agent: str  # extension that spoke with the customer first ("" nobody)
    extension: (
        str  # whose phone had rung for it: the agent's own unless a colleague picked it up; else the last that rang
    )
    wait_ms: int | None
    wait_basis: str  # caller | queue | ring
    ring_ms: int | None
    talk_ms: int
    hold_ms: int
    transfers: int
    rings: int  # phone legs that rang or were refused
    short: bool  # abandoned within the office's short-abandon limit
    correlation: str  # exact | heuristic | ambiguous
    visibility: str  # T1 (phones only) | T2 (trunk seen)
    ended_by: str = ""  # caller | agent | pbx | ""
    kind: str = ""  # kind of the destination (words above), "direct" for an extension's own number, "" unknown
    legs: tuple[str, ...] = ()  # leg_ids, in order of t_invite
    visits: tuple[QueueVisit, ...] = ()  # all places that it waited in, in order, where there were several; else empty

    def queue_visits(self) -> "list[Contact]":
        """One record for each place that the caller waited in: what queue KPIs count."""
        if not self.visits:
            return [self]
        return [self._as_visit(visit, number) for number, visit in enumerate(self.visits, 1)]

    def _as_visit(self, visit: QueueVisit, number: int) -> "Contact":
        is_first, served = number == 1, visit.t_agent_answer is not None
        return replace(
            self,
            contact_id=self.contact_id if is_first else f"{self.contact_id}/{number}",
            queue=visit.queue,
            kind=visit.kind,
            t_offer=visit.t_enter,
            t_pbx_answer=self.t_pbx_answer if is_first else None,
            t_first_ring=self.t_first_ring if is_first else None,
            t_agent_answer=visit.t_agent_answer,
            t_end=visit.t_end,
            disposition=visit.disposition,
            agent=visit.agent,
            extension=visit.extension,
            wait_ms=visit.wait_ms,
            wait_basis=self.wait_basis if is_first else "queue",
            ring_ms=visit.ring_ms,
            talk_ms=visit.talk_ms,
            hold_ms=visit.hold_ms,
            short=visit.short,
            transfers=self.transfers if served and visit.t_agent_answer == self.t_agent_answer else 0,
            visits=(),
        )


@dataclass(slots=True)
class Stitched:
    """What stitching said: the contacts, and the settled outcome word of every leg."""

    contacts: list[Contact]
    outcomes: dict[str, str]  # leg_id -> outcome word
    contact_of: dict[str, str]  # leg_id -> contact_id
