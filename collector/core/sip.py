"""Reading one SIP message: only what the tracker needs, and each header only when it is asked for (RFC 3261).

A message is kept as received. Call-ID and CSeq are looked for as nearly everybody writes them; any other header, case,
compact form (RFC 3261 section 7.3.3), white space before the colon or folded line is found in a lower-cased copy of
the head, made once and only where it is needed.
"""

from binascii import crc32

from collector.core.keys import SMALL, call_key

MAX_CALL_ID_BYTES = 512  # RFC 4475's longest valid one has 150; each open leg keeps its own
STATUS_SHIFT = 20  # in a mark: the status takes the uppermost ten of its thirty bits
MAX_TAG_BYTES = 128  # tags and branches are cut here: a kilobyte of tag must not cost a kilobyte a leg

# header name as it is searched: (long form, compact form)
CALL_ID = (b"\r\ncall-id", b"\r\ni")
CONTACT = (b"\r\ncontact", b"\r\nm")
CONTENT_LENGTH = (b"\r\ncontent-length", b"\r\nl")
CONTENT_TYPE = (b"\r\ncontent-type", b"\r\nc")
CSEQ = (b"\r\ncseq",)
DIVERSION = (b"\r\ndiversion",)
EXPIRES = (b"\r\nexpires",)
FROM = (b"\r\nfrom", b"\r\nf")
HISTORY_INFO = (b"\r\nhistory-info",)
P_ASSERTED_IDENTITY = (b"\r\np-asserted-identity",)
PRIVACY = (b"\r\nprivacy",)
REASON = (b"\r\nreason",)
REFER_TO = (b"\r\nrefer-to", b"\r\nr")
REMOTE_PARTY_ID = (b"\r\nremote-party-id",)
REPLACES = (b"\r\nreplaces",)
RETRY_AFTER = (b"\r\nretry-after",)
SESSION_EXPIRES = (b"\r\nsession-expires", b"\r\nx")
SESSION_ID = (b"\r\nsession-id",)
TO = (b"\r\nto", b"\r\nt")
VIA = (b"\r\nvia", b"\r\nv")

_COLON = 58
_SPACE = 32
_BLANKS = (_SPACE, 9)  # space and tab: white space within a line, or the mark of a folded one


class MalformedMessage(Exception):
    """SIP by its first line, but a header without which nothing can be said is missing or unreadable."""


