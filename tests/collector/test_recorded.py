"""The time of recorded packets: `collector.recorded`, and what disorder means for legs."""

from builders import PBX, Tap, make_invite, make_pcap, make_request, make_response, make_udp_frame, phone
from hypothesis import given
from hypothesis import strategies as st

from collector.adapters.pcapfile import open_captures
from collector.core.events import LegEnded
from collector.core.monitor import CallMonitor, MonitorSettings
from collector.core.wire import encode_event
from collector.recorded import JITTER_MS, MAX_HELD, Timeline, in_order

T0_MS = 1_795_329_550_616


def record(stamp_ms):
    """A record of a given time."""
    return b"", stamp_ms, 1, 0


def stamps(*times_ms):
    """The times in the order in which records with the given ones come out."""
    batches = in_order(iter([[record(at_ms)] for at_ms in times_ms]))
    return [stamp for batch in batches for _, stamp, _, _ in batch]


@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, JITTER_MS)), max_size=60))
def test_disorder_within_the_jitter_is_undone(arrivals):
    """Each packet is written up to 100 ms late: they come out by their time, none lost."""
    written = [at_ms for _, at_ms in sorted((at_ms + late_ms, at_ms) for at_ms, late_ms in arrivals)]
    assert sorted(written) == stamps(*written)


def test_packets_of_one_moment_keep_their_order():
    """What has the same time stamp stays as it was written."""
    records = [(bytes([number]), 100 - number // 4 % 2, 1, 0) for number in range(12)]
    found = [data[0] for batch in in_order(iter([records])) for data, _, _, _ in batch]
    assert [4, 5, 6, 7, 0, 1, 2, 3, 8, 9, 10, 11] == found


def test_clock_that_was_set_back_is_no_disorder():
    """More than the jitter: the packets keep the order in which they were written."""
    assert [10_000, 10_050, 9_000, 9_010] == stamps(10_000, 10_050, 9_000, 9_010)


def test_packets_without_a_time_stay_where_they_are():
    """A simple packet block (pcapng) belongs behind the packet before it."""
    assert [10, None, 5, 6] == stamps(10, None, 6, 5)


def test_what_is_held_is_bounded():
    """A packet that comes later than thousands of others is no longer waited for."""
    assert [990, *[1_000] * (MAX_HELD - 1)] == stamps(*[1_000] * (MAX_HELD - 1), 990)
    assert stamps(*[1_000] * MAX_HELD, 990)[0] == 1_000


def test_timeline_clamps_small_disorder_and_goes_on_after_a_step():
    """Two seconds or less are packets out of order; more is a clock that was set back."""
    timeline = Timeline()
    assert [10_000, 10_000, 10_100] == [timeline.place(at) for at in (10_000, 9_000, 10_100)]
    assert [10_100, 10_150] == [timeline.place(at) for at in (5_000, 5_050)]
    assert timeline.place(None) == 10_150


# --- legs -----------------------------------------------------------------------------------------------------------


def office():
    """(milliseconds, frame) of a ring group: three phones ring, one answers, holds, is held, and hangs up."""
    frames = []
    for number, extension in enumerate((101, 102, 103)):
        invite = make_invite(callee=str(extension), call_id=f"ring-{extension}", branch=f"z9hG4bK{extension}")
        steps = [(0, ">", invite), (3, "<", make_response(invite, 100)), (40, "<", make_response(invite, 180))]
        if extension == 102:
            bye = make_request("BYE", callee="102", call_id="ring-102", cseq=2, to_tag="b")
            ack = make_request("ACK", callee="102", call_id="ring-102", to_tag="b")
            steps += [(2_000, "<", make_response(invite, 200)), (2_002, ">", ack)]
            steps += [(9_000, ">", bye), (9_004, "<", make_response(bye, 200))]
        else:
            reason = [("Reason", 'SIP;cause=200;text="Call completed elsewhere"')]
            cancel = make_request(
                "CANCEL", callee=str(extension), call_id=f"ring-{extension}", branch=f"z9hG4bK{extension}", extra=reason
            )
            steps += [(2_010, ">", cancel), (2_013, "<", make_response(cancel, 200))]
            steps += [(2_015, "<", make_response(invite, 487))]
        for at_ms, arrow, message in steps:
            ends = (PBX, phone(extension)) if arrow == ">" else (phone(extension), PBX)
            frames.append((T0_MS + at_ms + number, make_udp_frame(message, *ends)))
    return sorted(frames)


def legs_of(path):
    """Every fact of every leg, as it goes over the wire."""
    monitor = CallMonitor(MonitorSettings(pbx=(PBX,), extensions=(("101", "120"),)))
    legs, at_ms = [], 0
    for frame, at_ms, link_type, length in open_captures([str(path)]).frames():
        monitor.receive_frame(frame, at_ms, link_type, length)
    monitor.close(at_ms)
    while (event := monitor.next_event()) is not None:
        if isinstance(event, LegEnded):
            legs.append(encode_event(event))
    return sorted(legs, key=str)


@given(st.data())
def test_legs_are_the_same_in_any_order_within_the_jitter(tmp_path_factory, data):
    """A recording whose packets were written up to 100 ms late, each by its own delay, tells the same legs."""
    frames = office()
    late_ms = data.draw(st.lists(st.integers(0, JITTER_MS), min_size=len(frames), max_size=len(frames)))
    folder = tmp_path_factory.mktemp("jitter")
    written = sorted(zip(frames, late_ms, strict=True), key=lambda item: (item[0][0] + item[1], item[0][0]))
    (folder / "ordered.pcap").write_bytes(make_pcap(frames))
    (folder / "jitter.pcap").write_bytes(make_pcap([frame for frame, _ in written]))
    assert legs_of(folder / "ordered.pcap") == legs_of(folder / "jitter.pcap")


def test_invite_that_its_ringing_overtook():
    """Two interfaces heard live, the answers first: no lost INVITE, no repetition, and its facts are known."""
    tap = Tap()
    invite = make_invite(extra=[("P-Asserted-Identity", "<sip:07700900999@x>")])
    tap.send(0, phone(101), PBX, make_response(invite, 180))
    tap.send(2, PBX, phone(101), invite)
    tap.send(900, phone(101), PBX, make_response(invite, 486))
    [leg] = tap.close()
    assert ("447700900999", False, 0, 486) == (leg.caller, leg.partial, leg.retransmissions, leg.final_code)
    assert leg.ring_ms == leg.invite_ms == T0_MS
