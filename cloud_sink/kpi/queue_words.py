"""What Asterisk's own queue_log says of agents: who joined which queue, and who paused where.

An agent who is paused in every queue that the log names him in is on a break; in some of them he still takes calls.
Members that the configuration file lists are never added, so of them the log tells breaks only. It writes whole
seconds: a word is taken to be from the end of its second, so that no break begins before the call that it follows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cloud_sink.kpi.coverage import Span

EVERYWHERE = "NONE"  # what the log writes instead of a queue where it means all of them
JOINS, LEAVES = (
    ("ADDMEMBER", "AGENTLOGIN", "AGENTCALLBACKLOGIN"),
    ("REMOVEMEMBER", "AGENTLOGOFF", "AGENTCALLBACKLOGOFF"),
)
PAUSES, UNPAUSES = ("PAUSE", "PAUSEALL"), ("UNPAUSE", "UNPAUSEALL")
EVENTS = (*JOINS, *LEAVES, *PAUSES, *UNPAUSES)

Edge = tuple[int, bool]


@dataclass(frozen=True, slots=True)
class QueueWord:
    """One event of an agent."""

    at_ms: int  # as written
    extension: str
    event: str  # one of EVENTS
    queue: str
    reason: str = ""  # of a pause


@dataclass(frozen=True, slots=True)
class AgentLog:
    """The words around a period, and until when the log that was imported reaches."""

    words: tuple[QueueWord, ...] = ()
    until_ms: int = 0

    @property
    def span(self) -> Span | None:
        """The time of which it tells; before and after it other sources must."""
        first = min((word.at_ms for word in self.words), default=None)
        return None if first is None else (first, max(self.until_ms, *(word.at_ms for word in self.words)))

    def by_extension(self) -> dict[str, list[QueueWord]]:
        """The words of each agent, in order."""
        found: dict[str, list[QueueWord]] = {}
        for word in sorted(self.words, key=lambda each: (each.at_ms, each.queue, each.event)):
            found.setdefault(word.extension, []).append(word)
        return found


NO_LOG = AgentLog()


@dataclass(slots=True)
class _Agent:
    """One agent's queues, event by event."""

    queues: frozenset[str]  # that the log names him in
    joined: set[str] = field(default_factory=set)
    paused: set[str] = field(default_factory=set)

    def take(self, word: QueueWord) -> None:
        queues = self.queues | {EVERYWHERE} if word.queue == EVERYWHERE else {word.queue}
        if word.event in JOINS:
            self.joined |= queues
        elif word.event in LEAVES:
            self.joined -= queues
        elif word.event in PAUSES:
            self.paused |= queues
        else:
            self.paused -= queues | {EVERYWHERE}

    @property
    def on_break(self) -> bool:
        return EVERYWHERE in self.paused or (bool(self.queues) and self.queues <= self.paused)


def edges_of(words: Sequence[QueueWord]) -> tuple[list[Edge], list[Edge]]:
    """When one agent logged in and out, and when his breaks began and ended; no edges of what is not told."""
    agent = _Agent(frozenset(word.queue for word in words if word.queue != EVERYWHERE))
    login: list[Edge] = []
    pause: list[Edge] = []
    for word in words:
        agent.take(word)
        told, state = (login, bool(agent.joined)) if word.event in (*JOINS, *LEAVES) else (pause, agent.on_break)
        if not told or told[-1][1] != state:
            told.append((_end_of_second(word.at_ms), state))
    return _without_members_of_files(login, words), pause


def _without_members_of_files(login: list[Edge], words: Iterable[QueueWord]) -> list[Edge]:
    """Whoever pauses in a queue that he never joined is listed for it, so leaving another does not log him out."""
    joined = {word.queue for word in words if word.event in (*JOINS, *LEAVES)}
    listed = any(word.queue not in joined and word.queue != EVERYWHERE for word in words)
    return [] if listed and EVERYWHERE not in joined else login


def _end_of_second(at_ms: int) -> int:
    return at_ms if at_ms % 1000 else at_ms + 999


def outside(spans: Iterable[Span], hole: Span) -> list[Span]:
    """The parts of spans that lie outside of one."""
    pieces = [piece for a, b in spans for piece in ((a, min(b, hole[0])), (max(a, hole[1]), b))]
    return [(a, b) for a, b in pieces if a < b]


def inside(spans: Iterable[Span], frame: Span) -> list[Span]:
    """The parts of spans that lie inside of one."""
    pieces = [(max(a, frame[0]), min(b, frame[1])) for a, b in spans]
    return [(a, b) for a, b in pieces if a < b]


def words_of(rows: Iterable[tuple[int, Mapping[str, object]]]) -> list[QueueWord]:
    """The words of stored rows: when, and their values."""
    return [
        QueueWord(at_ms, *(str(values[name] or "") for name in ("agent", "event", "queue", "reason")))
        for at_ms, values in rows
    ]
