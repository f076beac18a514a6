"""Reading one SIP message: only what the tracker needs, and each header only when it is asked for (RFC 3261).

A message is kept as received; a header is found in a lower-cased copy of its head, so any case and the compact forms
(RFC 3261 section 7.3.3) cost the same. Folded lines, white space before the colon and bare line feeds are rare: they
are straightened first, and only where they occur.
"""

MAX_MESSAGE_BYTES = 65_535  # no UDP datagram carries more; over TCP nobody sends more

# header name as it is searched: (long form, compact form)
CALL_ID = (b"\r\ncall-id:", b"\r\ni:")
CONTACT = (b"\r\ncontact:", b"\r\nm:")
CONTENT_LENGTH = (b"\r\ncontent-length:", b"\r\nl:")
CONTENT_TYPE = (b"\r\ncontent-type:", b"\r\nc:")
CSEQ = (b"\r\ncseq:", b"")
DIVERSION = (b"\r\ndiversion:", b"")
EVENT = (b"\r\nevent:", b"\r\no:")
EXPIRES = (b"\r\nexpires:", b"")
FROM = (b"\r\nfrom:", b"\r\nf:")
HISTORY_INFO = (b"\r\nhistory-info:", b"")
P_ASSERTED_IDENTITY = (b"\r\np-asserted-identity:", b"")
PRIVACY = (b"\r\nprivacy:", b"")
REASON = (b"\r\nreason:", b"")
REFER_TO = (b"\r\nrefer-to:", b"\r\nr:")
REMOTE_PARTY_ID = (b"\r\nremote-party-id:", b"")
REPLACES = (b"\r\nreplaces:", b"")
RETRY_AFTER = (b"\r\nretry-after:", b"")
SESSION_ID = (b"\r\nsession-id:", b"")
SESSION_EXPIRES = (b"\r\nsession-expires:", b"\r\nx:")
TO = (b"\r\nto:", b"\r\nt:")
VIA = (b"\r\nvia:", b"\r\nv:")


class MalformedMessage(Exception):
    """SIP by its first line, but a header without which nothing can be said is missing or unreadable."""


class Message:
    """One request or response.

    `method` of a request or, for a response, of the request that it answers; `uri` of a request; `status` of a
    response, 0 for a request.
    """

    __slots__ = ("_low", "call_id", "cseq", "data", "first_line_end", "head_end", "is_request", "method", "status")

    def __init__(self, data: bytes, first_line_end: int, head_end: int, low: bytes) -> None:
        self.data = data
        self.first_line_end = first_line_end
        self.head_end = head_end
        self._low = low
        self.is_request = True
        self.method = b""
        self.status = 0
        self.call_id = b""
        self.cseq = 0

    @property
    def first_line(self) -> bytes:
        """Request line or status line, without its line end."""
        return self.data[: self.first_line_end]

    @property
    def uri(self) -> bytes:
        """The Request-URI (b"" for a response); a URI with white space in it is taken whole."""
        line = self.data[: self.first_line_end]
        return line[line.find(b" ") + 1 : line.rfind(b" ")].strip() if self.is_request else b""

    @property
    def body(self) -> bytes:
        """What follows the empty line."""
        return self.data[self.head_end + 4 :]

    def header(self, name: tuple[bytes, bytes]) -> bytes:
        """The first value of a header, stripped; b"" where it is missing."""
        at = self._low.find(name[0])
        key = name[0]
        if at < 0 and name[1]:
            key = name[1]
            at = self._low.find(key)
        if at < 0:
            return b""
        start = at + len(key)
        end = self.data.find(b"\r\n", start, self.head_end)
        return self.data[start : end if end >= 0 else self.head_end].strip()

    def headers(self, name: tuple[bytes, bytes]) -> list[bytes]:
        """Every value of a header, in order, long form before compact; values joined by commas stay joined."""
        values = []
        for key in name:
            at = self._low.find(key) if key else -1
            while at >= 0:
                start = at + len(key)
                end = self.data.find(b"\r\n", start, self.head_end)
                values.append(self.data[start : end if end >= 0 else self.head_end].strip())
                at = self._low.find(key, start)
        return values


def looks_like_sip(data: bytes) -> bool:
    """True where a payload's first line is SIP's: how SIP is recognised on any port."""
    if data[:4] == b"SIP/":
        return True
    end = data.find(b"\n")
    line = data[:end].rstrip() if end > 0 else b""
    return line[-8:-3].upper() == b" SIP/"


