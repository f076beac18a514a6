"""What SIP event packages tell (RFC 6665): feature keys and agents, hints, mailboxes, voice quality.

Only bodies of the few types below are looked at, with `find`: no XML library runs on a board, and half a body still
says what stands in that half. A state is reported when it changes, not each time a phone or a PBX repeats it.
"""

from collector.core.addresses import text_of, user_in, user_of
from collector.core.events import (
    AFTER_CALL,
    BUSY,
    DND_OFF,
    DND_ON,
    FORWARD_OFF,
    FORWARD_ON,
    IDLE,
    LOGIN,
    LOGOUT,
    MESSAGES,
    NOT_READY,
    READY,
    StateTold,
    VoiceReported,
)
from collector.core.headers import CONTENT_TYPE
from collector.core.keys import call_key
from collector.core.message import Message
from collector.core.wire import MAX_TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from collector.core.events import Event
    from collector.core.hops import Hop
    from collector.core.parties import Parties
    from collector.core.registrar import Registrar

METHODS = {b"NOTIFY": 1, b"SUBSCRIBE": 1, b"PUBLISH": 1}
REGISTER = b"REGISTER"
OUTSIDE_CALLS = dict(METHODS)  # methods of messages that mean something without a call
OUTSIDE_CALLS[REGISTER] = 1
MAX_BODY_BYTES = 8192  # a feature NOTIFY with every event of BroadSoft's has three thousand
MAX_KNOWN = 1024  # last states kept, to tell a change from a repetition: two or three of each phone of an office
MAX_REASON = 32
MAX_COUNT = 9999  # messages in one mailbox

# element of application/x-as-feature-event+xml (after ECMA-323): what it says of the agent
_AGENT_EVENTS = (
    (b"AgentLoggedOnEvent", LOGIN),
    (b"AgentLoggedOffEvent", LOGOUT),
    (b"AgentReadyEvent", READY),
    (b"AgentNotReadyEvent", NOT_READY),
    (b"AgentWorkingAfterCallEvent", AFTER_CALL),
)
_AGENT_WISHES = {
    b"loggedon": LOGIN,
    b"loggedoff": LOGOUT,
    b"ready": READY,
    b"notready": NOT_READY,
    b"workingaftercall": AFTER_CALL,
}
_TOPIC_OF = {DND_ON: "d", DND_OFF: "d", FORWARD_ON: "f", FORWARD_OFF: "f", BUSY: "l", IDLE: "l", MESSAGES: "m"}


