"""Signalling health after RFC 6076, and how calls sounded by the phones' own reports (RFC 6035).

The RFC measures at the user agent that asks; ringtap measures where it listens, so each number names its vantage point:
`phone` (between PBX and phones), `trunk_in` and `trunk_out` (between PBX and carrier). Shares are counted by leg and by
contact: a ring group of ten phones is ten INVITEs with one 200, and one customer who was answered.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cloud_sink.contacts.facts import Registers, Voice
from cloud_sink.contacts.records import Leg
from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.value import CALLER, MILLISECONDS, MOS, SECONDS, Parts, Value, value_of

PHONE, TRUNK_IN, TRUNK_OUT = "phone", "trunk_in", "trunk_out"
VANTAGES = (PHONE, TRUNK_IN, TRUNK_OUT)
DELAYS = ("sip_rrd", "sip_srd_ok", "sip_srd_fail", "sip_sdd_ok", "sip_sdd_fail", "sip_sdt_ok", "sip_sdt_fail")
SHARES = ("sip_ser", "sip_seer", "sip_isa", "sip_scr")
TIMER_F_MS = 32_000  # 64 * T1 (RFC 3261 section 17.1.2.2): when a BYE that nobody answers is given up
OK, CANCELLED, TIMED_OUT = 200, 487, 408
EFFECTIVE = (OK, 480, 486, 600, 603)  # RFC 6076 section 4.7: the network did its part
INEFFECTIVE = (408, 500, 503, 504)  # RFC 6076 section 4.8: it did not
_SCALE = {SECONDS: 1000, MILLISECONDS: 1, MOS: 100}  # what is counted, in one of the unit shown


@dataclass(frozen=True, slots=True)
class Figure:
    """One KPI from single observations: its value, and for delays and scores how they spread, in its unit."""

    value: Value
    p50: float | None = None
    p95: float | None = None

    def to_json(self) -> dict[str, object]:
        """What the API prints."""
        return self.value.to_json() | {"p50": self.p50, "p95": self.p95}


@dataclass(frozen=True, slots=True)
class Vantage:
    """Everything seen from one point."""

    invites: int
    contacts: int
    by_leg: dict[str, Figure]
    by_contact: dict[str, Figure]  # shares only


@dataclass(frozen=True, slots=True)
class Sound:
    """How calls sounded at one extension's phone, or at all; means of what was reported, None where nothing was."""

    mos_lq: Figure
    worst: float | None  # 5 % of calls sounded worse, or as bad
    loss_percent: float | None
    delay_ms: float | None
    jitter_ms: float | None


@dataclass(frozen=True, slots=True)
class SignallingReport:
    """The office's signalling and sound in a period."""

    period: Period
    vantages: dict[str, Vantage]
    sound: Sound
    sound_of: dict[str, Sound]  # by extension

    def to_json(self) -> dict[str, object]:
        """What the API prints."""
        return {
            "period": self.period.to_json(),
            "vantages": {name: _vantage_json(vantage) for name, vantage in self.vantages.items()},
            "sound": _sound_json(self.sound),
            "sound_of": {name: _sound_json(sound) for name, sound in self.sound_of.items()},
        }


def _vantage_json(vantage: Vantage) -> dict[str, object]:
    return {
        "invites": vantage.invites,
        "contacts": vantage.contacts,
        "by_leg": {name: figure.to_json() for name, figure in vantage.by_leg.items()},
        "by_contact": {name: figure.to_json() for name, figure in vantage.by_contact.items()},
    }


def _sound_json(sound: Sound) -> dict[str, object]:
    return {
        "mos_lq": sound.mos_lq.to_json(),
        "worst": sound.worst,
        "loss_percent": sound.loss_percent,
        "delay_ms": sound.delay_ms,
        "jitter_ms": sound.jitter_ms,
    }


