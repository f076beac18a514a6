"""Call flows as they are drawn in RFCs: a ladder in text becomes packets, the legs it makes are told in a line each.

    0     A alice > proxy > bob   INVITE
    100   A alice < proxy < bob   180
    3000  A alice < proxy < bob   200
    3010  A alice > proxy > bob   ACK

Columns: milliseconds; a letter that names the Call-ID; the hops, a millisecond each, in the order of the drawing
("<" goes from right to left); a method, or a status (`200` answers what came last the other way on that hop,
`200/BYE` names it; `487` always answers the INVITE). Then words:

    sdp=sendonly   direction of the session description; sdp=no leaves it out; sdp=held has the address 0.0.0.0
    from=N to=N    the numbers of the two sides, where they are not the parties' own (first line of a letter)
    again          the same bytes once more: a retransmission
    unseen         happened, but not where the tap listens
    cseq=N         another CSeq than the next one
    refer=X        Refer-To the party (or number) X; refer=X?B with Replaces of the dialog B
    replaces=B     a Replaces header
    status=N       a NOTIFY's sipfrag
    | Name: value  any further headers, each after a bar
"""

import re
from itertools import pairwise

from builders import CARRIER, PBX, T0_MS, Tap, make_sdp, make_udp_frame

from cloud_sink.contacts.records import Leg, OfficePlan
from cloud_sink.contacts.stitch import stitch
from collector.core.events import LegEnded
from collector.core.keys import call_key

# name -> (number, address)
PARTIES = {
    "alice": ("101", bytes([10, 77, 1, 101])),
    "bob": ("102", bytes([10, 77, 1, 102])),
    "bob2": ("102", bytes([10, 77, 1, 202])),  # another phone of Bob's
    "carol": ("103", bytes([10, 77, 1, 103])),
    "dave": ("104", bytes([10, 77, 1, 104])),
    "proxy": ("", PBX),
    "pbx": ("", PBX),
    "proxy2": ("", bytes([10, 77, 1, 6])),
    "park": ("700", bytes([10, 77, 1, 7])),
    "music": ("800", bytes([10, 77, 1, 8])),
    "screen": ("900", bytes([10, 77, 1, 9])),
    "carrier": ("447700900123", CARRIER),
}


class Dialog:
    """What the two ends of one Call-ID know."""

    def __init__(self, letter: str) -> None:
        self.letter = letter
        self.call_id = f"call-{letter}@story"
        self.starter = ""
        self.numbers: dict[str, str] = {}
        self.cseqs: dict[str, int] = {}
        self.tagged: set[str] = set()
        self.invites: dict[str, int] = {}  # CSeq of each side's last INVITE

    def address_line(self, party: str, *, with_tag: bool) -> str:
        """From or To of a side: its URI never changes within a Call-ID, its tag is that of who really speaks."""
        number = self.numbers["starter" if party == self.starter else "callee"]
        return f"<sip:{number}@10.77.1.5>" + (f";tag={party}" if with_tag else "")


