"""Who speaks to whom, and whether both sides of it are heard.

A side that is not heard is blindness only where it is known to have spoken. Phones that are switched off never answer,
and nobody answers a scanner: such pairs of addresses say nothing. What shows that somebody spoke unheard: an ACK or a
response sent to him, or requests that nobody repeats although no answer to them was seen.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from collector.core.message import Message

MAX_FLOWS = 1_024  # pairs of addresses remembered: more than an office has, and forged ones fill no memory
MAX_RECENT = 16  # requests of a flow that may be under way at once, as far as it matters here
FLOW_MESSAGES = 6  # between two addresses: fewer prove nothing
SKEW = 5  # so many times more of one kind than of the other: one of them is not heard
SHARE = 5  # one pair in trouble is told from a fifth of all messages on

ONE_DIRECTION, NO_RESPONSES, NO_REQUESTS = "one_direction", "requests_without_responses", "responses_without_requests"


class Flow:
    """What one address sent to another: requests that want an answer, ACKs, repetitions, responses."""

    __slots__ = ("_recent", "acks", "repeats", "requests", "responses")

    def __init__(self) -> None:
        self.requests = self.acks = self.repeats = self.responses = 0
        self._recent: set[int] = set()  # hashes of requests, to know a repetition

    @property
    def messages(self) -> int:
        """All of them."""
        return self.requests + self.acks + self.repeats + self.responses

    def receive_message(self, message: Message) -> None:
        """One more."""
        if not message.is_request:
            self.responses += 1
        elif message.method == b"ACK":
            self.acks += 1
        else:
            self._receive_request(hash((message.call_id, message.cseq, message.method)))

    def _receive_request(self, identity: int) -> None:
        if identity in self._recent:
            self.repeats += 1
            return
        self.requests += 1
        if len(self._recent) >= MAX_RECENT:
            self._recent.clear()
        self._recent.add(identity)

    def add(self, other: "Flow") -> None:
        """Count what another one counted, too."""
        self.requests += other.requests
        self.acks += other.acks
        self.repeats += other.repeats
        self.responses += other.responses


_NOTHING = Flow()


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition of some pairs of addresses; `mostly` where it is that of more than half of them."""

    name: str
    evidence: str
    mostly: bool


class FlowTable:
    """Flows of a window of time: of the time since the last but one `turn`."""

    def __init__(self, max_flows: int = MAX_FLOWS) -> None:
        self._max_flows = max_flows
        self._flows: dict[tuple[bytes, bytes], Flow] = {}
        self._before: dict[tuple[bytes, bytes], Flow] = {}

    def __len__(self) -> int:
        return len(self._flows)

    def receive_message(
        self, _now_ms: int, source: bytes, _source_port: int, target: bytes, _target_port: int, message: Message
    ) -> None:
        """A SIP message from one address to another: `CallMonitor.message_listener`."""
        flow = self._flows.get((source, target))
        if flow is None:
            if len(self._flows) >= self._max_flows:
                return
            flow = self._flows[source, target] = Flow()
        flow.receive_message(message)

    def turn(self) -> None:
        """Half of the window is over: what was before it is forgotten."""
        self._before, self._flows = self._flows, {}

    def speakers(self) -> list[tuple[bytes, int]]:
        """(Address, messages from and to it), the busiest first."""
        spoken: dict[bytes, int] = {}
        for (source, target), flow in self._merged().items():
            for address in {source, target}:
                spoken[address] = spoken.get(address, 0) + flow.messages
        return sorted(spoken.items(), key=lambda item: -item[1])

    def judge(self) -> Iterator[Finding]:
        """What is not heard, and of whom."""
        flows = self._merged()
        judged = [_Pair(ends, flows) for ends in {(min(ends), max(ends)) for ends in flows}]
        judged = [pair for pair in judged if pair.verdict]
        messages = sum(pair.messages for pair in judged)
        for name in (ONE_DIRECTION, NO_RESPONSES, NO_REQUESTS):
            found = [pair for pair in judged if pair.verdict == name]
            mostly = 2 * len(found) > len(judged)
            if mostly or SHARE * sum(pair.messages for pair in found) > messages:
                yield Finding(name, _tell(found, len(judged)), mostly)

    def _merged(self) -> dict[tuple[bytes, bytes], Flow]:
        merged: dict[tuple[bytes, bytes], Flow] = {}
        for flows in (self._before, self._flows):
            for ends, flow in flows.items():
                merged.setdefault(ends, Flow()).add(flow)
        return merged


class _Pair:
    """Two addresses, what each sent to the other, and what is wrong with it: "fine", a condition, or "" for no idea."""

    def __init__(self, ends: tuple[bytes, bytes], flows: dict[tuple[bytes, bytes], Flow]) -> None:
        there, back = flows.get(ends, _NOTHING), flows.get(ends[::-1], _NOTHING)
        self.source, self.target = ends if there.messages >= back.messages else ends[::-1]
        self.there, self.back = (there, back) if there.messages >= back.messages else (back, there)
        self.messages = there.messages + back.messages
        if self.messages < FLOW_MESSAGES:
            self.verdict = ""
        elif self.source == self.target or self.back.messages:
            self.verdict = self._judge_both()
        else:
            self.verdict = self._judge_one_way(any(source == self.target for source, _ in flows))

    def _judge_both(self) -> str:
        requests, responses = self._both()
        if SKEW * responses < requests:
            return NO_RESPONSES
        return NO_REQUESTS if SKEW * requests < responses else "fine"

    def _judge_one_way(self, target_is_heard: bool) -> str:
        if self.there.acks or self.there.responses:
            return ONE_DIRECTION
        patient = self.there.repeats * 4 < self.there.requests  # nobody asks twice: there were answers
        return NO_RESPONSES if patient and not target_is_heard else ""

    def describe(self) -> str:
        """What was seen between the two."""
        seen = f"{self.there.messages} messages from {ip_address(self.source)} to {ip_address(self.target)}"
        if not self.back.messages:
            return f"{seen} and none back"
        requests, responses = self._both()
        return f"{seen} and {self.back.messages} back: {requests} requests, {responses} responses"

    def _both(self) -> tuple[int, int]:
        return self.there.requests + self.back.requests, self.there.responses + self.back.responses


def _tell(found: Iterable[_Pair], judged: int) -> str:
    pairs = sorted(found, key=lambda pair: -pair.messages)
    return f"{len(pairs)} of {judged} pairs of addresses, such as {pairs[0].describe()}"
