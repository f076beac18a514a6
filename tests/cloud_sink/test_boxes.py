"""What is wrong with a box, in words."""

from cloud_sink.boxes import CONDITIONS, troubles
from cloud_sink.store import BoxStatus
from collector.blindness import REMEDIES


def box(*, office: str = "lab", clock_ok: bool = True, **health: int) -> BoxStatus:
    """A box that reported this last."""
    return BoxStatus("box", office, online=True, first_seen_ms=1, last_seen_ms=2, last_event_ms=None, epoch=1, acked=0,
                     clock_ok=clock_ok, version="0.1.0", health_ms=2, health=health)  # fmt: skip


def test_every_condition_of_a_box_has_its_words() -> None:
    """A box learns a new way of being blind: the sink must be able to say it."""
    assert CONDITIONS.keys() == REMEDIES.keys()


def test_a_box_that_fares_well_says_nothing() -> None:
    """Counters that are zero, conditions that are over."""
    assert troubles(box(frames=10, truncated=0, no_sip=0)) == []


def test_conditions_and_counters_are_said_once() -> None:
    """The clock has two witnesses."""
    said = troubles(box(no_sip=1, tcp_gaps=4, clock_unsynchronised=1, clock_ok=False))
    assert said == ["it hears packets, but no SIP", "nothing keeps its clock", "pieces of SIP over TCP were lost"]
    assert troubles(box(clock_ok=False)) == ["its clock is not set by NTP"]


def test_a_box_without_an_office_is_told() -> None:
    """Its calls are in no report."""
    (said,) = troubles(box(office=""))
    assert "no office lists it" in said