class SignallingTally:
    """Counts contact by contact, so that memory grows with how values differ and not with how many there are."""

    def __init__(self) -> None:
        self._points = {name: _Counts() for name in VANTAGES}
        self._sound = _Heard()
        self._sound_of: dict[str, _Heard] = {}

    def add_contact(self, legs: Iterable[Leg]) -> None:
        """All legs of one contact, each where it was seen; of partial ones neither INVITE nor end is sure."""
        groups: dict[str, list[Leg]] = {}
        for leg in legs:
            if not leg.partial and (name := vantage_of(leg)):
                groups.setdefault(name, []).append(leg)
        for name, group in groups.items():
            self._points[name].add(group)

    def add_registers(self, counted: Registers) -> None:
        """Phones register with the PBX, the PBX with its carrier; nobody registers on an incoming trunk."""
        name = {"phone": PHONE, "trunk": TRUNK_OUT}.get(counted.role)
        if name is not None:
            self._points[name].add_registers(counted)

    def add_voice(self, voice: Voice) -> None:
        """A phone's report."""
        self._sound.add(voice)
        self._sound_of.setdefault(voice.extension, _Heard()).add(voice)

    def report(self, period: Period) -> SignallingReport:
        """What was counted."""
        return SignallingReport(
            period,
            {name: counts.vantage() for name, counts in self._points.items()},
            self._sound.sound(),
            {name: heard.sound() for name, heard in sorted(self._sound_of.items())},
        )


def signalling_report(
    legs: Iterable[Leg],
    contact_of: Mapping[str, str],
    registers: Iterable[Registers],
    voices: Iterable[Voice],
    *,
    period: Period,
) -> SignallingReport:
    """Compute it; `contact_of`: leg id -> contact id, a leg that is not there is a contact of its own."""
    groups: dict[str, list[Leg]] = {}
    for leg in legs:
        if period.holds(leg.t_invite):
            groups.setdefault(contact_of.get(leg.leg_id, leg.leg_id), []).append(leg)
    tally = SignallingTally()
    for group in groups.values():
        tally.add_contact(group)
    for each in registers:
        if period.holds(each.from_ms):
            tally.add_registers(each)
    for voice in voices:
        if period.holds(voice.at_ms):
            tally.add_voice(voice)
    return tally.report(period)


def vantage_of(leg: Leg) -> str:
    """Where a leg was seen; "" where neither side is known."""
    if leg.role == "phone":
        return PHONE
    return {"in": TRUNK_IN, "out": TRUNK_OUT}.get(leg.direction, "") if leg.role == "trunk" else ""


class _Counts:
    """What one vantage point saw so far."""

    def __init__(self) -> None:
        self.codes: Counter[int] = Counter()
        self.best: Counter[int] = Counter()  # of each contact's legs
        self.completed = 0
        self.completed_contacts = 0
        self.registers, self.failed = 0, 0
        self.delays: dict[str, Counter[int]] = {name: Counter() for name in DELAYS}  # milliseconds -> how often

    def add(self, legs: Sequence[Leg]) -> None:
        codes = [final_code(leg) for leg in legs]
        completed = sum(map(_completed, legs))
        self.codes.update(codes)
        self.best[min(codes, key=_rank)] += 1
        self.completed += completed
        self.completed_contacts += completed > 0
        for leg in legs:
            for name, observed in _observations(leg):
                self.delays[name][observed] += 1

    def add_registers(self, counted: Registers) -> None:
        self.registers += counted.attempts
        self.failed += counted.failed
        self.delays["sip_rrd"].update(counted.delays_ms)

    def vantage(self) -> Vantage:
        by_leg = {name: _delays(name, counts) for name, counts in self.delays.items()}
        by_leg["sip_ira"] = _figure("sip_ira", Parts(self.failed, self.registers))
        by_leg |= _shares(self.codes, self.completed)
        by_contact = _shares(self.best, self.completed_contacts)
        return Vantage(self.codes.total(), self.best.total(), by_leg, by_contact)


def final_code(leg: Leg) -> int:
    """The INVITE's final status as the caller's side knows it; silence is a 408 to it (RFC 3261 section 8.1.3.1)."""
    if leg.t_answer is not None:
        return OK
    if leg.cancelled:
        return CANCELLED
    return leg.final_code or TIMED_OUT