class Message:
    """One request or response.

    `method` of a request or, for a response, of the request that it answers; `uri` of a request; `status` of a
    response, 0 for a request. `seen` bytes of `data` are known to belong to the head; where it ends is found out when
    somebody asks, since half of a call's messages need no more.
    """

    # what nobody asked for yet stays the class's default
    _low: bytes = b""
    _from: bytes | None = None
    _to: bytes | None = None
    _key: bytes = b""
    _head_end: int = 0

    def __init__(
        self,
        data: bytes,
        seen: int,
        method: bytes,
        status: int,
        call_id: bytes = b"",
        cseq: int = 0,
        mark: int = 0,
    ) -> None:
        self.data = data
        self.seen = seen
        self.is_request = status == 0
        self.method = method
        self.status = status
        self.call_id = call_id
        self.cseq = cseq
        self.mark = mark  # the same for every copy of the message, another one for any other message of its call

    @property
    def first_line_end(self) -> int:
        """Where the first line's line end is."""
        return self.data.find(b"\r\n")

    @property
    def head_end(self) -> int:
        """Where the empty line behind the head begins; one that was cut off is added to `data`."""
        end = self._head_end
        if not end:
            end = self.data.find(b"\r\n\r\n", self.seen)
            if end < 0:
                end = len(self.data)
                self.data += b"\r\n\r\n"
            self._head_end = end
        return end

    @property
    def first_line(self) -> bytes:
        """Request line or status line, without its line end."""
        return self.data[: self.first_line_end]

    @property
    def uri(self) -> bytes:
        """The Request-URI (b"" for a response); a URI with white space in it is taken whole."""
        if not self.is_request:
            return b""
        line = self.data[len(self.method) + 1 : self.first_line_end].rstrip()
        return line[:-8].strip() if line[-8:] == b" SIP/2.0" else line[: line.rfind(b" ")].strip()

    @property
    def body(self) -> bytes:
        """What follows the empty line, up to Content-Length where that says less (RFC 3261 section 18.3)."""
        start = self.head_end + 4
        length = self.header(CONTENT_LENGTH)
        if length.isdigit() and len(length) < 6:
            return self.data[start : start + int(length)]
        return self.data[start:]

    @property
    def call_key(self) -> bytes:
        """The Call-ID in short (`keys.call_key`)."""
        key = self._key
        if not key:
            key = self._key = call_key(self.call_id)
        return key

    @property
    def from_value(self) -> bytes:
        """The From header's value."""
        value = self._from
        if value is None:
            value = self._from = self._usual_value(b"\r\nFrom: ") or self.header(FROM)
        return value

    @property
    def to_value(self) -> bytes:
        """The To header's value."""
        value = self._to
        if value is None:
            value = self._to = self._usual_value(b"\r\nTo: ") or self.header(TO)
        return value

    @property
    def via_value(self) -> bytes:
        """The topmost Via header's value."""
        return self._usual_value(b"\r\nVia: ") or self.header(VIA)

    def _usual_value(self, name: bytes) -> bytes:
        """The value of a header that is written as nearly everybody does, on one line; b"" else."""
        data = self.data
        at = data.find(name)
        if at < 0 or (at > self.seen and at > self.head_end):
            return b""
        end = data.find(b"\r\n", at + 2)
        return b"" if data[end + 2] in _BLANKS else data[at + len(name) : end].strip()

    @property
    def low(self) -> bytes:
        """The head in lower case, its empty line included: searching it is cheaper than asking for a value."""
        if not self._low:
            end = self.head_end + 4
            self._low = self.data[:end].lower()
        return self._low

    def header(self, name: tuple[bytes, ...]) -> bytes:
        """The first value of a header, stripped; b"" where it is missing."""
        low = self._low
        if not low:
            low = self.low
        for key in name:
            at = low.find(key)
            while at >= 0:
                start = at + len(key)
                if low[start] == _COLON:
                    end = low.find(b"\r\n", start)
                    if low[end + 2] not in _BLANKS:
                        return self.data[start + 1 : end].strip()
                    return self._folded_value(start)
                if _is_blank_to_colon(low, start):
                    return self._folded_value(start)
                at = low.find(key, start)
        return b""

    def headers(self, name: tuple[bytes, ...]) -> list[bytes]:
        """Every value of a header, in order, long form before compact; values joined by commas stay joined."""
        low = self._low
        if not low:
            low = self.low
        values = []
        for key in name:
            at = low.find(key)
            while at >= 0:
                start = at + len(key)
                if low[start] == _COLON or _is_blank_to_colon(low, start):
                    values.append(self._folded_value(start))
                at = low.find(key, start)
        return values

    def _folded_value(self, start: int) -> bytes:
        """What stands behind the next colon, folded lines joined (RFC 3261 section 7.3.1)."""
        data = self.data
        end = data.find(b"\r\n", start)
        while data[end + 2] in _BLANKS:
            end = data.find(b"\r\n", end + 2)
        lines = data[data.find(b":", start) + 1 : end].split(b"\r\n")
        return b" ".join([line.strip() for line in lines]).strip()


def _is_blank_to_colon(low: bytes, at: int) -> bool:
    """True where only white space stands before a colon (RFC 3261 section 7.3.1 allows it)."""
    while low[at] in _BLANKS:
        at += 1
    return low[at] == _COLON


def looks_like_sip(data: bytes) -> bool:
    """True where a payload's first line is SIP's: how SIP is recognised on any port."""
    if data[:4] == b"SIP/":
        return True
    end = data.find(b"\n")
    line = (data[:end] if end >= 0 else data).rstrip()
    return line[-8:-3].upper() == b" SIP/" and line.find(b"\0") < 0  # else other headers stand before it