class PackageReader:
    """Turns bodies of SUBSCRIBE, NOTIFY and PUBLISH into events, appended to `events`."""

    def __init__(self, parties: "Parties", registrar: "Registrar", events: "list[Event]", max_known: int) -> None:
        # told which extension is in no call any more, and when
        self.idle_listener: Callable[[str, int], None] = _hear_nothing
        self._parties = parties
        self._registrar = registrar
        self._events = events
        self._max_known = min(max_known, MAX_KNOWN)
        # topic and extension: the state alone, where there is no more to it
        self._known: dict[str, str | tuple[str, int, str]] = {}
        self._readers = {
            b"application/x-as-feature-event+xml": self._read_features,
            b"multipart/mixed": self._read_features,  # BroadSoft's first NOTIFY: one part for each feature
            b"application/dialog-info+xml": self._read_dialogs,
            b"application/simple-message-summary": self._read_mailbox,
            b"application/vq-rtcpxr": self._read_voice,
        }

    def receive_request(self, message: Message, now_ms: int, hop: "Hop") -> None:
        """A SUBSCRIBE, NOTIFY or PUBLISH."""
        kind = message.header(CONTENT_TYPE)
        if not kind:
            return
        reader = self._readers.get(kind.partition(b";")[0].strip().lower())
        if reader is None:
            return
        body = message.body[:MAX_BODY_BYTES]
        if body:
            reader(message, body, now_ms, self._phone(message, hop))

    def _phone(self, message: Message, hop: "Hop") -> str:
        """The extension whose phone is notified, subscribes or publishes; "" where it is none of the office's."""
        if message.method == b"NOTIFY":
            user, address, port = user_in(message.to_value), hop.target, 0
        else:
            user, address, port = user_in(message.from_value), hop.source, hop.source_port
        if self._parties.is_extension(user):
            return user
        return self._registrar.extension_at(address, port, user_of(message.uri))

    def _tell(self, now_ms: int, extension: str, state: str, count: int, reason: str) -> None:
        """Reports a state that differs from the one before."""
        if not extension:
            return
        key = _TOPIC_OF.get(state, "a") + extension
        now = (state, count, reason) if count or reason else state
        if self._known.get(key) == now:
            return
        if len(self._known) >= self._max_known:
            self._known.clear()  # what is told again afterwards is no harm
        self._events.append(StateTold(now_ms, extension, state, count, reason))
        self._known[key] = now

    # --- as-feature-event: the phone's own keys, and the PBX's word ---

    def _read_features(self, message: Message, body: bytes, now_ms: int, phone: str) -> None:
        for element in _elements(body, b"DoNotDisturbEvent", b"SetDoNotDisturb"):
            self._tell_switch(now_ms, element, phone, _text(element, b"doNotDisturbOn"), DND_ON, DND_OFF)
        for element in _elements(body, b"ForwardingEvent", b"SetForwarding"):
            if _text(element, b"forwardingType").lower() in (b"", b"forwardimmediate"):  # the others ring first
                value = _text(element, b"forwardStatus") or _text(element, b"activateForward")
                self._tell_switch(now_ms, element, phone, value, FORWARD_ON, FORWARD_OFF)
        for element in _elements(body, b"SetAgentState", b""):
            wish = _AGENT_WISHES.get(_text(element, b"requestedAgentState").lower())
            if wish is not None:
                self._tell(now_ms, self._device(element, phone), wish, 0, _reason(element))
        for name, state in _AGENT_EVENTS:
            for element in _elements(body, name, b""):
                self._tell(now_ms, self._device(element, phone), state, 0, _reason(element))

    def _tell_switch(self, now_ms: int, element: bytes, phone: str, value: bytes, on: str, off: str) -> None:
        """Something was switched on or off; a value that was cut short says neither."""
        state = {b"true": on, b"false": off}.get(value.lower())
        if state is not None:
            self._tell(now_ms, self._device(element, phone), state, 0, "")

    def _device(self, element: bytes, phone: str) -> str:
        """Whose state it is: the device that the element names, where that is an extension, else the phone's."""
        at = element.find(b"<device")
        end = element.find(b"</device>", at)
        if at < 0 or end < 0:
            return phone
        name = element[element.find(b">", at) + 1 : end]
        name = name[name.find(b">") + 1 :].partition(b"<")[0].strip()  # of <deviceIdentifier>, where there is one
        user = user_of(name) or text_of(name)
        return user if user and self._parties.is_extension(user) else phone

    # --- dialog-info (RFC 4235): hints of feature codes, and lines whose calls are not seen here ---

    def _read_dialogs(self, message: Message, body: bytes, now_ms: int, phone: str) -> None:
        entity = user_of(_attribute(body, b"entity"))[:MAX_TEXT]
        states = [_text(element, b"state").lower() for element in _elements(body, b"dialog", b"")]
        if self._parties.is_feature_code(entity) or self._is_line_elsewhere(entity):
            self._tell(now_ms, entity, BUSY if b"confirmed" in states else IDLE, 0, "")
        elif _attribute(body, b"state") == b"full" and states.count(b"terminated") == len(states):
            self.idle_listener(entity, now_ms)

    def _is_line_elsewhere(self, entity: str) -> bool:
        """True for an extension whose phone does not register here: the others are known by their calls.

        One that was told busy is told idle too, though its phone is back.
        """
        if self._known.get("l" + entity) == BUSY:
            return True
        return self._parties.is_extension(entity) and not self._registrar.is_registered(entity)

    # --- message-summary (RFC 3842) ---

    def _read_mailbox(self, message: Message, body: bytes, now_ms: int, phone: str) -> None:
        low = body.lower()
        count = _leading_number(_line(low, b"voice-message"), -1)
        if count < 0:  # no summary line: only whether anything waits
            count = 1 if _line(low, b"messages-waiting")[:3] == b"yes" else 0
        self._tell(now_ms, phone, MESSAGES, min(count, MAX_COUNT), "")

    # --- vq-rtcpxr (RFC 6035) ---

    def _read_voice(self, message: Message, body: bytes, now_ms: int, phone: str) -> None:
        low = body.lower()
        if not phone or low[:15] != b"vqsessionreport":  # not the alerts and the reports of a call that goes on
            return
        remote = low.find(b"\nremotemetrics:")
        local = low[: remote if remote >= 0 else len(low)]
        call_id = _line(low, b"callid")
        at = low.find(call_id) if call_id else -1
        report = VoiceReported(now_ms, phone, call_key(body[at : at + len(call_id)]) if at >= 0 else b"")
        quality = b" " + _line(local, b"qualityest")
        report.mos_lq = _mean_opinion(_value(quality, b" moslq="))
        report.mos_cq = _mean_opinion(_value(quality, b" moscq="))
        report.loss = _hundredths(_value(b" " + _line(local, b"packetloss"), b" nlr="))
        delay = b" " + _line(local, b"delay")
        report.delay_ms = _whole(_value(delay, b" rtd="))
        report.jitter_ms = _whole(_value(delay, b" iaj="))
        if report.mos_lq is not None or report.mos_cq is not None or report.loss is not None:
            self._events.append(report)


