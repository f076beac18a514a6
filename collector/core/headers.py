"""Names of SIP headers, and a quick look for those that most messages do without."""

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

MAX_PIECES = 64  # pieces of heads that are remembered, up to a hundred kilobytes; none where a heap is small
MAX_PIECE_BYTES = 1500

# A piece of a head: whole lines without the last one's end. Most of what a device says in a head it says again and
# again in the same words: what a piece has of extras is remembered.


class ExtraHeaders:
    """Looks for the headers that most INVITEs do without: those that `note` was told of."""

    def __init__(self) -> None:
        self.max_pieces = MAX_PIECES
        self._names: dict[bytes, bytes] = {}  # name in lower case -> the first of its names, as it is searched
        self._pieces: dict[bytes, dict[bytes, bytes]] = {}

    def note(self, names: tuple[bytes, ...]) -> None:
        """Looks for this header from now on."""
        for name in names:
            self._names[name[2:]] = names[0]
        self._pieces.clear()

    def of_piece(self, piece: bytes) -> dict[bytes, bytes]:
        """First value of each extra header in a piece of a head, by the first of its names (`PRIVACY[0]`)."""
        found = self._pieces.get(piece)
        if found is None:
            found = self.read(piece)
            if len(self._pieces) >= self.max_pieces:
                self._pieces.clear()
            if self.max_pieces and len(piece) < MAX_PIECE_BYTES:
                self._pieces[piece] = found
        return found

    def read(self, piece: bytes) -> dict[bytes, bytes]:
        """The same, of a piece that will hardly come again; folded lines are joined (RFC 3261 section 7.3.1)."""
        found: dict[bytes, bytes] = {}
        for line in piece.replace(b"\r\n\t", b" ").replace(b"\r\n ", b" ").split(b"\r\n"):
            name, _, value = line.partition(b":")
            key = self._names.get(name.strip().lower())
            if key is not None and key not in found:
                found[key] = value.strip()
        return found


EXTRAS = ExtraHeaders()
for _names in (
    DIVERSION,
    HISTORY_INFO,
    P_ASSERTED_IDENTITY,
    PRIVACY,
    REASON,
    REMOTE_PARTY_ID,
    REPLACES,
    SESSION_EXPIRES,
    SESSION_ID,
):
    EXTRAS.note(_names)