def parse_message(data: bytes) -> Message | None:
    """The message of a datagram or a framed piece of a stream; None where it is no SIP at all.

    Raises MalformedMessage for a SIP first line whose Call-ID or CSeq cannot be read.
    """
    # Nearly everybody writes CSeq behind Call-ID, both in the same way, and counts from 1. That they stand in the head
    # needs no proof: the CSeq of a message that a body quotes (RFC 3420) names another method than the first line.
    at = data.find(b"\r\nCall-ID: ") + 11
    call_id_end = data.find(b"\r\n", at)
    cseq_end = data.find(b"\r\n", call_id_end + 8)
    call_id = data[at:call_id_end].strip()
    known = _CSEQS.get(data[call_id_end:cseq_end]) or _learn_cseq(data, call_id_end, cseq_end)
    if known is None or at < 11 or not call_id or len(call_id) > MAX_CALL_ID_BYTES:
        return _parse_odd(data)
    cseq, method, beginning, mark = known
    status = _STATUSES.get(data[:12])
    if status is None:
        first_line_end = data.find(b"\r\n")
        status = 0
        if data[: len(beginning)] != beginning or data[first_line_end - 8 : first_line_end] != b" SIP/2.0":
            status = _learn_status(data[:12])
            if not status:
                return _parse_odd(data)
    return Message(data, cseq_end, method, status, call_id, cseq, mark ^ status << STATUS_SHIFT)


def _parse_odd(data: bytes) -> Message | None:
    """A message whose first line, Call-ID or CSeq is written as hardly anybody does."""
    first_line_end = data.find(b"\r\n")
    if first_line_end <= 0 or data.find(b"\r\n\r\n", first_line_end) < 0:
        return _parse_unframed(data)
    method, status = _parse_first_line(data, first_line_end)
    if not method and not status:
        mixed = data.find(b"\n") < first_line_end
        return parse_message(_with_one_line_end(data)) if mixed else None
    message = Message(data, first_line_end, method, status)
    if not _take_identity(message, message.header(CALL_ID), b" ".join(message.header(CSEQ).split())):
        return _parse_mixed(message)
    return message


# What was read once is not read again: a call's messages differ little. All are bounded: a CSeq may be anything.
# line end and CSeq line -> number, method, how its request begins, mark of both
_CSEQS: dict[bytes, tuple[int, bytes, bytes, int]] = {}
_STATUSES: dict[bytes, int] = {}  # status line up to the blank behind the status -> status
_METHODS: dict[bytes, tuple[bytes, bytes]] = {}  # method -> the one object for it, how its request begins
MAX_CSEQS = 16  # most dialogs count from 1; a board has no memory for more


def _learn_cseq(data: bytes, start: int, end: int) -> tuple[int, bytes, bytes, int] | None:
    """What `_CSEQS` holds of a CSeq line as nearly everybody writes it, else None; `end` is -1 where it is cut."""
    line = data[start:end]
    number, _, method = line[8:].partition(b" ")
    if end < 0 or line[:8] != b"\r\nCSeq: " or not number.isdigit() or len(number) > 10 or not method.isalpha():
        return None
    if len(_CSEQS) >= MAX_CSEQS:
        _CSEQS.clear()
    if len(_METHODS) >= MAX_CSEQS:
        _METHODS.clear()
    method, beginning = _METHODS.setdefault(method, (method, method + b" "))
    found = _CSEQS[line] = int(number), method, beginning, _mark(method, int(number))
    return found


def _learn_status(beginning: bytes) -> int:
    """The status of b"SIP/2.0 200 " and the like; 0 for anything else."""
    text = beginning[8:11]
    if beginning[:8] != b"SIP/2.0 " or beginning[11:] != b" " or not text.isdigit() or not 100 <= int(text) <= 699:
        return 0
    found = _STATUSES[beginning] = int(text)
    return found


def _mark(method: bytes, cseq: int) -> int:
    """`Message.mark` but for the status."""
    return crc32(method, cseq) & SMALL


