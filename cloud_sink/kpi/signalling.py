"""Signalling health after RFC 6076, and how calls sounded by the phones' own reports (RFC 6035).

The RFC measures at the user agent that asks; ringtap measures where it listens, so each number names its vantage point:
`phone` (between PBX and phones), `trunk_in` and `trunk_out` (between PBX and carrier). Shares are counted by leg and by
contact: a ring group of ten phones is ten INVITEs with one 200, and one customer who was answered.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cloud_sink.contacts.facts import Registers, Voice
from cloud_sink.contacts.records import Leg
from cloud_sink.kpi.catalogue import CATALOGUE
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.value import CALLER, MILLISECONDS, MOS, SECONDS, Parts, Value, value_of

PHONE, TRUNK_IN, TRUNK_OUT = "phone", "trunk_in", "trunk_out"
VANTAGES = (PHONE, TRUNK_IN, TRUNK_OUT)
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


def signalling_report(
    legs: Iterable[Leg],
    contact_of: Mapping[str, str],
    registers: Iterable[Registers],
    voices: Sequence[Voice],
    *,
    period: Period,
) -> SignallingReport:
    """Compute it; `contact_of`: leg id -> contact id, a leg that is not there is a contact of its own."""
    groups: dict[str, list[Leg]] = {name: [] for name in VANTAGES}
    for leg in legs:
        if period.holds(leg.t_invite) and (name := vantage_of(leg)):
            groups[name].append(leg)
    attempts = [each for each in registers if period.holds(each.from_ms)]
    heard = [voice for voice in voices if period.holds(voice.at_ms)]
    phones = sorted({voice.extension for voice in heard})
    return SignallingReport(
        period,
        {name: _vantage(group, contact_of, _registers_at(attempts, name)) for name, group in groups.items()},
        _sound(heard),
        {name: _sound([voice for voice in heard if voice.extension == name]) for name in phones},
    )


def vantage_of(leg: Leg) -> str:
    """Where a leg was seen; "" where neither side is known."""
    if leg.role == "phone":
        return PHONE
    return {"in": TRUNK_IN, "out": TRUNK_OUT}.get(leg.direction, "") if leg.role == "trunk" else ""


def _registers_at(attempts: Iterable[Registers], vantage: str) -> list[Registers]:
    """Phones register with the PBX, the PBX with its carrier; nobody registers on an incoming trunk."""
    role = {PHONE: "phone", TRUNK_OUT: "trunk"}.get(vantage, "")
    return [each for each in attempts if each.role == role]


def _vantage(legs: Sequence[Leg], contact_of: Mapping[str, str], registers: Sequence[Registers]) -> Vantage:
    whole = [leg for leg in legs if not leg.partial]  # of others neither the INVITE nor its end need have been seen
    groups: dict[str, list[Leg]] = {}
    for leg in whole:
        groups.setdefault(contact_of.get(leg.leg_id, leg.leg_id), []).append(leg)
    codes = [final_code(leg) for leg in whole]
    best = [min((final_code(leg) for leg in group), key=_rank) for group in groups.values()]
    by_leg = {name: _delays(name, values) for name, values in _observations(whole, registers).items()}
    failed, tried = sum(each.failed for each in registers), sum(each.attempts for each in registers)
    by_leg["sip_ira"] = _figure("sip_ira", Parts(failed, tried))
    by_leg |= _shares(codes, sum(map(_completed, whole)))
    by_contact = _shares(best, sum(any(map(_completed, group)) for group in groups.values()))
    return Vantage(len(whole), len(groups), by_leg, by_contact)


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


def _shares(codes: Sequence[int], completed: int) -> dict[str, Figure]:
    """RFC 6076 sections 4.6 to 4.9."""
    asked = len(codes)
    here = asked - sum(300 <= code < 400 for code in codes)
    parts = (
        Parts(codes.count(OK), here),
        Parts(sum(code in EFFECTIVE for code in codes), here),
        Parts(sum(code in INEFFECTIVE for code in codes), asked),
        Parts(completed, asked),
    )
    return {name: _figure(name, counted) for name, counted in zip(SHARES, parts, strict=True)}


def _completed(leg: Leg) -> bool:
    """Answered, hung up, and the hanging up was answered: nothing was missing."""
    return leg.t_answer is not None and leg.t_end is not None and leg.bye_response_ms is not None


def _observations(legs: Sequence[Leg], registers: Sequence[Registers]) -> dict[str, list[int]]:
    """Delays in milliseconds: RFC 6076 sections 4.1, 4.3, 4.4 and 4.5."""
    found: dict[str, list[int]] = {name: [] for name in DELAYS}
    found["sip_rrd"] = [delay for each in registers for delay in each.delays_ms]
    for leg in legs:
        code = final_code(leg)
        refused = code >= 400 and code != CANCELLED
        until = leg.t_ring if leg.t_ring is not None else leg.t_end if refused else leg.t_answer
        if until is not None and (leg.final_code or not refused):
            found["sip_srd_fail" if refused else "sip_srd_ok"].append(until - leg.t_invite)
        if leg.bye_response_ms is not None:
            found["sip_sdd_fail" if leg.bye_code else "sip_sdd_ok"].append(leg.bye_response_ms)
        if leg.t_answer is not None and leg.t_end is not None and leg.ended_by:
            length = leg.t_end - leg.t_answer
            answered = leg.bye_response_ms is not None
            found["sip_sdt_ok" if answered else "sip_sdt_fail"].append(length if answered else length + TIMER_F_MS)
    return found


DELAYS = ("sip_rrd", "sip_srd_ok", "sip_srd_fail", "sip_sdd_ok", "sip_sdd_fail", "sip_sdt_ok", "sip_sdt_fail")


def _delays(kpi_id: str, observed: Sequence[int]) -> Figure:
    """Mean, median and 95th percentile."""
    scale = _SCALE[CATALOGUE[kpi_id].unit]
    spread = [_percentile(observed, share) for share in (50, 95)]
    return _figure(
        kpi_id, Parts(sum(observed), len(observed)), *(None if each is None else each / scale for each in spread)
    )


def _figure(kpi_id: str, parts: Parts, p50: float | None = None, p95: float | None = None) -> Figure:
    return Figure(value_of(parts, unit=CATALOGUE[kpi_id].unit, basis=CALLER, averaged=True), p50, p95)


def _percentile(observed: Sequence[int], share: int) -> int | None:
    """The smallest observation that this percentage of them does not exceed; None of none."""
    return sorted(observed)[-(-len(observed) * share // 100) - 1] if observed else None


def _sound(voices: Sequence[Voice]) -> Sound:
    scores = [voice.mos_lq for voice in voices if voice.mos_lq is not None]
    worst = _percentile(scores, 5)
    loss = _mean(voice.loss for voice in voices)
    return Sound(
        _delays("mos_lq", scores),
        None if worst is None else worst / _SCALE[MOS],
        None if loss is None else loss / 100,
        _mean(voice.delay_ms for voice in voices),
        _mean(voice.jitter_ms for voice in voices),
    )


def _mean(values: Iterable[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
