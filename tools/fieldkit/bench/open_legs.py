"""Memory of calls that are all up at the same time: `python -m fieldkit.bench.open_legs` prints bytes a leg."""

from collector.core.monitor import CallMonitor, MonitorSettings
from fieldkit.bench.hostile import CALL, ETHERNET, PBX, PHONE, make_message, resident_mb
from fieldkit.packets import make_udp

OPEN_LEGS = 15_000


def leg_bytes(count: int) -> int:
    """Resident memory that a talking leg adds; each has packets of its own, and a Call-ID as long as phones make it."""
    monitor = CallMonitor(MonitorSettings(pbx=(PBX,), extensions=(("101", "120"),), country="44"))
    before_mb = resident_mb()
    for number in range(count):
        for delay_ms, by_pbx, first_line, cseq in CALL[:5]:
            call_id = f"{number:08x}-3c7b-4f0a-9a41-5d2f0e6b7c88"
            message = make_message(first_line, cseq, call_id, answered="INVITE sip:" not in first_line)
            frame = make_udp(message, PBX, PHONE) if by_pbx else make_udp(message, PHONE, PBX)
            monitor.receive_frame(frame, number + delay_ms // 1000, ETHERNET, len(frame))
        while monitor.next_event() is not None:
            pass
    grown_mb = resident_mb() - before_mb
    return int(grown_mb * (1 << 20) / monitor.counters.legs_open)


if __name__ == "__main__":
    print(leg_bytes(OPEN_LEGS))