def _take_identity(message: Message, call_id: bytes, cseq: bytes) -> bool:
    """Sets Call-ID, CSeq and a response's method; False where one is missing or unreadable."""
    number, _, method = cseq.partition(b" ")
    if not number.isdigit() or len(number) > 10 or len(call_id) > MAX_CALL_ID_BYTES:
        return False
    message.call_id = call_id.strip()
    message.cseq = int(number)
    if not message.method:
        message.method = method.strip()
    message.mark = _mark(message.method, message.cseq) ^ message.status << STATUS_SHIFT
    return bool(message.method and message.call_id)


def _parse_first_line(data: bytes, end: int) -> tuple[bytes, int]:
    """(method, 0) of a request, (b"", status) of a response, (b"", 0) of neither; RFC 3261 sections 7.1, 7.2."""
    if data[:8] == b"SIP/2.0 ":
        status = data[8:11]
        if status.isdigit() and data[11] in (32, 13):
            number = int(status)
            return b"", number if 100 <= number <= 699 else 0
        return b"", 0
    space = data.find(b" ", 0, end)
    if space > 0 and data[end - 8 : end] == b" SIP/2.0" and space < end - 8:
        return data[:space], 0
    line = data[:end].upper().rstrip()  # leniency: white space behind the version, or the version in another case
    if line[:8] == b"SIP/2.0 " and line[8:11].isdigit() and 100 <= int(line[8:11]) <= 699:
        return b"", int(line[8:11])
    if space > 0 and line[-8:] == b" SIP/2.0" and space < len(line) - 8:
        return data[:space], 0
    return b"", 0


def _parse_unframed(data: bytes) -> Message | None:
    """Leniency: empty lines before the start line (RFC 3261 section 7.5), bare line feeds, a missing empty line."""
    data = data.lstrip(b"\r\n\t ")
    if data.find(b"\n") < 0:
        return None
    if data.find(b"\r\n") < 0:  # old phones, hand-made tests
        data = data.replace(b"\n", b"\r\n")
    if data.find(b"\r\n\r\n") < 0:  # cut short, or the empty line forgotten: what is there still counts
        data += b"\r\n\r\n"
    return parse_message(data)


def _with_one_line_end(data: bytes) -> bytes:
    """Every line ends with CR LF."""
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _parse_mixed(message: Message) -> Message:
    """Leniency: some lines end with a bare line feed."""
    data = message.data
    if data.count(b"\n") != data.count(b"\r\n"):
        again = parse_message(_with_one_line_end(data))
        if again is not None:
            return again
    raise MalformedMessage("no readable Call-ID or CSeq")


# --- addresses (RFC 3261 sections 19.1, 20.10) ----------------------------------------------------------------------


def split_address(value: bytes) -> tuple[bytes, bytes]:
    """(URI, parameters) of a From, To, Contact, P-Asserted-Identity ... value; the display name is dropped."""
    start = 0
    if value[:1] == b'"':
        start = _after_quoted(value)
    left = value.find(b"<", start)
    if left < 0:
        uri, _, parameters = value[start:].strip().partition(b";")  # without <> the parameters are the header's
        return uri.strip(), parameters
    right = value.find(b">", left)
    if right < 0:
        return value[left + 1 :], b""
    return value[left + 1 : right].strip(), value[right + 1 :]


def user_in(value: bytes) -> str:
    """The user part of the URI in a From, To, P-Asserted-Identity ... value (`user_of` says how)."""
    start = value.find(b"<")
    at = value.find(b"@", start)
    if value[start : start + 5] == b"<sip:" and value.find(b'"', start) < 0 < at:  # else a display name may hold it
        user = value[start + 5 : at]
        if user.isdigit() or user.isalpha():
            return str(user, "utf-8")
    return user_of(split_address(value)[0])


def uri_user_of(message: Message) -> str:
    """The user part of a request's Request-URI (`user_of` says how)."""
    start = len(message.method) + 5
    data = message.data
    if data[start - 4 : start] == b"sip:":
        user = data[start : data.find(b"@", start, message.first_line_end)]
        if user.isdigit():
            return str(user, "utf-8")
    return user_of(message.uri)


def _after_quoted(value: bytes) -> int:
    """The position behind a leading quoted string, escapes respected; 0 where the quote never closes."""
    at = 1
    while True:
        at = value.find(b'"', at)
        if at < 0:
            return 0
        escapes = 0
        while value[at - 1 - escapes : at - escapes] == b"\\":
            escapes += 1
        at += 1
        if escapes % 2 == 0:
            return at


