"""Knowing when the box is blind: `collector.blindness` and `collector.traffic`."""

import struct

import pytest
from builders import (
    PBX,
    make_invite,
    make_ipv4,
    make_ipv6,
    make_request,
    make_response,
    make_tcp,
    make_udp,
    phone,
    read,
)
from wrapped import make_websocket_frame

from collector.blindness import JUDGE_MS, MAX_GAP_MS, REMEDIES, Facts, Lookout, judge_traffic
from collector.core.counters import Counters
from collector.core.events import ROLE_PHONE, RegistrationChanged
from collector.traffic import describe_sample

SILENCE_MS = 900_000
MINUTE = 60_000


class Watch:
    """A lookout, and the facts that it is shown second by second."""

    def __init__(self, **settings):
        self.lookout = Lookout(SILENCE_MS, **settings)
        self.counters = Counters()
        self.sources = {"live": ["", {"packets": 0, "drops": 0}]}
        self.now_ms = 0
        self.gaps = []
        self.look()

    def look(self):
        """One look."""
        facts = Facts(
            self.counters.as_dict(), {name: (word, dict(count)) for name, (word, count) in self.sources.items()}
        )
        self.gaps += self.lookout.look(self.now_ms, facts)

    def pass_time(self, ms, **per_second):
        """Seconds go by, and these counters rise in each of them."""
        for _ in range(ms // 1000):
            self.now_ms += 1000
            for name, count in per_second.items():
                setattr(self.counters, name, getattr(self.counters, name) + count)
            self.sources["live"][1]["packets"] += per_second.get("frames", 0)
            self.look()

    def names(self):
        """The conditions that hold."""
        return sorted(condition.name for condition in self.lookout.conditions())

    def told_gaps(self):
        """(from, until, reason) of the gaps."""
        return [(gap.from_ms, gap.until_ms, gap.reason) for gap in self.gaps]


def test_a_healthy_tap_has_no_condition():
    """Requests and responses in both directions, for an hour: nothing to say."""
    watch = Watch()
    watch.pass_time(60 * MINUTE, frames=2, sip_requests=1, sip_responses=1)
    assert ([], [], []) == (watch.names(), watch.gaps, watch.lookout.next_changes())


@pytest.mark.parametrize(("frames", "name"), [(0, "no_packets"), (3, "no_sip")])
def test_silence_is_blindness_from_its_first_second(frames, name):
    """A quarter of an hour without SIP, with or without other packets; the gap begins where the SIP ended."""
    watch = Watch()
    watch.pass_time(MINUTE, frames=2, sip_requests=1, sip_responses=1)
    watch.pass_time(SILENCE_MS, frames=frames)
    assert [name] == watch.names()
    watch.pass_time(2 * MINUTE, frames=frames)
    watch.pass_time(1000, frames=1, sip_requests=1)
    assert [] == watch.names()
    assert (MINUTE, 18 * MINUTE + 1000) == (watch.gaps[0].from_ms, watch.gaps[-1].until_ms)
    assert all(left.until_ms == right.from_ms for left, right in zip(watch.gaps, watch.gaps[1:], strict=False))


@pytest.mark.parametrize(
    ("sample", "name"), [("other packets, none of 9 between other machines", "no_sip"), ("", "no_packets")]
)
def test_silence_is_named_by_what_the_kernels_filter_keeps_away(sample, name):
    """No packet of SIP ports: whether the cable is silent or carries other things is told by a sample of it."""
    watch = Watch(sample_traffic=lambda: sample)
    watch.pass_time(SILENCE_MS + 1000)
    [condition] = watch.lookout.conditions()
    assert (name, True) == (condition.name, sample in condition.evidence)


def test_long_blindness_is_told_in_pieces():
    """Whoever looks at today's report in the afternoon sees that the morning is missing."""
    watch = Watch()
    watch.pass_time(4 * SILENCE_MS)
    assert len(watch.gaps) >= 2
    assert all(gap.until_ms - gap.from_ms <= SILENCE_MS + MAX_GAP_MS for gap in watch.gaps)


def test_conditions_are_told_once():
    """One beginning, one end, however long it lasts; the words say what to do."""
    watch = Watch()
    watch.sources["live"][0] = "interface eth0 is down: ip link set eth0 up"
    watch.pass_time(5000)
    [(what, condition)] = watch.lookout.next_changes()
    assert ("condition_began", "source_failed", "live: interface eth0 is down: ip link set eth0 up") == (
        what,
        condition.name,
        condition.evidence,
    )
    watch.sources["live"][0] = ""
    watch.pass_time(1000)
    assert ["condition_ended"] == [what for what, _ in watch.lookout.next_changes()]
    assert [(0, 6000, "source_failed")] == watch.told_gaps()


def test_one_failed_source_of_two_is_no_lost_time():
    """The other one hears; what is said is said, but no gap is made."""
    watch = Watch()
    watch.sources["router"] = ["port 37008 is taken", {"packets": 0}]
    watch.pass_time(5000)
    del watch.sources["router"]
    watch.pass_time(1000)
    assert [] == watch.gaps


def test_a_source_that_stops_beside_others_is_named():
    """A router was restarted and its sniffer is off: the others are heard, no time is lost, and the source is named."""
    watch = Watch()
    watch.sources["router"] = ["", {"packets": 7}]
    watch.pass_time(SILENCE_MS + 1000, frames=2, sip_requests=1, sip_responses=1)
    [condition] = watch.lookout.conditions()
    assert ("source_silent", "router: nothing for 900 s", []) == (condition.name, condition.evidence, watch.gaps)
    watch.sources["router"][1]["packets"] = 8
    watch.pass_time(1000, frames=2, sip_requests=1, sip_responses=1)
    assert [] == watch.names()


def test_drops_are_a_gap_with_their_number():
    """From the look before to this one, so many packets of that source were lost."""
    watch = Watch()
    watch.pass_time(3000)
    watch.sources["live"][1]["drops"] = 17
    watch.pass_time(1000)
    assert [(3000, 4000, "packets_dropped", 17)] == [
        (gap.from_ms, gap.until_ms, gap.reason, gap.count) for gap in watch.gaps
    ]
    assert ["packets_dropped"] == watch.names()
    watch.pass_time(MINUTE)
    assert [] == watch.names()


def test_who_may_not_send_is_told():
    """A router that is not in allow, a PBX with a wrong key: told while it goes on, no time is lost."""
    watch = Watch()
    watch.sources["pbx"] = ["", {"packets": 0, "refused": 2, "unauthorised": 5}]
    watch.pass_time(1000, frames=1, sip_responses=1)
    [condition] = watch.lookout.conditions()
    assert "packets_refused" == condition.name
    assert "pbx: 2 datagrams or connections that are not welcome, 5 packets without the right key" == condition.evidence
    watch.pass_time(11 * MINUTE, frames=1, sip_responses=1)
    assert ([], []) == (watch.names(), watch.gaps)


@pytest.mark.parametrize(
    ("per_second", "name"),
    [
        ({"sip_requests": 1, "sip_responses": 1, "orphans": 2}, "dialogs_begin_unseen"),
        ({"sip_requests": 2, "sip_responses": 2, "duplicates": 2}, "duplicate_feed"),
        ({"sip_requests": 1, "sip_responses": 1, "encrypted": 1}, "encrypted_sip"),
    ],
)
def test_counters_tell_what_is_wrong_with_the_tap(per_second, name):
    """After two minutes of it the condition holds, and it goes when things are right again."""
    watch = Watch()
    watch.pass_time(2 * MINUTE, frames=4, **per_second)
    assert [name] == watch.names()
    watch.pass_time(40 * MINUTE, frames=4, sip_requests=10, sip_responses=10)
    assert [] == watch.names()


def speak(watch, source, target, message, count=10):
    """So many messages from one address to another."""
    for _ in range(count):
        watch.lookout.flows.receive_message(0, source, 5060, target, 5060, message)


def test_one_direction_of_most_conversations_is_blindness():
    """What the PBX sends to its phones and nothing back is lost time; once the phones are heard it is over."""
    watch = Watch()
    speak(watch, PBX, phone(101), read(make_request("ACK")))
    watch.pass_time(JUDGE_MS, frames=1, sip_responses=1)
    [condition] = watch.lookout.conditions()
    assert ("one_direction", True) == (condition.name, condition.blinds)
    assert "such as 10 messages from 10.77.1.5 to 10.77.1.101 and none back" in condition.evidence
    speak(watch, phone(101), PBX, read(make_request("ACK")))
    watch.pass_time(JUDGE_MS, frames=1, sip_responses=1)
    assert ([], [(JUDGE_MS, 2 * JUDGE_MS, "one_direction")]) == (watch.names(), watch.told_gaps())


def test_a_condition_blinds_from_when_it_is_that_of_most():
    """First one conversation of three, told and no more; then of all of them, and from then on the time is lost."""
    watch = Watch()
    answer = read(make_response(make_invite(), 200))
    for extension in (101, 102):
        speak(watch, PBX, phone(extension), read(make_request("ACK")), 8)
        speak(watch, phone(extension), PBX, read(make_request("ACK")), 8)
    speak(watch, PBX, phone(103), answer)
    watch.pass_time(JUDGE_MS, frames=1, sip_responses=1)
    assert (["one_direction"], [False]) == (watch.names(), [item.blinds for item in watch.lookout.conditions()])
    for extension in range(104, 110):
        speak(watch, PBX, phone(extension), answer)
    watch.pass_time(JUDGE_MS, frames=1, sip_responses=1)
    assert (["one_direction"], [True], []) == (
        watch.names(),
        [item.blinds for item in watch.lookout.conditions()],
        watch.gaps,
    )
    watch.gaps += watch.lookout.close(watch.now_ms + 1000)
    assert [(2 * JUDGE_MS, 2 * JUDGE_MS + 1000, "one_direction")] == watch.told_gaps()
    assert ["condition_began", "condition_ended"] == [what for what, _ in watch.lookout.next_changes()]


def test_unsynchronised_clock():
    """The kernel's word; durations are right all the same, so nothing is lost."""
    watch = Watch(clock_ok=lambda: False)
    watch.pass_time(JUDGE_MS, frames=1, sip_responses=1)
    assert (["clock_unsynchronised"], []) == (watch.names(), watch.gaps)


def test_missing_extensions_are_named():
    """Two hours in, one of three phones has been seen: the other two are on another switch."""
    watch = Watch(extensions=frozenset({"101", "102", "103"}))
    watch.lookout.receive_event(RegistrationChanged(0, ROLE_PHONE, "102", True))
    watch.pass_time(2 * 60 * MINUTE + JUDGE_MS, frames=1, sip_responses=1)
    [condition] = watch.lookout.conditions()
    assert ("missing_extensions", "seen 1 of 3; not 101, 103") == (condition.name, condition.evidence)


def test_traffic_is_sampled_while_there_is_no_sip():
    """Voice without SIP is another fault than silence; the sample is not taken while SIP is heard."""
    asked = []
    watch = Watch(sample_traffic=lambda: asked.append(1) or "rtp 10002 10004")
    watch.pass_time(2 * MINUTE, frames=1, sip_responses=1)
    assert [] == asked
    watch.pass_time(SILENCE_MS + JUDGE_MS, frames=1)
    assert ["no_sip", "rtp_without_sip"] == watch.names()


@pytest.mark.parametrize(
    ("sample", "name"),
    [("rtp 10002", "rtp_without_sip"), ("tls 5061", "encrypted_sip"), ("sip 5080", "sip_on_other_ports")],
)
def test_what_a_sample_means(sample, name):
    """Each kind of traffic is a condition, with its ports as evidence and a remedy."""
    [condition] = judge_traffic(sample)
    assert name == condition.name
    assert sample.split()[1] in condition.evidence
    assert REMEDIES[name] == condition.remedy


def rtp(port=10002):
    """A voice packet."""
    return make_ipv4(make_udp(struct.pack("!BBHII", 0x80, 8, 1, 160, 7) + bytes(40), 10000, port), PBX, phone(101))


def browser(frame, source_port, target_port):
    """A WebSocket's segment between a browser and the PBX."""
    return make_ipv4(make_tcp(frame, 1, source_port=source_port, target_port=target_port), PBX, phone(101), 6)


V6 = bytes(15) + b"\1"
NOTHING = "other packets, none of {} between other machines"


@pytest.mark.parametrize(
    ("packets", "expected"),
    [
        ([rtp()] * 9 + [rtp(10004)] * 6, "rtp 10002 10004"),
        ([rtp(10000 + n) for n in range(4)], NOTHING.format(4)),
        ([make_ipv4(make_udp(make_invite(), 5080, 5090), PBX, PBX)], "sip 5090"),
        ([make_ipv6(make_udp(make_invite(), 5080, 5090), V6, V6)], "sip 5090"),
        ([make_ipv4(make_tcp(make_invite(), 1, source_port=7000, target_port=7001), PBX, PBX, 6)], "sip 7001"),
        ([browser(make_websocket_frame(make_invite()), 40000, 8088)], "sip 8088"),
        ([browser(make_websocket_frame(b"SIP/2.0 200 OK\r\n", mask=b""), 8088, 40000)], "sip 8088"),
        ([browser(make_websocket_frame(b"hello"), 40000, 8088)], NOTHING.format(1)),
        ([make_ipv4(make_tcp(b"\x17\x03\x03" + bytes(30), 1, target_port=5061), PBX, PBX, 6)], "tls 5061"),
        ([make_ipv4(make_tcp(b"\x17\x03\x03" + bytes(30), 1, source_port=443), PBX, PBX, 6)], NOTHING.format(1)),
        ([b"", bytes(20), bytes(96)], NOTHING.format(3)),
        ([], ""),
    ],
)
def test_samples_are_described(packets, expected):
    """SIP anywhere, TLS on its SIP port, and RTP that is more than chance."""
    assert expected == describe_sample([packet[:96] for packet in packets], 0)


def test_a_sample_of_other_traffic_says_whether_the_port_is_mirrored():
    """Packets that are neither SIP nor voice: how many are between other machines; SIP that is heard is no news."""
    web = make_ipv4(make_tcp(b"GET", 1, source_port=80, target_port=40000), PBX, PBX, 6)
    assert "other packets, none of 3 between other machines" == describe_sample([web] * 3, 0)
    assert "other packets, 2 of 3 between other machines" == describe_sample([web] * 3, 2)
    heard = make_ipv4(make_udp(make_invite(), 5060, 5090), PBX, PBX)
    assert "sip 5090" == describe_sample([heard], 1)
    assert "other packets, 1 of 1 between other machines" == describe_sample([heard], 1, frozenset({5060}))