def _hear_nothing(extension: str, now_ms: int) -> None:
    """Nobody wants to know."""


# --- XML, as far as it is needed ---


def _elements(body: bytes, name: bytes, other: bytes) -> "Iterator[bytes]":
    """Each element of one of two names, with or without a prefix, its content included."""
    for wanted in (name, other) if other else (name,):
        at = body.find(wanted)
        while at >= 0:
            end = at + len(wanted)
            follows = body[end : end + 1]
            begins = follows in (b">", b"/") or follows.isspace()
            if begins and body[at - 1 : at] in (b"<", b":") and not _closes(body, at):
                close = _closing(body, wanted, end)
                yield body[at:close]
                end = close
            at = body.find(wanted, end)


def _closes(body: bytes, at: int) -> bool:
    """True for the name of an end tag."""
    return body[body.rfind(b"<", 0, at) : at][1:2] == b"/"


def _closing(body: bytes, name: bytes, start: int) -> int:
    """Where the element's end tag begins; its start tag's end where it has no content, the body's where it is cut."""
    opened = body.find(b">", start)
    if opened >= 0 and body[opened - 1 : opened] == b"/":
        return opened
    at = body.find(name + b">", start)
    while at >= 0 and not _closes(body, at):
        at = body.find(name + b">", at + 1)
    return at if at >= 0 else len(body)


def _text(element: bytes, name: bytes) -> bytes:
    """The text of the first element of that name within another; b"" where it is missing."""
    for found in _elements(element, name, b""):
        at = found.find(b">")
        return found[at + 1 :].partition(b"<")[0].strip() if at >= 0 else b""
    return b""


def _attribute(body: bytes, name: bytes) -> bytes:
    """The value of the first attribute of that name."""
    at = body.find(name + b"=")
    quote = body[at + len(name) + 1 : at + len(name) + 2] if at >= 0 else b""
    if quote not in (b'"', b"'"):
        return b""
    start = at + len(name) + 2
    return body[start : body.find(quote, start)]


def _reason(element: bytes) -> str:
    """Why an agent is not ready, as the PBX names it."""
    return text_of(_text(element, b"agentNotReadyReasonValue") or _text(element, b"reason"))[:MAX_REASON]


# --- lines of `Name: value` ---


def _line(low: bytes, name: bytes) -> bytes:
    """The value of a line `name: value`, all in lower case; b"" where it is missing."""
    at = low.find(name + b":")
    while at > 0 and low[at - 1 : at] != b"\n":
        at = low.find(name + b":", at + 1)
    if at < 0:
        return b""
    end = low.find(b"\n", at)
    return low[at + len(name) + 1 : end if end >= 0 else len(low)].strip()


def _value(line: bytes, name: bytes) -> bytes:
    """What stands behind ` name=` up to the next blank."""
    at = line.find(name)
    if at < 0:
        return b""
    start = at + len(name)
    end = line.find(b" ", start)
    return line[start : end if end >= 0 else len(line)]


def _leading_number(value: bytes, otherwise: int) -> int:
    """`2/8 (0/2)` -> 2."""
    digits = value.partition(b"/")[0].strip()
    return int(digits) if digits.isdigit() and len(digits) < 6 else otherwise


def _hundredths(value: bytes) -> int | None:
    """`4.2` -> 420; None for what is no number of that kind."""
    whole, _, fraction = value.partition(b".")
    fraction = (fraction + b"00")[:2]
    if not whole.isdigit() or not fraction.isdigit() or len(whole) > 5:
        return None
    return int(whole) * 100 + int(fraction)


def _whole(value: bytes) -> int | None:
    found = _hundredths(value)
    return None if found is None else found // 100


def _mean_opinion(value: bytes) -> int | None:
    """Hundredths of a mean opinion score, 1 to 5; 12.7 is RFC 3611's word for not known."""
    found = _hundredths(value)
    return found if found is not None and 100 <= found <= 500 else None
