"""What happened at the tap: the kinds of event the core reports, and their fields.

Every time is an integer of milliseconds on the timeline of the packets (the host decides where its zero is, see
`collector.service`); None where it did not happen. The written form of each event stands in `wire.py`.
"""

ROLE_OTHER = "other"  # neither side is known: shown, never counted as a customer contact
ROLE_PHONE = "phone"  # one side of the leg is an extension of this office
ROLE_TRUNK = "trunk"  # between the PBX and a carrier (or a hosted PBX's number side)
ROLES = (ROLE_OTHER, ROLE_PHONE, ROLE_TRUNK)

DIRECTION_UNKNOWN = ""
DIRECTION_IN = "in"  # towards the office (trunk leg) or towards the extension, from outside (phone leg)
DIRECTION_OUT = "out"  # from the extension, or from the office to the carrier
DIRECTION_INTERNAL = "int"  # both ends are extensions
DIRECTIONS = (DIRECTION_UNKNOWN, DIRECTION_IN, DIRECTION_OUT, DIRECTION_INTERNAL)

ENDED_BY_NOBODY = ""  # no end was seen, or a time-out decided; or a proxy gave a phone up while the caller waited on
ENDED_BY_CALLER = "caller"  # the side that sent the INVITE sent the BYE or the CANCEL
ENDED_BY_CALLEE = "callee"  # the side that received the INVITE sent the BYE or the final refusal
ENDERS = (ENDED_BY_NOBODY, ENDED_BY_CALLER, ENDED_BY_CALLEE)

TRANSFER_NONE = ""
TRANSFER_BLIND = "blind"  # REFER without Replaces (RFC 5589 section 6)
TRANSFER_ATTENDED = "attended"  # REFER with Replaces (RFC 5589 section 7)
TRANSFERS = (TRANSFER_NONE, TRANSFER_BLIND, TRANSFER_ATTENDED)

TRANSPORT_UNKNOWN = ""
TRANSPORTS = (TRANSPORT_UNKNOWN, "udp", "tcp", "tls", "ws")

# what an event package told of an extension (`StateTold.state`)
DND_ON = "dnd_on"  # as-feature-event: do not disturb, call forwarding, the agent's own word
DND_OFF = "dnd_off"
FORWARD_ON = "forward_on"  # every call is forwarded at once
FORWARD_OFF = "forward_off"
LOGIN = "login"
LOGOUT = "logout"
READY = "ready"
NOT_READY = "not_ready"
AFTER_CALL = "after_call"
BUSY = "busy"  # dialog-info (RFC 4235): a line, or the hint of a feature code
IDLE = "idle"
MESSAGES = "messages"  # message-summary (RFC 3842): `count` new ones in the extension's mailbox
TOLD = ("", DND_ON, DND_OFF, FORWARD_ON, FORWARD_OFF, LOGIN, LOGOUT, READY, NOT_READY, AFTER_CALL, BUSY, IDLE, MESSAGES)


class LegEnded:
    """One leg is over (or was given up): everything a KPI needs of it.

    A leg is one attempt to connect two SIP endpoints: one INVITE dialog, or one branch of a forked INVITE.
    Facts only; the words that need sibling legs (answered elsewhere, no answer, caller gone) are the sink's.
    What did not happen stays the class's default, so that it costs a leg on a small board no memory.
    """

    invite_ms: int  # first INVITE, the one that was challenged for credentials included
    call_key: bytes  # first 6 bytes of SHA-256 of the Call-ID
    call_id: bytes = b""  # the Call-ID itself: known where the packets were seen, never written to the wire
    role: str = ROLE_OTHER
    direction: str = DIRECTION_UNKNOWN
    extension: str = ""  # the office's extension at one end; "" on a trunk leg
    caller: str = ""  # normalised E.164 digits, an extension, or "" where anonymous
    callee: str = ""  # dialled: DID on an incoming trunk leg, extension, number, or feature code
    ring_ms: int | None = None  # first 18x other than 100
    answer_ms: int | None = None  # 2xx to the INVITE
    end_ms: int | None = None  # BYE, final refusal or CANCEL; None: still up when watching ended
    final_code: int = 0  # final status of the INVITE; 0: none seen
    cancelled: bool = False  # the caller's side sent CANCEL
    ended_by: str = ENDED_BY_NOBODY
    reason_sip: int = 0  # Reason: SIP;cause= on the CANCEL or BYE (RFC 3326); 0: none
    reason_q850: int | None = None  # Reason: Q.850;cause= ; 0 is a value that Asterisk sends
    hold_ms: int = 0  # time on hold by either side
    holds: int = 0
    transfer: str = TRANSFER_NONE
    refer_to: str = ""  # number or extension the REFER named
    replaces_key: bytes = b""  # call_key of the dialog that this INVITE, or this leg's REFER, replaces
    connected: str = ""  # last P-Asserted-Identity or Remote-Party-ID after the INVITE: who is really there
    diverted_by: str = ""  # last Diversion or History-Info number; target of a 3xx on the refused leg
    session_key: bytes = b""  # first 6 bytes of SHA-256 of Session-ID or of a configured correlation header
    digits: str = ""  # keypad digits (SIP INFO, RFC 4733), only on numbers configured for it
    transport: str = TRANSPORT_UNKNOWN
    retransmissions: int = 0
    bye_response_ms: int | None = None  # BYE to its final response, a duration (RFC 6076 section 4.4)
    bye_code: int = 0  # final status of the BYE where that was no 2xx; 0: it was, or none was seen
    hold_at_end_ms: int = 0  # of hold_ms: the hold that the end of the call cut off; 0: nobody was on hold then
    digit_after_ms: int = 0  # from the INVITE to the first of `digits`; 0: there was none
    partial: bool = False  # joined in the middle, or no end was seen

    def __init__(self, invite_ms: int, call_key: bytes) -> None:
        self.invite_ms = invite_ms
        self.call_key = call_key


