"""One SIP message as it was received, and its headers: each is looked for only when it is asked for (RFC 3261).

A header that is written as nearly everybody does is found at once; any other case, compact form (RFC 3261 section
7.3.3), white space before the colon or folded line is found in a lower-cased copy of the head, made once and only where
it is needed.
"""

from collector.core.keys import call_key

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
