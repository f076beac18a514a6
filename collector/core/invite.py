"""Reading an INVITE into the facts of a leg: who calls whom, and by which headers that is known."""

from collector.core.addresses import uri_user_of, user_in
from collector.core.events import ROLE_PHONE, ROLE_TRUNK, LegEnded
from collector.core.hops import Hop
from collector.core.keys import call_key
from collector.core.message import (
    DIVERSION,
    HISTORY_INFO,
    P_ASSERTED_IDENTITY,
    PRIVACY,
    REMOTE_PARTY_ID,
    REPLACES,
    SESSION_ID,
    Message,
)
from collector.core.midcall import replaced_key
from collector.core.numbers import NumberingPlan, normalise
from collector.core.parties import Parties
from collector.core.wire import MAX_TEXT

_ANONYMOUS = ("anonymous", "restricted", "unavailable", "unknown", "private")


class InviteReader:
    """Turns INVITEs into facts, with the office's parties and numbering plan."""

    def __init__(
        self, parties: Parties, plan: NumberingPlan, correlation_header: str, digit_numbers: tuple[str, ...]
    ) -> None:
        self._parties = parties
        self._plan = plan
        self._digit_numbers = {normalise(number, plan): 1 for number in digit_numbers}
        name = correlation_header.lower()
        self._correlation = (b"\r\n" + bytes(name, "utf-8"),) if name else SESSION_ID

    def read(self, message: Message, now_ms: int, hop: Hop) -> tuple[LegEnded, str, bool]:
        """(facts, target's name, whether INFO digits are kept) of an INVITE that went over `hop`."""
        facts = LegEnded(now_ms, message.call_key)
        facts.call_id = message.call_id
        called_as_written = user_in(message.to_value)
        called = self._number(called_as_written)
        uri_user = uri_user_of(message)
        uri_user = called if uri_user == called_as_written else self._number(uri_user)
        facts.caller = self._caller(message)
        facts.role, facts.direction, facts.extension, facts.callee = self._parties.classify(
            hop.source, hop.source_port, hop.target, hop.target_port, facts.caller, uri_user, called
        )
        low = message.low
        if low.find(REPLACES[0]) >= 0:
            facts.replaces_key = replaced_key(message.header(REPLACES))
        if low.find(self._correlation[0]) >= 0:
            correlation = message.header(self._correlation)
            facts.session_key = call_key(correlation.partition(b";")[0]) if correlation else b""
        if low.find(DIVERSION[0]) >= 0 or low.find(HISTORY_INFO[0]) >= 0:
            diverted = message.header(DIVERSION) or _diverting_entry(message.headers(HISTORY_INFO))
            facts.diverted_by = self._number(user_in(diverted))
        return facts, facts.callee or _address_name(hop.target), facts.callee in self._digit_numbers

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
        low = message.low
        if low.find(P_ASSERTED_IDENTITY[0]) < 0 and low.find(REMOTE_PARTY_ID[0]) < 0:
            return
        identity = message.header(P_ASSERTED_IDENTITY) or message.header(REMOTE_PARTY_ID)
        if identity:
            number = self._number(user_in(identity))
            if number and number.lower() not in _ANONYMOUS:
                facts.connected = number

    def _caller(self, message: Message) -> str:
        """P-Asserted-Identity, else Remote-Party-ID, else From; "" for who asked to stay unnamed (RFC 3323)."""
        from_value = message.from_value
        from_user = user_in(from_value)
        low = message.low
        if from_value.lower().find(b"@anonymous.invalid") >= 0:
            return ""
        if not from_user.isdigit() and from_user.lower() in _ANONYMOUS:
            return ""
        if low.find(PRIVACY[0]) >= 0 and _asks_for_privacy(message.header(PRIVACY).lower()):
            return ""
        if low.find(P_ASSERTED_IDENTITY[0]) < 0 and low.find(REMOTE_PARTY_ID[0]) < 0:
            return self._number(from_user)
        identity = message.header(P_ASSERTED_IDENTITY) or message.header(REMOTE_PARTY_ID)
        return self._number(user_in(identity) or from_user)

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