def parse_message(data: bytes) -> Message | None:
    """The message of a datagram or a framed piece of a stream; None where it is no SIP at all.

    Raises MalformedMessage for a SIP first line whose Call-ID or CSeq cannot be read.
    """
    head_end = data.find(b"\r\n\r\n")
    if head_end < 0:
        data = _with_line_ends(data)
        head_end = data.find(b"\r\n\r\n")
        if head_end < 0:  # cut short, or the empty line forgotten: what is there still counts
            head_end = len(data)
    first_line_end = data.find(b"\r\n")
    if first_line_end <= 0:
        stripped = data.lstrip(b"\r\n\t ")  # RFC 3261 section 7.5: ignore empty lines before the start line
        return parse_message(stripped) if stripped and len(stripped) < len(data) else None
    message = Message(data, first_line_end, head_end, data[:head_end].lower())
    if not _parse_first_line(message):
        return None
    if not _parse_identity(message):
        message = _straightened(message)
        if not _parse_first_line(message) or not _parse_identity(message):
            raise MalformedMessage("no readable Call-ID or CSeq")
    if message.is_request and message.method in _READ_IN_FULL and _is_crooked(message):
        straight = _straightened(message)
        if _parse_first_line(straight) and _parse_identity(straight):
            return straight
    return message


_READ_IN_FULL = (b"INVITE", b"REFER", b"REGISTER", b"CANCEL", b"BYE")


def _with_line_ends(data: bytes) -> bytes:
    """Bare line feeds (old phones, hand-made tests) become CR LF."""
    if data.find(b"\n") < 0 or data.find(b"\r\n") >= 0:
        return data
    return data.replace(b"\n", b"\r\n")


def _parse_first_line(message: Message) -> bool:
    """Request or response, its method or status. False where the line is not SIP's; RFC 3261 section 7.1, 7.2."""
    data = message.data
    if data[:8] == b"SIP/2.0 ":
        message.is_request = False
        status = data[8:11]
        if not status.isdigit() or data[11:12] not in (b" ", b"\r", b""):
            return False
        message.status = int(status)
        return 100 <= message.status <= 699
    space = data.find(b" ", 0, message.first_line_end)
    version = message._low[message.first_line_end - 8 : message.first_line_end]
    if space <= 0 or version != b" sip/2.0":
        return _parse_odd_first_line(message, space)
    message.method = data[:space]
    return space < message.first_line_end - 8


def _parse_odd_first_line(message: Message, space: int) -> bool:
    """Leniency: white space behind the version, or the version in another case in a status line."""
    line = message._low[: message.first_line_end].rstrip()
    if line[:8] == b"sip/2.0 " and line[8:11].isdigit():
        message.is_request = False
        message.status = int(line[8:11])
        return 100 <= message.status <= 699
    if space <= 0 or line[-8:] != b" sip/2.0" or space >= len(line) - 8:
        return False
    message.method = message.data[:space]
    return True


def _parse_identity(message: Message) -> bool:
    """Call-ID and CSeq; False where one is missing or not in plain form."""
    message.call_id = message.header(CALL_ID)
    cseq = message.header(CSEQ)
    number, _, method = cseq.partition(b" ")
    if not message.call_id or not number.isdigit() or len(number) > 10:
        number, _, method = cseq.replace(b"\t", b" ").partition(b" ")
        if not message.call_id or not number.isdigit() or len(number) > 10:
            return False
    message.cseq = int(number)
    if not message.is_request:
        message.method = method.strip()
    return bool(message.method)


def _is_crooked(message: Message) -> bool:
    """True where a line is folded or white space stands before a colon."""
    low = message._low
    return low.find(b"\r\n ") >= 0 or low.find(b"\r\n\t") >= 0 or low.find(b" :") >= 0 or low.find(b"\t:") >= 0


def _straightened(message: Message) -> Message:
    """The same message with folded lines joined (RFC 3261 section 7.3.1) and no white space before colons."""
    lines: list[bytes] = []
    for line in message.data[: message.head_end].replace(b"\r\n", b"\n").split(b"\n"):
        if line[:1] in (b" ", b"\t") and lines:
            lines[-1] = lines[-1] + b" " + line.strip()
        else:
            name, colon, value = line.partition(b":")
            lines.append(name.rstrip() + colon + value if colon and lines else line)
    head = b"\r\n".join(lines)
    return Message(head + message.data[message.head_end :], len(lines[0]), len(head), head.lower())


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
    at = value.rfind(b"tag=")
    if at < 0:
        at = value.lower().rfind(b"tag=")
    if at < 1 or value[at - 1 : at] not in (b";", b" "):
        return b""
    tag = value[at + 4 :]
    for stop in (b";", b",", b" "):
        cut = tag.find(stop)
        if cut >= 0:
            tag = tag[:cut]
    return tag


def user_of(uri: bytes) -> str:
    """The user part of a sip, sips or tel URI as text: escapes resolved, password and parameters dropped."""
    scheme, colon, rest = uri.partition(b":")
    if not colon:
        return ""
    if scheme.lower() == b"tel":
        user = rest
    else:
        user, at, _ = rest.partition(b"@")
        if not at:
            return ""
    user = user.partition(b";")[0].partition(b":")[0]
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
        try:
            whole.append(bytes([int(part[:2], 16)]) + part[2:])
        except ValueError:
            whole.append(b"%" + part)
    return b"".join(whole)


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
