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

ENDED_BY_NOBODY = ""  # no end was seen, or a time-out decided
ENDED_BY_CALLER = "caller"  # the side that sent the INVITE sent the BYE or the CANCEL
ENDED_BY_CALLEE = "callee"  # the side that received the INVITE sent the BYE or the final refusal
ENDERS = (ENDED_BY_NOBODY, ENDED_BY_CALLER, ENDED_BY_CALLEE)

TRANSFER_NONE = ""
TRANSFER_BLIND = "blind"  # REFER without Replaces (RFC 5589 section 6)
TRANSFER_ATTENDED = "attended"  # REFER with Replaces (RFC 5589 section 7)
TRANSFERS = (TRANSFER_NONE, TRANSFER_BLIND, TRANSFER_ATTENDED)

TRANSPORT_UNKNOWN = ""
TRANSPORTS = (TRANSPORT_UNKNOWN, "udp", "tcp", "tls", "ws")


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
    digits: str = ""  # SIP INFO digits, only on numbers configured for it
    transport: str = TRANSPORT_UNKNOWN
    retransmissions: int = 0
    bye_response_ms: int | None = None  # BYE to its 2xx, a duration (RFC 6076 section 4.4)
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
