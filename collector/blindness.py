"""Knowing when the box is blind: conditions with a name, their evidence, and what to do about them.

Pure: told messages, events and facts, it says what began, what ended, and which time was lost (gap events). Each
condition is judged over a window of ten minutes, so that one odd call proves nothing.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from collector.core.events import GapObserved, LegEnded, RegistrationChanged
from collector.flows import FlowTable
from collector.ports import Event

JUDGE_MS = 60_000  # between two judgements
WINDOW = 10  # judgements back
MIN_MESSAGES = 20  # in a window: fewer prove nothing
MAX_GAP_MS = 900_000  # blindness is reported in pieces, so that a report of today knows of it today
EXTENSIONS_AFTER_MS = 2 * 3_600_000  # by then every phone that is in service has registered again


@dataclass(frozen=True, slots=True)
class Facts:
    """What the host knows at one look: the core's counters; of each source its trouble and its own counters."""

    counters: dict[str, int]
    sources: dict[str, tuple[str, dict[str, int]]]


@dataclass(frozen=True, slots=True)
class Condition:
    """One way of being blind; `blinds` says that the time is lost for KPIs, from `since_ms` on."""

    name: str
    evidence: str
    remedy: str
    blinds: bool = False
    since_ms: int = -1  # -1: from now on


# name -> what to do; the words of `ringtap doctor` too
REMEDIES = {
    "source_failed": "the evidence says what to do; the other sources go on",
    "source_silent": "this source alone has stopped: look at its cable, or at the router (its sniffer may have to be "
    "started again after a restart) or PBX that feeds it",
    "packets_refused": "somebody sends to this box who may not: add the address (the log names it) to allow, or give "
    "the PBX the key of auth_key_file",
    "packets_dropped": "give the box a faster processor or less traffic: mirror the PBX's port only",
    "no_packets": "check the cable and the mirror port, or the router's sniffer; on the router: /tool sniffer print",
    "no_sip": "packets come, but no SIP: check [sip] ports, and that the mirror has the PBX's or the uplink's port (it "
    "mirrors nothing where none of the packets is between other machines)",
    "rtp_without_sip": "voice passes here and SIP does not: SIP uses another port, is encrypted, or takes another way",
    "sip_on_other_ports": "add these ports to [sip] ports",
    "encrypted_sip": 'calls of these phones cannot be read: let the PBX mirror its SIP by HEP (kind = "hep")',
    "one_direction": "mirror both directions (ingress and egress) of the port; mangle rules: one for each chain",
    "requests_without_responses": "FastTrack or switch-chip forwarding hides answers: accept SIP before the fasttrack "
    "rule, set hw=no on the bridge ports, or mirror the port",
    "responses_without_requests": "one direction is missing: mirror ingress and egress of the port",
    "dialogs_begin_unseen": "dialogs are seen from their middle only: FastTrack hides their beginning, or the mirror "
    "misses a port",
    "duplicate_feed": "every packet comes twice: mirror one direction of one port only, or remove one of two sources; "
    "calls are counted once all the same",
    "clock_unsynchronised": "set up time synchronisation (timedatectl set-ntp true); durations are right, times of day "
    "may not be",
    "missing_extensions": "phones on another switch are not mirrored, or [sip] extensions names some that do not exist",
}


