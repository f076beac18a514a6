"""Readable builders of the records KPIs are computed from."""

from collections.abc import Callable

import pytest

from cloud_sink.contacts.records import Contact, Leg

START = 1_780_304_400_000  # 2026-06-01 09:00 UTC


@pytest.fixture(scope="session")
def start() -> int:
    """A Monday morning at nine, UTC."""
    return START


@pytest.fixture(scope="session")
def make_contact() -> Callable[..., Contact]:
    """Build an incoming contact: answered by 101 after `wait_s`, over after `talk_s`, unless told otherwise."""
    return build_contact


@pytest.fixture(scope="session")
def make_leg() -> Callable[..., Leg]:
    """Build a phone leg towards an extension: rings at once, answered after `ring_s`, ended after `talk_s`."""
    return build_leg


def build_contact(
    disposition: str = "answered",
    *,
    at_s: float = 0,
    wait_s: float | None = 5,
    talk_s: float = 60,
    hold_s: float = 0,
    ring_s: float | None = None,
    **fields: object,
) -> Contact:
    """One contact `at_s` seconds after the start."""
    offer = START + round(at_s * 1000)
    waited = 0 if wait_s is None else round(wait_s * 1000)
    answered = disposition == "answered"
    agent = "101" if answered else ""
    known: dict[str, object] = {
        "contact_id": f"lab-00000001-{offer}-{disposition}",
        "office": "lab",
        "queue": "support",
        "did": "442079460400",
        "direction": "in",
        "caller": "447700900001",
        "t_offer": offer,
        "t_pbx_answer": offer,
        "t_first_ring": offer,
        "t_agent_answer": offer + waited if answered else None,
        "t_end": offer + waited + (round((talk_s + hold_s) * 1000) if answered else 0),
        "disposition": disposition,
        "agent": agent,
        "extension": agent,
        "wait_ms": None if wait_s is None else waited,
        "wait_basis": "queue",
        "ring_ms": None if ring_s is None else round(ring_s * 1000),
        "talk_ms": round(talk_s * 1000) if answered else 0,
        "hold_ms": round(hold_s * 1000) if answered else 0,
        "transfers": 0,
        "rings": 1,
        "short": disposition == "abandoned" and wait_s is not None and wait_s < 5,
        "correlation": "exact",
        "visibility": "T2",
        "kind": "queue",
    }
    return Contact(**(known | fields))  # type: ignore[arg-type]


def build_leg(
    extension: str = "101",
    *,
    at_s: float = 0,
    ring_s: float | None = 5,
    talk_s: float | None = 60,
    hold_s: float = 0,
    **fields: object,
) -> Leg:
    """One phone leg `at_s` seconds after the start; never answered without `talk_s`, never rang without `ring_s`."""
    invite = START + round(at_s * 1000)
    answered = invite + round((ring_s or 0) * 1000)
    known: dict[str, object] = {
        "leg_id": f"lab-00000001-{invite}-{extension}",
        "office": "lab",
        "box": "lab",
        "epoch": 1,
        "seq": 1,
        "call_key": "00",
        "role": "phone",
        "direction": "in",
        "extension": extension,
        "caller": "447700900001",
        "callee": extension,
        "t_invite": invite,
        "t_ring": None if ring_s is None else invite,
        "t_answer": None if talk_s is None else answered,
        "t_end": answered + round(((talk_s or 0) + hold_s) * 1000),
        "hold_ms": round(hold_s * 1000),
    }
    return Leg(**(known | fields))  # type: ignore[arg-type]
