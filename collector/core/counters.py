"""What the core counted since it was made: every frame ends up in one of these, and nothing is dropped in silence."""


class Counters:
    """Plain integers, one attribute each; `as_dict` names them for health events and `replay --show stats`."""

    NAMES = (
        "frames",  # link-layer frames received
        "datagrams",  # UDP datagrams, TCP segments and SCTP packets found in them, after reassembly of fragments
        "sip_messages",
        "sip_requests",
        "sip_responses",
        "malformed",  # SIP by its first line or port, but unreadable
        "orphans",  # messages of dialogs whose start was not seen
        "retransmissions",
        "duplicates",  # the same message of the same hop again at once: a mirror port that shows packets twice
        "truncated",  # frames or datagrams cut short by the capture
        "fragments",  # IP fragments received
        "fragments_incomplete",  # datagrams (and messages over SCTP) given up because a piece never came
        "tcp_gaps",  # bytes of a TCP stream that were never seen, once per hole
        "encrypted",  # TLS on a SIP port: calls that cannot be observed here
        "websocket",  # messages in WebSocket frames that are compressed, and so not read
        "ignored",  # everything else: not IP, not SIP, keep-alives
        "legs_evicted",  # open legs given up because the table was full
        "legs_open",
    )

    __slots__ = tuple([name for name in NAMES if name != "sip_messages"])

    def __init__(self) -> None:
        self.frames = 0
        self.datagrams = 0
        self.sip_requests = 0
        self.sip_responses = 0
        self.malformed = 0
        self.orphans = 0
        self.retransmissions = 0
        self.duplicates = 0
        self.truncated = 0
        self.fragments = 0
        self.fragments_incomplete = 0
        self.tcp_gaps = 0
        self.encrypted = 0
        self.websocket = 0
        self.ignored = 0
        self.legs_evicted = 0
        self.legs_open = 0

    def count_message(self, payload: bytes) -> None:
        """A message that is counted by its first line only."""
        if payload.lstrip()[:4] == b"SIP/":
            self.sip_responses += 1
        else:
            self.sip_requests += 1

    @property
    def sip_messages(self) -> int:
        """Each is one or the other."""
        return self.sip_requests + self.sip_responses

    def as_dict(self) -> dict[str, int]:
        """Every counter by name."""
        return {name: int(getattr(self, name)) for name in self.NAMES}
