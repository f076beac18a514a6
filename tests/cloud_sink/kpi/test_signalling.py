"""Signalling health: RFC 6076 by vantage point, by leg and by contact; and sound by phones' reports."""

from dataclasses import replace

from cloud_sink.contacts.facts import Registers, Voice
from cloud_sink.kpi.period import Period
from cloud_sink.kpi.signalling import signalling_report

from .conftest import START, build_leg

HOUR = Period(START, START + 3_600_000)


def ended(at_s: float = 0, *, ring_s: float | None = 2, talk_s: float | None = 60, **facts: object):
    """A leg that was hung up in order after `talk_s`, or ended by a status; `ring_s` from its INVITE to its ringing."""
    leg = build_leg("101", at_s=at_s, ring_s=8, talk_s=talk_s)
    known = {
        "leg_id": f"{at_s}",
        "t_ring": None if ring_s is None else leg.t_invite + round(ring_s * 1000),
        "final_code": 200 if talk_s is not None else 0,
        "ended_by": "caller" if talk_s is not None else "",
        "bye_response_ms": 30 if talk_s is not None else None,
    }
    return replace(leg, **(known | facts))


def refused(code: int, at_s: float, **facts: object):
    """A leg refused 400 ms after its INVITE without a ring."""
    leg = ended(at_s, ring_s=None, talk_s=None, final_code=code)
    return replace(leg, t_end=leg.t_invite + 400, **facts)


def seen(*legs, contact_of=None, registers=(), voices=()):
    """The report of an hour."""
    return signalling_report(legs, contact_of or {}, registers, voices, period=HOUR)


def shares(figures):
    """Counters of the four shares."""
    return {name: (f.value.numerator, f.value.denominator) for name, f in figures.items() if name in SHARES}


SHARES = ("sip_ser", "sip_seer", "sip_isa", "sip_scr")


def test_ring_group_is_ten_invites_and_one_contact() -> None:
    """One 200 and nine 487: a tenth of the legs, all of the contacts (RFC 6076 section 4.6)."""
    legs = [ended(0)] + [ended(n, talk_s=None, cancelled=True, final_code=487) for n in range(1, 10)]
    phone = seen(*legs, contact_of={leg.leg_id: "one" for leg in legs}).vantages["phone"]
    assert (10, 1) == (phone.invites, phone.contacts)
    assert {"sip_ser": (1, 10), "sip_seer": (1, 10), "sip_isa": (0, 10), "sip_scr": (1, 10)} == shares(phone.by_leg)
    assert {"sip_ser": (1, 1), "sip_seer": (1, 1), "sip_isa": (0, 1), "sip_scr": (1, 1)} == shares(phone.by_contact)


def test_what_each_status_counts_for() -> None:
    """Busy is the network's success, 503 and silence its failure, a redirection asks elsewhere."""
    silent = replace(refused(0, 4), t_end=START + 36_000)
    legs = [ended(0), refused(486, 1), refused(503, 2), refused(302, 3), silent, refused(404, 5)]
    phone = seen(*legs).vantages["phone"]
    assert {"sip_ser": (1, 5), "sip_seer": (2, 5), "sip_isa": (2, 6), "sip_scr": (1, 6)} == shares(phone.by_leg)


def test_delays_of_calls_that_succeed_and_fail_are_never_mixed() -> None:
    """INVITE to ringing of an answered and of a cancelled one; to the refusal of a refused one (section 4.3)."""
    legs = [ended(0), ended(100, ring_s=4, talk_s=None, cancelled=True, final_code=487), refused(486, 200)]
    found = seen(*legs).vantages["phone"].by_leg
    assert (3.0, 2, 2.0, 4.0) == (
        found["sip_srd_ok"].value.value, found["sip_srd_ok"].value.denominator, found["sip_srd_ok"].p50,
        found["sip_srd_ok"].p95,
    )  # fmt: skip
    assert (0.4, 1) == (found["sip_srd_fail"].value.value, found["sip_srd_fail"].value.denominator)


def test_hanging_up() -> None:
    """In order after 30 ms, refused after 50 ms, and never answered: that call lasted timer F longer (section 4.5)."""
    legs = [ended(0), ended(100, bye_response_ms=50, bye_code=481), ended(200, bye_response_ms=None)]
    found = seen(*legs).vantages["phone"].by_leg
    assert [30, 50] == [found[name].value.value for name in ("sip_sdd_ok", "sip_sdd_fail")]
    assert [(60.0, 2), (92.0, 1)] == [
        (found[name].value.value, found[name].value.denominator) for name in ("sip_sdt_ok", "sip_sdt_fail")
    ]


def test_vantage_points_are_apart() -> None:
    """A customer's call is a leg at the trunk and one at a phone; what was seen in part is in neither."""
    trunk = ended(1, role="trunk", direction="in", extension="")
    outward = ended(2, role="trunk", direction="out", extension="")
    found = seen(ended(0), trunk, outward, ended(3, partial=True), ended(4, role="other"), ended(7200)).vantages
    assert [1, 1, 1] == [found[name].invites for name in ("phone", "trunk_in", "trunk_out")]


def test_registration() -> None:
    """Phones with the PBX, the PBX with its carrier: from the first REGISTER to the 2xx, and the share that failed."""
    registers = [
        Registers(START, START + 60_000, "phone", "101", 3, 1, 403, (130, 30)),
        Registers(START, START + 60_000, "trunk", "carrier", 4, 4, 503),
        Registers(START - 1, START, "phone", "101", 9, 9),
    ]
    found = seen(registers=registers).vantages
    assert (80, 2) == (found["phone"].by_leg["sip_rrd"].value.value, found["phone"].by_leg["sip_rrd"].value.denominator)
    assert [(1, 3), (4, 4)] == [
        (found[name].by_leg["sip_ira"].value.numerator, found[name].by_leg["sip_ira"].value.denominator)
        for name in ("phone", "trunk_out")
    ]
    assert found["trunk_in"].by_leg["sip_ira"].value.value is None


def test_nothing_seen_is_null() -> None:
    """RFC 6076 section 4: undefined, neither 0 nor 100 %."""
    phone = seen().vantages["phone"]
    figures = [*phone.by_leg.values(), *phone.by_contact.values()]
    assert [None] * len(figures) == [figure.value.value for figure in figures]
    assert 16 == len(figures)


def test_sound() -> None:
    """Mean, median, what the worst twentieth had, and each phone by itself; a report without a score has none."""
    voices = [Voice(START + n, "101", "", 400 + n, None, 50, delay_ms=80) for n in range(20)]
    report = seen(voices=[*voices, Voice(START, "102", "", None, 410, jitter_ms=3), Voice(START - 1, "101", "", 100)])
    assert (20, 81.9, 4.09, 4.0) == (
        report.sound.mos_lq.value.denominator, report.sound.mos_lq.value.numerator, report.sound.mos_lq.p50,
        report.sound.worst,
    )  # fmt: skip
    assert (0.5, 80, 3) == (report.sound.loss_percent, report.sound.delay_ms, report.sound.jitter_ms)
    assert ["101", "102"] == list(report.sound_of)
    assert report.sound_of["102"].mos_lq.value.value is None