def _rank(code: int) -> int:
    """The best outcome of a contact's legs is the contact's."""
    if code == OK:
        return 0
    if code in EFFECTIVE:
        return 1
    if code in INEFFECTIVE:
        return 4
    return 3 if 300 <= code < 400 else 2


def _shares(codes: Counter[int], completed: int) -> dict[str, Figure]:
    """RFC 6076 sections 4.6 to 4.9."""
    asked = codes.total()
    here = asked - sum(count for code, count in codes.items() if 300 <= code < 400)
    parts = (
        Parts(codes[OK], here),
        Parts(sum(codes[code] for code in EFFECTIVE), here),
        Parts(sum(codes[code] for code in INEFFECTIVE), asked),
        Parts(completed, asked),
    )
    return {name: _figure(name, counted) for name, counted in zip(SHARES, parts, strict=True)}


def _completed(leg: Leg) -> bool:
    """Answered, hung up, and the hanging up was answered: nothing was missing."""
    return leg.t_answer is not None and leg.t_end is not None and leg.bye_response_ms is not None


def _observations(leg: Leg) -> Iterator[tuple[str, int]]:
    """Delays in milliseconds: RFC 6076 sections 4.3, 4.4 and 4.5."""
    code = final_code(leg)
    refused = code >= 400 and code != CANCELLED
    until = leg.t_ring if leg.t_ring is not None else leg.t_end if refused else leg.t_answer
    if until is not None and (leg.final_code or not refused):
        yield "sip_srd_fail" if refused else "sip_srd_ok", until - leg.t_invite
    if leg.bye_response_ms is not None:
        yield "sip_sdd_fail" if leg.bye_code else "sip_sdd_ok", leg.bye_response_ms
    if leg.t_answer is not None and leg.t_end is not None and leg.ended_by:
        length = leg.t_end - leg.t_answer
        answered = leg.bye_response_ms is not None
        yield "sip_sdt_ok" if answered else "sip_sdt_fail", length if answered else length + TIMER_F_MS


def _delays(kpi_id: str, observed: Counter[int]) -> Figure:
    """Mean, median and 95th percentile."""
    scale = _SCALE[CATALOGUE[kpi_id].unit]
    spread = [_percentile(observed, share) for share in (50, 95)]
    parts = Parts(sum(value * count for value, count in observed.items()), observed.total())
    return _figure(kpi_id, parts, *(None if each is None else each / scale for each in spread))


def _figure(kpi_id: str, parts: Parts, p50: float | None = None, p95: float | None = None) -> Figure:
    return Figure(value_of(parts, unit=CATALOGUE[kpi_id].unit, basis=CALLER, averaged=True), p50, p95)


def _percentile(observed: Counter[int], share: int) -> int | None:
    """The smallest observation that this percentage of them does not exceed; None of none."""
    left = -(-observed.total() * share // 100)
    for value in sorted(observed):
        left -= observed[value]
        if left <= 0:
            return value
    return None


class _Heard:
    """What phones reported so far."""

    def __init__(self) -> None:
        self.scores: Counter[int] = Counter()
        self.sums = dict.fromkeys(("loss", "delay_ms", "jitter_ms"), (0, 0))  # and how many reported it

    def add(self, voice: Voice) -> None:
        if voice.mos_lq is not None:
            self.scores[voice.mos_lq] += 1
        for name, value in (("loss", voice.loss), ("delay_ms", voice.delay_ms), ("jitter_ms", voice.jitter_ms)):
            if value is not None:
                total, count = self.sums[name]
                self.sums[name] = total + value, count + 1

    def sound(self) -> Sound:
        worst = _percentile(self.scores, 5)
        loss, delay, jitter = (total / count if count else None for total, count in self.sums.values())
        return Sound(
            _delays("mos_lq", self.scores),
            None if worst is None else worst / _SCALE[MOS],
            None if loss is None else loss / 100,
            delay,
            jitter,
        )
