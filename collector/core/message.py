"""One SIP message as it was received, and its headers: each is looked for only when it is asked for (RFC 3261).

A header that is written as nearly everybody does is found at once; any other case, compact form (RFC 3261 section
7.3.3), white space before the colon or folded line is found in a lower-cased copy of the head, made once and only where
it is needed.
"""

from collector.core.headers import CONTENT_LENGTH, EXTRAS, FROM, TO, VIA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    # which of a message's lines are which: how many stand before the rest; Via, From and To; any others that are not
    # Call-ID or CSeq, and how each begins
    Places = tuple[int, int, int, int, tuple[tuple[int, bytes], ...]]
    Front = tuple[bytes, bytes, bytes, bytes]

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
    has the memory cuts a message into `lines` (`quick.py`): those up to CSeq, maybe some more, then the rest as one;
    the next message of its kind is written over it, so that nobody keeps one.
    """

    # what nobody set or asked for yet stays the class's default
    data: bytes = b""
    method: bytes = b""
    status: int = 0
    call_id: bytes = b""
    cseq: int = 0
    mark: int = 0
    front_end: int = 0
    lines: "list[bytes] | None" = None
    places: "Places" = (0, 0, 0, 0, ())
    _low: bytes = b""
    _front: "Front | None" = None
    _others: "Sequence[bytes] | None" = ()  # pieces of the head before Call-ID beside `front`; None: not known
    _extras: "dict[bytes, bytes] | None" = None
    _rest: bytes = b""  # what followed CSeq in the last message of this kind
    _of_rest: "dict[bytes, bytes] | None" = None  # and its extras
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
        return self.data.partition(b"\r\n")[0] if self._front is None else self._front[0]

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
    def via_value(self) -> bytes:
        """The topmost Via header's value."""
        return self.front()[1]

    @property
    def from_value(self) -> bytes:
        """The From header's value."""
        return self.front()[2].strip()

    @property
    def to_value(self) -> bytes:
        """The To header's value."""
        return self.front()[3].strip()

    def front(self) -> "Front":
        """(first line, topmost Via's value, From's, To's), maybe with white space around; b"" where one is missing."""
        front = self._front
        if front is not None:
            return front
        lines = self.lines
        if lines is not None:
            _, via_at, from_at, to_at, others = self.places
            via, from_, to = lines[via_at], lines[from_at], lines[to_at]
            if via[:5] == b"Via: " and from_[:6] == b"From: " and to[:4] == b"To: ":
                front = self._front = lines[0], via[5:], from_[6:], to[4:]
                if not others or self._take_others(lines, others):
                    return front
            lines = []
        else:
            lines = self.data[: self.front_end].split(b"\r\n")
            if len(lines) == 4:
                first_line, via, from_, to = lines
                if via[:5] == b"Via: " and from_[:6] == b"From: " and to[:4] == b"To: ":
                    front = self._front = first_line, via[5:], from_[6:], to[4:]
                    return front
        front = self._front = self._read_longer_front(lines)
        return front

    def _take_others(self, lines: list[bytes], others: "Sequence[tuple[int, bytes]]") -> bool:
        """The headers between those of the front; False where there are other ones than the last time."""
        self._others = found = [lines[at] for at, _ in others]
        for at, (_, name) in enumerate(others):
            if not found[at].startswith(name):
                return False
        return True

    def _read_longer_front(self, lines: list[bytes]) -> "Front":
        """The same where other headers stand between or behind them, or one is written otherwise."""
        values: dict[bytes, bytes] = {}
        self._others = others = []
        for line in lines[1:]:
            name, _, value = line.partition(b": ")
            if line[:1] in _FOLDED:
                values.clear()
                break
            if name in _FRONT and name not in values:
                values[name] = value
            else:
                others.append(line)
        if len(values) == len(_FRONT):
            return lines[0], values[b"Via"], values[b"From"], values[b"To"]
        self._others = None
        return self.first_line, self.header(VIA), self.header(FROM), self.header(TO)

    def extras(self) -> "dict[bytes, bytes]":
        """The headers that most INVITEs do without: first value of each, by the first of its names (`PRIVACY[0]`)."""
        extras = self._extras
        if extras is None:
            extras = self._extras = self._read_extras()
        return extras

    def may_have_extras(self) -> bool:
        """False where it is known, and cheap to know, that none of them is there."""
        return self.lines is None or bool(self.extras())

    def _read_extras(self) -> "dict[bytes, bytes]":
        if self._front is None:
            self.front()
        others = self._others
        lines = self.lines
        if others is None:
            return EXTRAS.read(self.data[: self.head_end])
        if lines is None:
            lines = self.data[self.front_end + 2 : self.head_end].split(b"\r\n", 2)  # Call-ID, CSeq, others
            rest = lines[2] if len(lines) > 2 else b""
        else:
            end = self.places[0]
            rest = lines[end] if len(lines) == end + 1 else b"\r\n".join(lines[end:])
            if rest == self._rest and self._of_rest is not None:  # as in the last message of this kind
                return self._of_rest if not others else self._join_extras(others, self._of_rest)
            self._rest = rest
            rest = rest.partition(b"\r\n\r\n")[0] if rest[:2] != b"\r\n" else b""
        self._of_rest = extras = EXTRAS.of_piece(rest)
        return extras if not others else self._join_extras(others, extras)

    def _join_extras(self, others: "Sequence[bytes]", extras: "dict[bytes, bytes]") -> "dict[bytes, bytes]":
        """With those of pieces that stand before."""
        for piece in reversed(others):
            more = EXTRAS.of_piece(piece)
            if more:
                extras = dict(extras)
                extras.update(more)
        return extras

    def rare_header(self, name: tuple[bytes, ...]) -> bytes:
        """The first value of one of `EXTRAS`; b"" where it is missing."""
        if self.lines is not None:
            return self.extras().get(name[0], b"")
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