class RegistrationChanged:
    """An extension's (or the PBX's trunk) registration came, went or ran out."""

    __slots__ = ("at_ms", "extension", "registered", "role")

    def __init__(self, at_ms: int, role: str, extension: str, registered: bool) -> None:
        self.at_ms = at_ms
        self.role = role  # ROLE_PHONE, or ROLE_TRUNK where the PBX registers with a carrier
        self.extension = extension
        self.registered = registered


class StateTold:
    """An event package (RFC 6665) told a new state of an extension, of its mailbox, or of a feature code's hint."""

    __slots__ = ("at_ms", "count", "extension", "reason", "state")

    def __init__(self, at_ms: int, extension: str, state: str, count: int, reason: str) -> None:
        self.at_ms = at_ms
        self.extension = extension  # as named there: an extension, or a feature code such as *46101
        self.state = state  # one of TOLD
        self.count = count  # new messages
        self.reason = reason  # of NOT_READY, in the PBX's words


class VoiceReported:
    """How a call sounded at an extension's phone, by its own report at the end of the call (RFC 6035)."""

    at_ms: int
    extension: str
    call_key: bytes  # of the call's Call-ID, as in LegEnded
    mos_lq: int | None = None  # mean opinion score of listening, hundredths: 100 to 500
    mos_cq: int | None = None  # of conversing, delay and echo included
    loss: int | None = None  # packets lost in the network, hundredths of a percent
    delay_ms: int | None = None  # round trip
    jitter_ms: int | None = None  # between arrivals

    def __init__(self, at_ms: int, extension: str, call_key: bytes) -> None:
        self.at_ms = at_ms
        self.extension = extension
        self.call_key = call_key


class RegistersCounted:
    """How REGISTERs of an extension (or of the PBX at its carrier) fared for some minutes (RFC 6076 4.1 and 4.2)."""

    __slots__ = ("attempts", "code", "delays", "extension", "failed", "from_ms", "role", "until_ms")

    def __init__(self, from_ms: int, role: str, extension: str) -> None:
        self.from_ms = from_ms  # the first attempt ended then
        self.until_ms = from_ms  # and the last
        self.role = role
        self.extension = extension  # "" for all those beyond the table's bound
        self.attempts = 0  # a challenge and its answer are one attempt
        self.failed = 0
        self.code = 0  # final status of the last one that failed; 0: never answered
        self.delays = b""  # milliseconds from the first REGISTER to the 2xx, two bytes each, of those that succeeded


class GapObserved:
    """From `from_ms` to `until_ms` the tap was blind, or events were dropped: `count` says how many, if known."""

    __slots__ = ("count", "from_ms", "reason", "until_ms")

    def __init__(self, from_ms: int, until_ms: int, reason: str, count: int) -> None:
        self.from_ms = from_ms
        self.until_ms = until_ms
        self.reason = reason
        self.count = count


class HealthReported:
    """How the tap fares: counters since its start, by name (see `counters.py`), and gauges of the host."""

    __slots__ = ("at_ms", "counters")

    def __init__(self, at_ms: int, counters: dict[str, int]) -> None:
        self.at_ms = at_ms
        self.counters = counters


TYPE_CHECKING = False
if TYPE_CHECKING:  # a device cannot join classes with |
    Event = LegEnded | RegistrationChanged | StateTold | VoiceReported | RegistersCounted | GapObserved | HealthReported