def tag_of(value: bytes) -> bytes:
    """The tag parameter of a From or To value; b"" where there is none."""
    if value[-1:] == b">":  # nothing behind the URI: nearly every To of a first INVITE
        return b""
    at = value.rfind(b";tag=")
    if at < 0:
        return _odd_tag_of(value)
    tag = value[at + 5 :]
    if tag.find(b">") >= 0:  # within the URI or the display name
        return b""
    return tag.partition(b";")[0].strip()[:MAX_TAG_BYTES]


def _odd_tag_of(value: bytes) -> bytes:
    """Leniency: the name in another case, or white space around its semicolon and equals sign."""
    if value.lower().find(b"tag") < 0:
        return b""
    for part in value[value.rfind(b">") + 1 :].split(b";")[1:]:
        name, equals, tag = part.partition(b"=")
        if equals and name.strip().lower() == b"tag":
            return tag.strip()[:MAX_TAG_BYTES]
    return b""


def branch_of(message: Message) -> bytes:
    """The branch of the topmost Via: names the transaction on this hop (RFC 3261 section 8.1.1.7)."""
    data = message.data
    at = data.find(b";branch=z9hG4bK") + 8  # the cookie stands in no other header
    branch = data[at : data.find(b"\r\n", at)].partition(b";")[0]
    if at < 8 or at > message.seen or branch.find(b",") >= 0:  # an RFC 2543 branch, or several Vias in one line
        return parameter(message.via_value, b"branch")[:MAX_TAG_BYTES]
    return branch.rstrip()[:MAX_TAG_BYTES]


def user_of(uri: bytes) -> str:
    """The user part of a sip, sips or tel URI as text: escapes resolved, password and parameters dropped."""
    colon = uri.find(b":")
    if colon < 0:
        return ""
    at = uri.find(b"@", colon)
    if at < 0:
        if uri[:colon].lower() != b"tel":
            return ""
        at = len(uri)
    user = uri[colon + 1 : at]
    if user.isalpha() or user.isdigit():
        return str(user, "utf-8")
    for stop in (b";", b":"):
        end = user.find(stop)
        if end >= 0:
            user = user[:end]
    return text_of(unescape(user) if user.find(b"%") >= 0 else user)


def host_of(uri: bytes) -> bytes:
    """Host and port of a sip URI as written, lower case; b"" where there is none."""
    _, _, rest = uri.partition(b":")
    user, at, host = rest.partition(b"@")
    if not at:
        host = user
    for stop in (b";", b"?", b">"):
        cut = host.find(stop)
        if cut >= 0:
            host = host[:cut]
    return host.strip().lower()


def unescape(value: bytes) -> bytes:
    """Percent escapes resolved; a stray percent sign stays."""
    parts = value.split(b"%")
    whole = [parts[0]]
    for part in parts[1:]:
        high = _HEX.find(part[:1].lower())
        low = _HEX.find(part[1:2].lower())
        if len(part) < 2 or high < 0 or low < 0:
            whole.append(b"%" + part)
        else:
            whole.append(bytes([high << 4 | low]) + part[2:])
    return b"".join(whole)


_HEX = b"0123456789abcdef"


def text_of(value: bytes) -> str:
    """Text of bytes from the wire: UTF-8, else every odd byte as a question mark."""
    try:
        return str(value, "utf-8")
    except UnicodeError:
        return str(bytes([byte if byte < 128 else 63 for byte in value]), "utf-8")


def parameter(value: bytes, name: bytes) -> bytes:
    """A `name=value` parameter after a semicolon, quotes removed; b"" where it is missing. `name` is lower case."""
    low = value.lower()
    at = low.find(b";" + name + b"=")
    if at < 0:
        return b""
    start = at + len(name) + 2
    end = value.find(b";", start)
    found = value[start : end if end >= 0 else len(value)].strip()
    comma = found.find(b",")
    return (found[:comma] if comma >= 0 else found).strip(b'" ')
