"""`ringtap doctor`: what is wrong with a tap, and what to change on the router.

The conditions are the box's own (`collector.blindness`), judged over a whole recording, or over what an interface
carries for a while.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from ipaddress import ip_address

from collector.adapters.afpacket import InterfaceSource, sample_traffic
from collector.blindness import (
    Condition,
    judge_counters,
    judge_extensions,
    judge_flows,
    judge_traffic,
    make_condition,
)
from collector.core.counters import Counters
from collector.core.events import LegEnded, RegistrationChanged
from collector.core.hep import PORT as HEP_PORT
from collector.core.monitor import CallMonitor, MonitorSettings
from collector.core.packet import PacketDecoder
from collector.core.tzsp import PORT as TZSP_PORT
from collector.errors import WrongUse
from collector.flows import FlowTable
from collector.ports import Frame
from collector.supervisor import clock_is_synchronised
from collector.timeline import Timeline
from collector.traffic import classify_payload, describe_sample, describe_traffic

ENOUGH_TRAFFIC = 20_000  # packets that are looked at for what else there is
MAX_FLOWS = 10_000
LOOK_S = 0.1
EXTENSIONS_AFTER_S = 3_600  # by then a phone has registered again; sooner its silence proves nothing
UNVERIFIED = (
    "The router's commands are written after MikroTik's documentation; they were not tried on a router of every "
    "version. RouterOS 6 writes them with spaces (/tool sniffer set ...), and its streaming-server is an address only."
)

_STREAM = (
    "/tool/sniffer/set streaming-enabled=yes streaming-server=BOX:37008 filter-port=5060 filter-stream=yes",
    "/tool/sniffer/start",
)
_NO_OFFLOAD = ("/interface/bridge/port/set [find] hw=no",)
_ACCEPT_SIP = (
    (
        "/ip/firewall/filter/add chain=forward action=accept protocol=udp port=5060 "
        "place-before=[find action=fasttrack-connection]"
    ),
)
_MANGLE = (
    (
        "/ip/firewall/mangle/add chain=prerouting action=sniff-tzsp protocol=udp port=5060 sniff-target=BOX "
        "sniff-target-port=37008"
    ),
)
# condition -> commands on a MikroTik router; BOX is the address of this box
ROUTER_COMMANDS: dict[str, Sequence[str]] = {
    "no_packets": ("/tool/sniffer/print", *_STREAM),
    "no_sip": (*_NO_OFFLOAD, *_STREAM),
    "rtp_without_sip": ('/ip/firewall/connection/print where dst-port~"506"', *_NO_OFFLOAD),
    "one_direction": (*_NO_OFFLOAD, *_ACCEPT_SIP, *_MANGLE),
    "requests_without_responses": (*_ACCEPT_SIP, *_NO_OFFLOAD),
    "responses_without_requests": (*_ACCEPT_SIP, *_NO_OFFLOAD),
    "dialogs_begin_unseen": (*_ACCEPT_SIP, *_NO_OFFLOAD),
    "duplicate_feed": ("/tool/sniffer/print", "/ip/firewall/mangle/print where action=sniff-tzsp"),
}


@dataclass
class Examination:
    """What was seen, and what it means."""

    what: str
    seconds: float = 0.0
    counters: dict[str, int] = field(default_factory=dict)
    legs: int = 0
    extensions: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """Everything, and the router's commands of each condition."""
        conditions = [
            {"name": item.name, "evidence": item.evidence, "remedy": item.remedy, "blinds": item.blinds,
             "router": list(ROUTER_COMMANDS.get(item.name, ()))}
            for item in self.conditions
        ]  # fmt: skip
        return {**asdict(self), "conditions": conditions}