class Story:
    """Plays ladders to a tap."""

    def __init__(self, ladder: str, **settings: object) -> None:
        self.tap = Tap(**settings)
        self._dialogs: dict[str, Dialog] = {}
        self._sent: dict[tuple[str, str, str], list[tuple[str, str, bytes]]] = {}  # hop -> [(what, branch, bytes)]
        self.packets: list[tuple[int, int, str, str, bytes]] = []
        for line in ladder.strip().splitlines():
            if line.strip() and not line.strip().startswith("#"):
                self._read(line)
        for at_ms, _, sender, receiver, data in sorted(self.packets):
            self.tap.hear(at_ms, make_udp_frame(data, PARTIES[sender][1], PARTIES[receiver][1]))

    # --- from a line to bytes ---

    def _read(self, line: str) -> None:
        head, *extra = (part.strip() for part in line.split("|"))
        at, letter, drawn = re.fullmatch(r"\s*(\d+)\s+(\w+)\s+(.*)", head).groups()  # type: ignore[union-attr]
        path, what, words = re.fullmatch(r"(\w+(?:\s*[<>]\s*\w+)+)\s+(\S+)\s*(.*)", drawn).groups()  # type: ignore[union-attr]
        parties = re.split(r"\s*[<>]\s*", path)
        if "<" in path:
            parties.reverse()
        options = dict(word.partition("=")[::2] for word in words.split())
        dialog = self._dialogs.setdefault(letter, Dialog(letter))
        build = self._respond if what[0].isdigit() else self._request
        hops = list(pairwise(parties))
        packets = self._again(dialog, hops, what) if "again" in options else build(dialog, hops, what, options, extra)
        if "unseen" not in options:
            for number, ((sender, receiver), data) in enumerate(zip(hops, packets, strict=True)):
                self.packets.append((int(at) + number, len(self.packets), sender, receiver, data))

    def _again(self, dialog: Dialog, hops: list[tuple[str, str]], what: str) -> list[bytes]:
        return [
            next(data for name, _, data in reversed(self._sent[dialog.letter, *hop]) if name == what) for hop in hops
        ]

    def _request(
        self,
        dialog: Dialog,
        hops: list[tuple[str, str]],
        method: str,
        options: dict[str, str],
        extra: list[str],
    ) -> list[bytes]:
        sender, target = hops[0][0], hops[-1][1]
        if not dialog.starter:
            dialog.starter = sender
            dialog.tagged.add(sender)
            dialog.numbers["starter"] = options.get("from") or PARTIES[sender][0]
            dialog.numbers["callee"] = options.get("to") or PARTIES[target][0]
        if sender == "proxy":  # it forwards what the caller began
            sender = dialog.starter
        cseq = self._cseq(
            dialog,
            sender,
            method,
            options,
            forwarded=hops[0][0] == "proxy" != dialog.starter,
        )
        packets: list[bytes] = []
        vias: list[str] = []
        for hop in hops:
            branch = self._branch(dialog, hop, method, cseq)
            vias.insert(0, f"Via: SIP/2.0/UDP {hop[0]}.example;branch={branch}")
            to = dialog.address_line(target, with_tag=target in dialog.tagged)
            if method == "ACK":
                to = self._acknowledged(dialog, hop) or to
            number = PARTIES[hop[1]][0] or dialog.numbers["callee"]
            host = ".".join(str(byte) for byte in PARTIES[hop[1]][1])
            lines = [
                f"{method} sip:{number}@{host}:5060 SIP/2.0",
                *vias,
                f"From: {dialog.address_line(sender, with_tag=True)}",
                f"To: {to}",
                f"Call-ID: {dialog.call_id}",
                f"CSeq: {cseq} {method}",
                *self._special_headers(options),
                *extra,
            ]
            data = _finish(lines, self._body(method, options))
            self._sent.setdefault((dialog.letter, *hop), []).append((method, branch, data))
            packets.append(data)
        return packets

    def _cseq(
        self,
        dialog: Dialog,
        sender: str,
        method: str,
        options: dict[str, str],
        *,
        forwarded: bool,
    ) -> int:
        if method in ("ACK", "CANCEL"):
            return int(options.get("cseq", dialog.invites.get(sender, 1)))
        if method == "INVITE" and forwarded:  # the same INVITE to a further target
            return dialog.invites[sender]
        cseq = int(options.get("cseq", dialog.cseqs.get(sender, 0) + 1))
        dialog.cseqs[sender] = cseq
        if method == "INVITE":
            dialog.invites[sender] = cseq
        return cseq

    def _branch(self, dialog: Dialog, hop: tuple[str, str], method: str, cseq: int) -> str:
        """Of its own for every transaction; CANCEL and the ACK of a refusal belong to the INVITE's."""
        if method == "CANCEL" or (method == "ACK" and self._last_status(dialog, hop) >= 300):
            return next(branch for what, branch, _ in reversed(self._sent[dialog.letter, *hop]) if what == "INVITE")
        return f"z9hG4bK-{dialog.letter}-{hop[0]}-{hop[1]}-{method}-{cseq}"

    def _last_response(self, dialog: Dialog, hop: tuple[str, str]) -> tuple[int, bytes]:
        """(status, bytes) of the last final response to an INVITE that came back over a hop."""
        for what, _, data in reversed(self._sent.get((dialog.letter, hop[1], hop[0]), [])):
            if what[0].isdigit() and what.endswith("/INVITE") and int(what[:3]) >= 200:
                return int(what[:3]), data
        return 0, b""

    def _last_status(self, dialog: Dialog, hop: tuple[str, str]) -> int:
        return self._last_response(dialog, hop)[0]

    def _acknowledged(self, dialog: Dialog, hop: tuple[str, str]) -> str:
        found = re.search(rb"\r\nTo: ([^\r]*)", self._last_response(dialog, hop)[1])
        return found[1].decode() if found else ""

    def _special_headers(self, options: dict[str, str]) -> list[str]:
        lines = []
        if "refer" in options:
            name, _, replaced = options["refer"].partition("?")
            number = PARTIES.get(name, (name,))[0]
            suffix = f"?Replaces={self._dialogs[replaced].call_id.replace('@', '%40')}%3Bto-tag%3Dx" if replaced else ""
            lines.append(f"Refer-To: <sip:{number}@10.77.1.5{suffix}>")
        if "replaces" in options:
            lines.append(f"Replaces: {self._dialogs[options['replaces']].call_id};to-tag=x;from-tag=y")
        return lines

    def _body(self, what: str, options: dict[str, str]) -> tuple[str, str]:
        """(Content-Type, body): INVITEs and their answers carry an offer or an answer unless told otherwise."""
        if "status" in options:
            return (
                "message/sipfrag;version=2.0",
                f"SIP/2.0 {options['status']} Whatever\r\n",
            )
        direction = options.get("sdp", "sendrecv" if what in ("INVITE", "200/INVITE") else "no")
        if direction == "no":
            return "", ""
        held = direction == "held"
        return "application/sdp", make_sdp("" if held else direction, connection="0.0.0.0" if held else "10.77.1.9")

    def _respond(
        self,
        dialog: Dialog,
        hops: list[tuple[str, str]],
        what: str,
        options: dict[str, str],
        extra: list[str],
    ) -> list[bytes]:
        status, _, wanted = what.partition("/")
        wanted = wanted or ("INVITE" if status == "487" else "")  # its CANCEL came later
        answering = options.get("by", hops[0][0])
        packets = []
        for sender, receiver in hops:
            asked = [item for item in self._sent[dialog.letter, receiver, sender] if item[0][0].isalpha()]
            method, _, request = next(
                item for item in reversed(asked) if (item[0] == wanted if wanted else item[0] != "ACK")
            )
            lines = [f"SIP/2.0 {status} Whatever"]
            for line in request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]:
                name = line.partition(":")[0]
                if name in ("Via", "From", "To", "Call-ID", "CSeq"):
                    is_new = name == "To" and ";tag=" not in line and status != "100"
                    lines.append(f"{line};tag={answering}" if is_new else line)
            data = _finish([*lines, *extra], self._body(f"{status}/{method}", options))
            self._sent.setdefault((dialog.letter, sender, receiver), []).append((f"{status}/{method}", "", data))
            packets.append(data)
        if method == "INVITE" and 100 < int(status) < 300:
            dialog.tagged.add(answering)
        return packets

    # --- what came of it ---

    def legs(self, until_ms: int = 0) -> list[str]:
        """A line for each leg, in order of its INVITE; watching goes on for so many milliseconds without packets."""
        if until_ms:
            self.tap.wait_until(until_ms)
        found = self.tap.close()
        words = settle(found)
        return [f"{words[number]:<11} {self._tell(leg)}" for number, leg in enumerate(found)]

    def _tell(self, leg: LegEnded) -> str:
        letters = {call_key(dialog.call_id.encode()): dialog.letter for dialog in self._dialogs.values()}
        who = f"{letters[leg.call_key]} {leg.caller or '?'}>{leg.callee}"
        side = f"{leg.role}:{leg.extension}" if leg.extension else leg.role
        moments = (leg.ring_ms, leg.answer_ms, leg.end_ms)
        times = " ".join("-" if at_ms is None else str(at_ms - T0_MS) for at_ms in moments)
        return " ".join(
            [
                f"{who} {side} {times} {leg.ended_by or 'nobody'} {leg.final_code}",
                *_extras(leg, letters),
            ]
        )