class Lookout:
    """Judges facts. `silence_ms` without SIP is blindness; `extensions` are those that ought to be seen."""

    def __init__(
        self,
        silence_ms: int,
        extensions: frozenset[str] = frozenset(),
        *,
        clock_ok: Callable[[], bool] = lambda: True,
        sample_traffic: Callable[[], str] = str,
    ) -> None:
        self._silence_ms = silence_ms
        self._expected = extensions
        self._seen: set[str] = set()
        self._clock_ok = clock_ok
        self._sample_traffic = sample_traffic
        self.flows = FlowTable()
        self._history: deque[dict[str, int]] = deque(maxlen=WINDOW)
        self._conditions: dict[str, Condition] = {}
        self._changes: list[tuple[str, Condition]] = []
        self._reported_ms: dict[str, int] = {}  # until when each blinding condition's time was told
        self._drops: dict[str, int] = {}
        self._heard: dict[str, tuple[int, int]] = {}  # source -> packets, and when there was one more
        self._dropped = -JUDGE_MS, ""
        self._refused: dict[str, int] = {}  # source -> packets and connections that were not welcome
        self._refusal = -WINDOW * JUDGE_MS, ""
        self._began_ms = self._looked_ms = self._sip_ms = self._frames_ms = self._judge_ms = -1
        self._messages = self._frames = 0

    # --- what happens ---

    def receive_event(self, event: Event) -> None:
        """An event of the core: it may show an extension."""
        if isinstance(event, LegEnded | RegistrationChanged) and event.extension:
            self._seen.add(event.extension)

    def conditions(self) -> list[Condition]:
        """Those that hold now."""
        return list(self._conditions.values())

    def next_changes(self) -> list[tuple[str, Condition]]:
        """("condition_began" or "condition_ended", condition) since the last call."""
        changes, self._changes = self._changes, []
        return changes

    # --- judging ---

    def look(self, now_ms: int, facts: Facts) -> list[GapObserved]:
        """Once a second; returns the time that was lost, where it has ended or a piece of it is full."""
        if self._began_ms < 0:
            self._began_ms = self._looked_ms = self._sip_ms = self._frames_ms = now_ms
            self._judge_ms = now_ms + JUDGE_MS
        gaps = self._count_drops(now_ms, facts)
        self._count_refusals(now_ms, facts)
        self._notice_life(now_ms, facts)
        held = {condition.name: condition for condition in self._judge_at_once(now_ms, facts)}
        if now_ms >= self._judge_ms:
            self._judge_ms = now_ms + JUDGE_MS
            held |= {condition.name: condition for condition in self._judge_window(now_ms, facts)}
            self._turn_window(facts)
        else:
            held |= {name: self._conditions[name] for name in self._conditions if name not in _JUDGED_AT_ONCE}
        gaps += self._take_over(held, now_ms)
        self._looked_ms = now_ms
        return gaps

    def close(self, now_ms: int) -> list[GapObserved]:
        """Watching ends: what was lost until now."""
        return self._take_over({}, now_ms)

    def _take_over(self, held: dict[str, Condition], now_ms: int) -> list[GapObserved]:
        gaps = []
        for name, condition in list(self._conditions.items()):
            if name not in held:
                gaps += self._lost(condition, now_ms)
                del self._conditions[name]
                self._reported_ms.pop(name, None)
                self._changes.append(("condition_ended", condition))
            elif condition.blinds != held[name].blinds or now_ms - self._reported_ms[name] >= MAX_GAP_MS:
                gaps += self._lost(condition, now_ms)
        for name, condition in held.items():
            since_ms = now_ms if condition.since_ms < 0 else condition.since_ms
            if name not in self._conditions:
                self._changes.append(("condition_began", condition))
                self._reported_ms[name] = since_ms
            else:
                since_ms = self._conditions[name].since_ms
            self._conditions[name] = replace(condition, since_ms=since_ms)
        return gaps

    def _lost(self, condition: Condition, now_ms: int) -> list[GapObserved]:
        from_ms = self._reported_ms.get(condition.name, now_ms)
        self._reported_ms[condition.name] = now_ms
        return [GapObserved(from_ms, now_ms, condition.name, 0)] if condition.blinds and now_ms > from_ms else []

    def _count_drops(self, now_ms: int, facts: Facts) -> list[GapObserved]:
        """Packets the kernel had no room for: a gap of their own, from the last look to this one."""
        gaps = []
        for name, (_, counters) in facts.sources.items():
            drops = counters.get("drops", 0)
            lost = drops - self._drops.get(name, 0)
            self._drops[name] = drops
            if lost > 0:
                self._dropped = now_ms, f"{lost} packets of {name}"
                gaps.append(GapObserved(self._looked_ms, now_ms, "packets_dropped", lost))
        return gaps

    def _count_refusals(self, now_ms: int, facts: Facts) -> None:
        """Who may not send: told for as long as it goes on, and ten minutes more."""
        for name, (_, counters) in facts.sources.items():
            refused = sum(counters.get(kind, 0) for kind in _REFUSALS)
            if refused > self._refused.get(name, 0):
                told = ", ".join(f"{counters[kind]} {words}" for kind, words in _REFUSALS.items() if counters.get(kind))
                self._refusal = now_ms, f"{name}: {told}"
            self._refused[name] = refused

    def _notice_life(self, now_ms: int, facts: Facts) -> None:
        if facts.counters["sip_messages"] != self._messages:
            self._messages = facts.counters["sip_messages"]
            self._sip_ms = now_ms
        for name, (_, counters) in facts.sources.items():
            packets = counters.get("packets", 0)
            if name not in self._heard or self._heard[name][0] != packets:
                self._heard[name] = packets, now_ms
        packets = sum(counters.get("packets", 0) for _, counters in facts.sources.values())
        if packets != self._frames:
            self._frames = packets
            self._frames_ms = now_ms

    def _judge_at_once(self, now_ms: int, facts: Facts) -> Iterator[Condition]:
        """What needs no window: a source that failed blinds from the second it did."""
        failed = {name: trouble for name, (trouble, _) in facts.sources.items() if trouble}
        if failed:
            evidence = "; ".join(f"{name}: {trouble}" for name, trouble in failed.items())
            since_ms = min(now_ms, self._looked_ms)
            yield make_condition("source_failed", evidence, blinds=len(failed) == len(facts.sources), since_ms=since_ms)
        if now_ms - self._dropped[0] < JUDGE_MS:
            yield make_condition("packets_dropped", self._dropped[1])
        if now_ms - self._refusal[0] < WINDOW * JUDGE_MS:
            yield make_condition("packets_refused", self._refusal[1])
        silent = [
            name for name in facts.sources if name not in failed and now_ms - self._heard[name][1] >= self._silence_ms
        ]
        if silent and len(silent) + len(failed) < len(facts.sources):
            yield make_condition("source_silent", f"{', '.join(silent)}: nothing for {self._silence_ms // 1000} s")
        if now_ms - self._sip_ms >= self._silence_ms:
            held = self._conditions.get("no_packets") or self._conditions.get("no_sip")
            yield held or self._judge_silence(now_ms)

    def _judge_silence(self, now_ms: int) -> Condition:
        others = now_ms - self._frames_ms < self._silence_ms
        sample = "" if others else self._sample_traffic()  # what the kernel's filter does not let through
        silence_s = (now_ms - self._sip_ms) // 1000
        if others or sample:
            evidence = f"no SIP for {silence_s} s; what passes: {sample or 'other packets on its ports'}"
            return make_condition("no_sip", evidence, blinds=True, since_ms=self._sip_ms)
        return make_condition("no_packets", f"nothing for {silence_s} s", blinds=True, since_ms=self._sip_ms)

    def _judge_window(self, now_ms: int, facts: Facts) -> Iterator[Condition]:
        oldest = self._history[0] if self._history else dict.fromkeys(facts.counters, 0)
        deltas = {name: value - oldest.get(name, 0) for name, value in facts.counters.items()}
        yield from judge_counters(deltas)
        yield from judge_flows(self.flows)
        if not self._clock_ok():
            yield make_condition("clock_unsynchronised", "the kernel says that nothing keeps its clock")
        if now_ms - self._began_ms >= EXTENSIONS_AFTER_MS:
            yield from judge_extensions(self._expected, self._seen)
        if "no_sip" in self._conditions or "no_packets" in self._conditions:
            yield from judge_traffic(self._sample_traffic())

    def _turn_window(self, facts: Facts) -> None:
        self._history.append(facts.counters)
        if len(self._history) == WINDOW:
            self.flows.turn()
            self._history.clear()
            self._history.append(facts.counters)


