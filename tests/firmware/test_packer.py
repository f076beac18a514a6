"""MessagePack of the firmware against the msgpack library: `firmware.packer`."""

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.core import wire
from collector.core.events import GapObserved, HealthReported, LegEnded, RegistrationChanged
from firmware import packer

T0_MS = 1_795_329_550_616
EDGES = [0, 1, 127, 128, 255, 256, 65535, 65536, 2**30, 2**32 - 1, 2**32, 2**53, 2**64 - 1]
EDGES += [-1, -32, -33, -128, -129, -32768, -32769, -(2**31), -(2**31) - 1, -(2**63)]
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=300) | st.binary(max_size=300)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=20), max_leaves=20
)


def make_rows() -> list[tuple[int, list[object]]]:
    """One event of every kind, the later one first; a leg with more fields than a short array holds."""
    leg = LegEnded(T0_MS + 70_000, b"\x01\x02\x03\x04\x05\x06")
    leg.caller, leg.callee, leg.end_ms, leg.digits = "447700900123", "101", T0_MS + 99_000, "42"
    health = HealthReported(T0_MS + 60_000, {f"counter_{n}": n * 1000 for n in range(30)})
    events = [leg, RegistrationChanged(T0_MS, "phone", "101", True), GapObserved(T0_MS, T0_MS + 9, "test", 3), health]
    return [wire.encode_event(event) for event in events]


def waiting(rows: list[tuple[int, list[object]]]) -> list[bytes]:
    """The rows as they wait in a board's memory."""
    return [t_ms.to_bytes(packer.TIME_BYTES, "big") + packer.pack(body) for t_ms, body in rows]


@pytest.mark.parametrize("number", EDGES)
def test_integers_take_the_shortest_form(number: int) -> None:
    """Every boundary between two sizes is written as the library writes it, and read back."""
    assert msgpack.packb(number) == packer.pack(number)
    assert number == packer.unpack(packer.pack(number))


@given(VALUES)
def test_writes_what_the_library_writes(value: object) -> None:
    """Any value of the wire's types has the library's bytes."""
    assert msgpack.packb(value) == packer.pack(value)


@given(VALUES)
def test_reads_what_the_library_writes(value: object) -> None:
    """Any value of the wire's types comes back, unless it is nested deeper than anything on the wire."""
    try:
        assert value == packer.unpack(msgpack.packb(value))
    except packer.Malformed as problem:
        assert "deeply" in str(problem)  # noqa: PT017 - both outcomes are right


@given(st.binary(max_size=60))
def test_junk_is_malformed_and_nothing_else(data: bytes) -> None:
    """Any bytes are read or refused: no other error, no endless loop."""
    try:
        packer.unpack(data)
    except packer.Malformed:
        return


def test_batch_of_packed_events_is_the_batch_of_the_wire() -> None:
    """Putting packed events together gives the bytes of `wire.encode_batch`, packed."""
    rows = make_rows()
    expected = msgpack.packb(wire.encode_batch(0xDEADBEEF, 41, 1, rows))
    assert expected == packer.pack_batch(0xDEADBEEF, 41, 1, waiting(rows))


def test_long_batch_has_a_long_header() -> None:
    """Fifty events of one kind, the most that a batch holds."""
    rows = [wire.encode_event(GapObserved(T0_MS + n, T0_MS + n, "test", n)) for n in range(50)]
    expected = msgpack.packb(wire.encode_batch(1, 1, 0, rows))
    assert expected == packer.pack_batch(1, 1, 0, waiting(rows))