def _finish(lines: list[str], typed_body: tuple[str, str]) -> bytes:
    content_type, body = typed_body
    if body:
        lines.append(f"Content-Type: {content_type}")
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode()


def _extras(leg: LegEnded, letters: dict[bytes, str]) -> list[str]:
    """Whatever is out of the ordinary about a leg."""
    said = {
        "cancelled": leg.cancelled,
        f"reason={leg.reason_sip}": leg.reason_sip,
        f"q850={leg.reason_q850}": leg.reason_q850 is not None,
        f"hold={leg.holds}x{leg.hold_ms}": leg.holds,
        f"{leg.transfer}={leg.refer_to}": leg.transfer,
        f"replaces={letters.get(leg.replaces_key)}": leg.replaces_key,
        f"connected={leg.connected}": leg.connected,
        f"diverted={leg.diverted_by}": leg.diverted_by,
        f"again={leg.retransmissions}": leg.retransmissions,
        "partial": leg.partial,
    }
    return [text for text, is_so in said.items() if is_so]


def settle(legs: list[LegEnded]) -> dict[int, str]:
    """The outcome word that the sink settles for each leg, by its place."""
    records = [
        Leg(
            leg_id=str(number),
            office="o",
            box="b",
            epoch=0,
            seq=number,
            call_key=leg.call_key.hex(),
            t_invite=leg.invite_ms,
            t_ring=leg.ring_ms,
            t_answer=leg.answer_ms,
            t_end=leg.end_ms,
            replaces_key=leg.replaces_key.hex(),
            **{name: getattr(leg, name) for name in SAME_NAMES},
        )
        for number, leg in enumerate(legs)
    ]
    outcomes = stitch(records, OfficePlan("o")).outcomes
    return {number: outcomes[str(number)] for number in range(len(legs))}


SAME_NAMES = (
    "role", "direction", "extension", "caller", "callee", "final_code", "cancelled", "ended_by", "reason_sip",
    "reason_q850", "hold_ms", "holds", "transfer", "refer_to", "connected", "diverted_by", "retransmissions", "partial",
)  # fmt: skip


def told(ladder: str, *, until_ms: int = 0, **settings: object) -> str:
    """The legs of a ladder, one line each.

    Word, letter, caller>callee, role:extension, ring, answer and end in ms, who ended it, final status, what else.
    """
    return "\n".join(Story(ladder, **settings).legs(until_ms))


def lines(text: str) -> str:
    """Expected legs as written in a test, without its indentation and comments."""
    kept = (line.partition("#")[0].strip() for line in text.strip().splitlines())
    return "\n".join(re.sub(r"^(\S+)\s+", lambda word: f"{word[1]:<11} ", line) for line in kept if line)