_JUDGED_AT_ONCE = ("source_failed", "source_silent", "packets_dropped", "packets_refused", "no_packets", "no_sip")
_REFUSALS = {  # counters of sources, and what they count
    "refused": "datagrams or connections that are not welcome",
    "unauthorised": "packets without the right key",
    "malformed_streams": "connections that are no HEP",
}


def make_condition(name: str, evidence: str, *, blinds: bool = False, since_ms: int = -1) -> Condition:
    """A condition with the remedy that belongs to it."""
    return Condition(name, evidence, REMEDIES[name], blinds, since_ms)


def judge_counters(deltas: dict[str, int]) -> Iterator[Condition]:
    """What the core's counters of a window, or of a whole recording, say."""
    messages = deltas["sip_messages"]
    if deltas["encrypted"]:
        yield make_condition(
            "encrypted_sip", f"{deltas['encrypted']} TLS packets on SIP ports, {messages} messages in clear"
        )
    if messages < MIN_MESSAGES:
        return
    if deltas["orphans"] * 10 > messages:  # where only the beginning of a watch is missing it is one in thirty at most
        yield make_condition("dialogs_begin_unseen", f"{deltas['orphans']} of {messages} messages", blinds=True)
    if deltas["duplicates"] * 8 > messages:  # a doubled feed: of what belongs to calls, which is not all of it
        yield make_condition("duplicate_feed", f"{deltas['duplicates']} of {messages} messages were seen before")


def judge_flows(flows: FlowTable) -> Iterator[Condition]:
    """Which side of which conversations is not heard: where it is that of most of them, calls are missed."""
    for finding in flows.judge():
        yield make_condition(finding.name, finding.evidence, blinds=finding.mostly)


def judge_extensions(expected: frozenset[str], seen: set[str]) -> Iterator[Condition]:
    """Some of the extensions that ought to be there are, and others are not."""
    missing = expected - seen
    if missing and seen:
        evidence = f"seen {len(expected) - len(missing)} of {len(expected)}; not {', '.join(sorted(missing)[:10])}"
        yield make_condition("missing_extensions", evidence)


def judge_traffic(sample: str) -> Iterator[Condition]:
    """What a sample of the traffic means where no SIP is found; see `collector.traffic`."""
    kind, _, ports = sample.partition(" ")
    if kind == "rtp":
        yield make_condition("rtp_without_sip", f"RTP on ports {ports}")
    elif kind == "tls":
        yield make_condition("encrypted_sip", f"TLS on ports {ports}")
    elif kind == "sip":
        yield make_condition("sip_on_other_ports", f"ports {ports}")
