"""Reading an INVITE into the facts of a leg: who calls whom, and by which headers that is known."""

from collector.core.addresses import uri_user_of, user_in
from collector.core.events import ROLE_PHONE, ROLE_TRUNK, TRANSPORTS, LegEnded
from collector.core.headers import (
    CONTACT,
    DIVERSION,
    EXTRAS,
    HISTORY_INFO,
    P_ASSERTED_IDENTITY,
    PRIVACY,
    REMOTE_PARTY_ID,
    REPLACES,
    SESSION_ID,
)
from collector.core.hops import Hop
from collector.core.keys import call_key
from collector.core.message import Message
from collector.core.midcall import replaced_key
from collector.core.numbers import NumberingPlan, normalise
from collector.core.parties import Parties
from collector.core.wire import MAX_TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    Key = tuple[Hop, str, bytes, bytes]
    Known = tuple[str, str, str, str, str, str, bool]

MAX_REMEMBERED = 1024  # callers, as many called, and who calls whom, of an office's day; 200 to 400 KB each
MAX_REMEMBERED_BYTES = 200
_ANONYMOUS = ("anonymous", "restricted", "unavailable", "unknown", "private")


class InviteReader:
    """Turns INVITEs into facts, with the office's parties and numbering plan."""

    def __init__(
        self,
        parties: Parties,
        plan: NumberingPlan,
        correlation_header: str,
        digit_numbers: tuple[str, ...],
        remembered: int = MAX_REMEMBERED,
    ) -> None:
        self._parties = parties
        self._plan = plan
        self._digit_numbers = {normalise(number, plan): 1 for number in digit_numbers}
        name = correlation_header.lower()
        self._correlation = (b"\r\n" + bytes(name, "utf-8"),) if name else SESSION_ID
        EXTRAS.note(self._correlation)
        # Who calls and who is called are mostly the same few; at most `remembered` of each, and of both, are kept.
        self._remembered = remembered
        self._called: dict[bytes, str] = {}  # To value, request line, identity -> number
        # over which hop, caller, request line, To value -> what `_classify` says, until another phone registers
        self._known: dict[Key, Known] = parties.worked_out
        self._callers: dict[bytes, tuple[bool, str]] = {}  # From value without its tag -> (unnamed?, number)

    def read(self, message: Message, now_ms: int, hop: Hop) -> tuple[LegEnded, str, bool]:
        """(facts, target's name, whether INFO digits are kept) of an INVITE that went over `hop`."""
        asked, _, from_value, to_value = message.front()
        if message.status:  # a redirection's Contact is somebody else
            asked = message.header(CONTACT) if message.status < 300 else b""
        extras = message.extras()
        call_id = message.call_id
        facts = LegEnded(now_ms, call_key(call_id))
        facts.call_id = call_id
        facts.caller = caller = self._caller(from_value, extras)
        key = (hop, caller, asked, to_value)
        known = self._known.get(key)
        if known is None:
            known = self._classify(key, message)
        facts.role, facts.direction, facts.extension, facts.callee, facts.transport, name, records_digits = known
        if extras:
            self._read_extras(facts, message, extras)
        return facts, name, records_digits

    def _classify(self, key: "Key", message: Message) -> "Known":
        """(role, direction, extension, callee, transport, target's name, whether INFO digits are kept); remembered.

        Where the INVITE was lost, its response's Contact stands for the request line.
        """
        hop, caller, request_line, to_value = key
        called = self._called.get(to_value)
        if called is None:
            called = self._remember_called(to_value, user_in(to_value))
        uri_user = self._answering(hop, request_line) if message.status else self._called.get(request_line)
        if uri_user is None:
            uri_user = self._remember_called(request_line, uri_user_of(message))
        role, direction, extension, callee = self._parties.classify(
            hop.source, hop.source_port, hop.target, hop.target_port, caller, uri_user, called
        )
        name = callee or _address_name(hop.target)
        transport = TRANSPORTS[hop.transport]
        found = (role, direction, extension, callee, transport, name, callee in self._digit_numbers)
        if len(self._known) >= self._remembered:
            self._known.clear()
        if self._remembered and len(request_line) + len(to_value) <= 2 * MAX_REMEMBERED_BYTES:
            self._known[key] = found
        return found

    def _answering(self, hop: Hop, contact: bytes) -> str:
        """The extension that a phone's response names in its Contact, which is what its INVITE was sent to."""
        user = "" if self._parties.is_pbx(hop.target) else user_in(contact)
        return user if self._parties.is_extension(user) else ""

    def _read_extras(self, facts: LegEnded, message: Message, extras: dict[bytes, bytes]) -> None:
        """What an INVITE says of other calls: which it replaces, belongs to, was diverted from."""
        if REPLACES[0] in extras:
            facts.replaces_key = replaced_key(extras[REPLACES[0]])
        correlation = extras.get(self._correlation[0])
        if correlation:
            facts.session_key = call_key(correlation.partition(b";")[0])
        if DIVERSION[0] in extras or HISTORY_INFO[0] in extras:
            diverted = extras.get(DIVERSION[0]) or _diverting_entry(message.headers(HISTORY_INFO))
            facts.diverted_by = self._number(user_in(diverted))

    def refine(self, facts: LegEnded, further: LegEnded) -> None:
        """A later hop or try of the same leg: what it knows better (the phone behind a proxy) replaces a guess."""
        rings_here = further.role == ROLE_PHONE and further.extension == further.callee
        if rings_here and facts.role != ROLE_TRUNK and facts.extension != further.extension:
            facts.extension = further.extension
            facts.role = further.role
            facts.direction = further.direction
        if not facts.caller:
            facts.caller = further.caller

    def read_connected(self, facts: LegEnded, message: Message) -> None:
        """Who is really there: P-Asserted-Identity or Remote-Party-ID of a 2xx, re-INVITE or UPDATE (RFC 3325)."""
        identity = message.rare_header(P_ASSERTED_IDENTITY) or message.rare_header(REMOTE_PARTY_ID)
        if identity:
            number = self._identified(identity)
            if number and number.lower() not in _ANONYMOUS:
                facts.connected = number

    def _caller(self, from_value: bytes, extras: dict[bytes, bytes]) -> str:
        """P-Asserted-Identity, else Remote-Party-ID, else From; "" for who asked to stay unnamed (RFC 3323)."""
        address, _, tag = from_value.rpartition(b";tag=")
        if address[-1:] != b">" or tag.find(b">") >= 0:
            address = from_value
        known = self._callers.get(address) or self._remember_caller(address)
        unnamed, number = known
        if unnamed or not extras:
            return number
        if _asks_for_privacy(extras.get(PRIVACY[0], b"").lower()):
            return ""
        identity = extras.get(P_ASSERTED_IDENTITY[0]) or extras.get(REMOTE_PARTY_ID[0])
        return (self._identified(identity) if identity else "") or number

    def _identified(self, identity: bytes) -> str:
        """The number of who is named in a P-Asserted-Identity or Remote-Party-ID value."""
        number = self._called.get(identity)
        return self._remember_called(identity, user_in(identity)) if number is None else number

    def _remember_caller(self, address: bytes) -> tuple[bool, str]:
        """(True where the caller asked to stay unnamed, number) of a From value."""
        user = user_in(address)
        unnamed = user.lower() in _ANONYMOUS or b"@anonymous.invalid" in address.lower()
        found = (unnamed, "" if unnamed else self._number(user))
        if len(self._callers) >= self._remembered:
            self._callers.clear()
        if self._remembered and len(address) <= MAX_REMEMBERED_BYTES:
            self._callers[address] = found
        return found

    def _remember_called(self, text: bytes, user: str) -> str:
        """The number of a called user, found in `text`."""
        number = self._number(user)
        if len(self._called) >= self._remembered:
            self._called.clear()
        if self._remembered and len(text) <= MAX_REMEMBERED_BYTES:
            self._called[text] = number
        return number

    def _number(self, user: str) -> str:
        number = normalise(user, self._plan)
        return number if len(number) <= MAX_TEXT else number[:MAX_TEXT]


def _asks_for_privacy(value: bytes) -> bool:
    """RFC 3323 section 4.2, RFC 3325 section 9.3: the identity shall not be shown."""
    return value.find(b"id") >= 0 or value.find(b"user") >= 0 or value.find(b"full") >= 0


def _diverting_entry(values: list[bytes]) -> bytes:
    """The last but one entry of a History-Info list (RFC 7044): the last is where the call is now."""
    entries = [entry for value in values for entry in value.split(b",")]
    return entries[-2].strip() if len(entries) > 1 else b""


def _address_name(address: bytes) -> str:
    return ".".join([str(byte) for byte in address])