class Examiner:
    """Hears frames like a box does, and keeps what a box would not need: who speaks to whom, and what else there is."""

    def __init__(self, settings: MonitorSettings, expected: frozenset[str] = frozenset()) -> None:
        self._monitor = CallMonitor(settings)
        self._flows = FlowTable(MAX_FLOWS)
        self._monitor.message_listener = self._flows.receive_message
        self._decoder = PacketDecoder(Counters())
        self._known_ports = frozenset() if settings.any_port else frozenset(settings.ports)
        self._expected = expected
        self._kinds: list[tuple[str, int]] = []
        self._unheard: list[tuple[str, int]] = []  # SIP on ports that nobody named
        self._times: list[int] = []  # first and latest
        self._extensions: set[str] = set()
        self._legs = 0

    def receive(self, frame: bytes, now_ms: int, link_type: int, length: int) -> None:
        """One frame of the recording or the interface."""
        self._times = [self._times[0] if self._times else now_ms, now_ms]
        self._monitor.receive_frame(frame, now_ms, link_type, length)
        if len(self._kinds) < ENOUGH_TRAFFIC:
            datagram = self._decoder.decode(frame, link_type, now_ms)
            if datagram is not None:
                protocol, _, source_port, _, target_port, payload, _, _ = datagram
                kind = classify_payload(protocol, payload, source_port, target_port)
                self._kinds.append(kind)
                if kind[0] == "sip" and self._known_ports.isdisjoint((source_port, target_port)):
                    self._unheard.append(kind)
        self._take_events()

    def hears_sip(self) -> bool:
        """True once there was a SIP message."""
        return self._monitor.counters.sip_messages > 0

    def examine(self, what: str, traffic: str = "") -> Examination:
        """The end: what all of it means. `traffic` is a sample of what the kernel's filter left out."""
        if self._times:
            self._monitor.close(self._times[1])
        self._take_events()
        counters = self._monitor.counters.as_dict()
        seconds = (self._times[1] - self._times[0]) / 1000 if self._times else 0.0
        found = [*judge_counters(counters), *judge_flows(self._flows)]
        found += self._judge_others(traffic) if counters["sip_messages"] else self._judge_silence(counters, traffic)
        if seconds >= EXTENSIONS_AFTER_S:
            found += judge_extensions(self._expected, self._extensions)
        conditions: dict[str, Condition] = {}
        for condition in found:
            conditions.setdefault(condition.name, condition)
        speakers = [f"{ip_address(address)} ({count} messages)" for address, count in self._flows.speakers()[:5]]
        return Examination(what, seconds, counters, self._legs, sorted(self._extensions), speakers,
                           list(conditions.values()))  # fmt: skip

    def _judge_silence(self, counters: dict[str, int], traffic: str) -> Iterable[Condition]:
        traffic = traffic or describe_traffic(self._kinds)
        if counters["frames"]:
            yield make_condition("no_sip", f"no SIP message in {counters['frames']} packets", blinds=True)
        elif traffic:
            yield make_condition("no_sip", f"no SIP message; what passes: {traffic}", blinds=True)
        else:
            yield make_condition("no_packets", "not a single packet", blinds=True)
        yield from judge_traffic(traffic)

    def _judge_others(self, traffic: str) -> Iterable[Condition]:
        """SIP is heard, but there is more of it on ports that nobody named."""
        if self._known_ports:
            unheard = describe_traffic(self._unheard) or (traffic if traffic.startswith("sip ") else "")
            yield from judge_traffic(unheard)

    def _take_events(self) -> None:
        while (event := self._monitor.next_event()) is not None:
            self._legs += isinstance(event, LegEnded)
            if isinstance(event, LegEnded | RegistrationChanged) and event.extension:
                self._extensions.add(event.extension)


def examine_capture(
    frames: Iterable[Frame], what: str, settings: MonitorSettings, expected: frozenset[str] = frozenset()
) -> Examination:
    """A recording, all of it; `expected` are the extensions that ought to be there."""
    examiner = Examiner(settings, expected)
    for frame in frames:
        examiner.receive(*frame)
    return examiner.examine(what)


def examine_interface(
    name: str,
    settings: MonitorSettings,
    seconds: float,
    on_progress: Callable[[float], object],
    expected: frozenset[str] = frozenset(),
) -> Examination:
    """What an interface carries from now on, for so many seconds. Raises WrongUse where it cannot be heard."""
    ports = () if settings.any_port else (*settings.ports, TZSP_PORT, HEP_PORT)
    source = InterfaceSource(name, [name], ports)
    timeline, examiner = Timeline(), Examiner(settings, expected)
    source.handle_time()
    if source.trouble():
        raise WrongUse(source.trouble())
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < seconds:
        place = timeline.placer()
        for stamp_ns, frame, link_type, length in source.receive():
            examiner.receive(frame, timeline.advance(place(stamp_ns) // 1_000_000), link_type, length)
        on_progress(passed / seconds)
        time.sleep(min(LOOK_S, seconds - passed))
    on_progress(1.0)
    source.handle_time()
    sample = sample_traffic([name], seconds=1.0)
    heard_ports = frozenset(settings.ports) if examiner.hears_sip() else frozenset()
    examination = examiner.examine(name, describe_sample(sample.packets, sample.overheard, heard_ports))
    examination.seconds = seconds
    examination.conditions += _judge_host(source)
    source.close()
    return examination


def _judge_host(source: InterfaceSource) -> Iterable[Condition]:
    if drops := source.counters()["drops"]:
        yield make_condition("packets_dropped", f"{drops} packets")
    if not clock_is_synchronised():
        yield make_condition("clock_unsynchronised", "the kernel says that nothing keeps its clock")


def describe(examination: Examination) -> Iterable[str]:
    """Lines for a person."""
    counters = examination.counters
    yield (
        f"{examination.what}: {counters['frames']:,} packets in {examination.seconds:,.0f} s, "
        f"{counters['sip_messages']:,} SIP messages ({counters['sip_requests']:,} requests, "
        f"{counters['sip_responses']:,} responses), {examination.legs:,} call legs"
    )
    if examination.addresses:
        yield f"most SIP: {', '.join(examination.addresses)}"
    if examination.extensions:
        yield f"extensions: {_shorten(examination.extensions)}"
    if not examination.conditions:
        yield "nothing wrong with the tap was found"
    shown = False
    for condition in examination.conditions:
        yield ""
        yield f"{condition.name}: {condition.evidence}"
        yield f"  what to do: {condition.remedy}"
        for command in ROUTER_COMMANDS.get(condition.name, ()):
            shown = True
            yield f"  on a MikroTik router: {command}"
    if shown:
        yield f"\n{UNVERIFIED}"


def _shorten(words: Sequence[str], limit: int = 20) -> str:
    rest = f" and {len(words) - limit} more" if len(words) > limit else ""
    return ", ".join(words[:limit]) + rest
