"""SIP messages of a made-up office, as its PBX, its carrier and its phones would write them (RFC 3261)."""

from dataclasses import dataclass, field
from ipaddress import ip_address

SDP = "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio 10000 RTP/AVP 8\r\n"
REASONS = {100: "Trying", 180: "Ringing", 200: "OK", 487: "Request Terminated"}
ELSEWHERE = 'Reason: SIP;cause=200;text="Call completed elsewhere"\r\n'


@dataclass(frozen=True, slots=True)
class End:
    """One end of a dialog: its address (four bytes) and the user it has there."""

    address: bytes
    user: str

    @property
    def host(self) -> str:
        """The address as people write it."""
        return str(ip_address(self.address))


@dataclass(slots=True)
class Dialog:
    """A call between two ends; `caller` sends the INVITE. Each method returns one message."""

    call_id: str
    caller: End
    callee: End
    _cseq: dict[str, int] = field(default_factory=lambda: {"caller": 1, "callee": 0})

    def invite(self) -> bytes:
        """The INVITE."""
        return self._request("INVITE", "caller", 1, with_sdp=True)

    def respond(self, status: int, method: str = "INVITE") -> bytes:
        """The callee's response to the caller's INVITE, CANCEL or BYE."""
        return self._response(status, method, "caller")

    def acknowledge(self, status: int = 200) -> bytes:
        """The caller's ACK: a transaction of its own after a 200, of the INVITE's otherwise."""
        return self._request("ACK", "caller", 1, branch="ack" if status == 200 else "INVITE")

    def cancel(self, *, elsewhere: bool) -> bytes:
        """The caller's CANCEL; `elsewhere`: because somebody else has answered (RFC 3326)."""
        return self._request("CANCEL", "caller", 1, branch="INVITE", more=ELSEWHERE if elsewhere else "")

    def hang_up(self, by: str) -> bytes:
        """The BYE of "caller" or "callee"."""
        self._cseq[by] += 1
        return self._request("BYE", by, self._cseq[by])

    def confirm_hang_up(self, by: str) -> bytes:
        """The other end's response to it."""
        return self._response(200, "BYE", by)

    def _request(
        self, method: str, by: str, cseq: int, *, branch: str = "", more: str = "", with_sdp: bool = False
    ) -> bytes:
        target = self.callee if by == "caller" else self.caller
        line = f"{method} sip:{target.user}@{target.host}:5060 SIP/2.0"
        return self._message(line, by, f"{cseq} {method}", branch or method, more, with_sdp=with_sdp)

    def _response(self, status: int, method: str, by: str) -> bytes:
        cseq = self._cseq[by] if method == "BYE" else 1
        branch = "INVITE" if method == "CANCEL" else method
        with_sdp = status == 200 and method == "INVITE"
        return self._message(
            f"SIP/2.0 {status} {REASONS[status]}", by, f"{cseq} {method}", branch, "", status=status, with_sdp=with_sdp
        )

    def _message(
        self, line: str, by: str, cseq: str, branch: str, more: str, *, status: int = 0, with_sdp: bool
    ) -> bytes:
        """`by`: who began the transaction, whose Via and From it has."""
        sender, other = (self.caller, self.callee) if by == "caller" else (self.callee, self.caller)
        tags = (f"f{self.call_id}", f"t{self.call_id}")
        from_tag, to_tag = tags if by == "caller" else tags[::-1]
        begins = cseq in {"1 INVITE", "1 CANCEL"} and (status in {0, 100} or cseq == "1 CANCEL")
        writer = other if status else sender
        body = SDP.format(host=writer.host) if with_sdp else ""
        if with_sdp:
            more += "Content-Type: application/sdp\r\n"
        return (
            f"{line}\r\nVia: SIP/2.0/UDP {sender.host}:5060;branch=z9hG4bK{self.call_id}{branch}{cseq[0]}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{sender.user}@{sender.host}>;tag={from_tag}\r\n"
            f"To: <sip:{other.user}@{other.host}>{'' if begins else ';tag=' + to_tag}\r\nCall-ID: {self.call_id}\r\n"
            f"CSeq: {cseq}\r\nContact: <sip:{writer.user}@{writer.host}>\r\n{more}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
