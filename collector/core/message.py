"""One SIP message as it was received, and its headers: each is looked for only when it is asked for (RFC 3261).

A header that is written as nearly everybody does is found at once; any other case, compact form (RFC 3261 section
7.3.3), white space before the colon or folded line is found in a lower-cased copy of the head, made once and only where
it is needed.
"""

from collector.core.headers import CONTENT_LENGTH, EXTRAS, FROM, TO, VIA
from collector.core.keys import call_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_COLON = 58
_SPACE = 32
_BLANKS = (_SPACE, 9)  # space and tab: white space within a line, or the mark of a folded one
_FRONT = (b"Via", b"From", b"To")
_FOLDED = (b" ", b"\t")  # a line that begins so belongs to the one before it


class Message:
    """One request or response.

    `method` of a request or, for a response, of the request that it answers; `status` of a response, 0 for a request;
    `mark` is the same for every copy of the message, another one for any other message of its call. The head goes up to
    `front_end` at least: to Call-ID, where that and CSeq behind it are written as nearly everybody does; 0 else. Who
    has the memory cuts a message there: `front` is what stands before Call-ID, `rest` what follows CSeq's line.
    """

    # what nobody set or asked for yet stays the class's default
    data: bytes = b""
    method: bytes = b""
    status: int = 0
    call_id: bytes = b""
    cseq: int = 0
    mark: int = 0
    front_end: int = 0
    front: bytes = b""
    rest: bytes | None = None
    _low: bytes = b""
    _first_line: bytes = b""
    _via: bytes = b""
    _from: bytes | None = None
    _to: bytes | None = None
    _others: "Sequence[bytes] | None" = None  # pieces of the head before Call-ID without these four
    _extras: "dict[bytes, bytes] | None" = None
    _key: bytes = b""
    _head_end: int = 0

    @property
    def is_request(self) -> bool:
        """True for a request."""
        return self.status == 0

    @property
    def head_end(self) -> int:
        """Where the empty line behind the head begins; one that was cut off is added to `data`."""
        end = self._head_end
        if not end:
            end = self.data.find(b"\r\n\r\n", self.front_end)
            if end < 0:
                end = len(self.data)
                self.data += b"\r\n\r\n"
            self._head_end = end
        return end

    @property
    def first_line(self) -> bytes:
        """Request line or status line, without its line end."""
        return self._first_line or self.data.partition(b"\r\n")[0]

    @property
    def uri(self) -> bytes:
        """The Request-URI (b"" for a response); a URI with white space in it is taken whole."""
        if self.status:
            return b""
        line = self.first_line[len(self.method) + 1 :].rstrip()
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
            self._read_front()
            value = self._from
            if value is None:
                value = self._from = self.header(FROM)
        return value

    @property
    def to_value(self) -> bytes:
        """The To header's value."""
        value = self._to
        if value is None:
            self._read_front()
            value = self._to
            if value is None:
                value = self._to = self.header(TO)
        return value

    @property
    def via_value(self) -> bytes:
        """The topmost Via header's value."""
        if not self._via:
            self._read_front()
        return self._via or self.header(VIA)

    def _read_front(self) -> None:
        """First line, Via, From and To at once, where they are written as nearly everybody does."""
        lines = (self.front or self.data[: self.front_end]).split(b"\r\n")
        if len(lines) != 4:
            self._read_longer_front(lines)
            return
        first_line, via, from_, to = lines
        if via[:5] == b"Via: " and from_[:6] == b"From: " and to[:4] == b"To: ":
            self._first_line = first_line
            self._via = via[5:]
            self._from = from_[6:].strip()
            self._to = to[4:].strip()
            self._others = ()

    def _read_longer_front(self, lines: list[bytes]) -> None:
        """The same where other headers stand between or behind them."""
        values: dict[bytes, bytes] = {}
        others = []
        for line in lines[1:]:
            if line[:1] in _FOLDED:
                return
            name, _, value = line.partition(b": ")
            if name in _FRONT and name not in values:
                values[name] = value
            else:
                others.append(line)
        if len(values) == len(_FRONT):
            self._first_line = lines[0]
            self._via = values[b"Via"]
            self._from = values[b"From"].strip()
            self._to = values[b"To"].strip()
            self._others = others

    @property
    def extras(self) -> "dict[bytes, bytes]":
        """The headers that most INVITEs do without: first value of each, by the first of its names (`PRIVACY[0]`)."""
        extras = self._extras
        if extras is None:
            extras = self._extras = self._read_extras()
        return extras

    def _read_extras(self) -> "dict[bytes, bytes]":
        others = self._others
        if others is None:
            self._read_front()
            others = self._others
            if others is None:
                return EXTRAS.read(self.data[: self.head_end])
        rest = self.rest
        if rest is None:
            lines = self.data[self.front_end + 2 : self.head_end].split(b"\r\n", 2)  # Call-ID, CSeq, others
            extras = EXTRAS.of_piece(lines[2]) if len(lines) > 2 else {}
        else:
            extras = EXTRAS.of_piece(rest.partition(b"\r\n\r\n")[0]) if rest[:2] != b"\r\n" else {}
        for piece in reversed(others):
            more = EXTRAS.of_piece(piece)
            if more:
                extras = dict(extras)
                extras.update(more)
        return extras

    def rare_header(self, name: tuple[bytes, ...]) -> bytes:
        """The first value of one of `EXTRAS`; b"" where it is missing."""
        if self.rest is not None:
            return self.extras.get(name[0], b"")
        low = self._low or self.data.lower()  # who has little memory copies the head once, not line by line
        for key in name:
            if low.find(key) >= 0:
                return self.header(name)
        return b""

    @property
    def low(self) -> bytes:
        """The head in lower case, its empty line included: searching it is cheaper than asking for a value."""
        if not self._low:
            end = self.head_end + 4
            head = self.data[:end] if end < len(self.data) else self.data  # a board would copy it
            self._low = head.lower()
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
