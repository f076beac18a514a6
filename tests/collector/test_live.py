"""The collector listening to real interfaces and sockets, as its command: `collector.live` and `collector.cli`."""

import contextlib
import errno
import io
import itertools
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import msgpack
from builders import PBX, make_pcap, phone
from live_box import ROOT, call_frames, live, make_call
from networks import free_port, ip, make_cable, wait_for
from wrapped import make_hep, make_tzsp

from collector.adapters.afpacket import BLOCK_BYTES, InterfaceSource
from collector.adapters.jsonl import JsonLines
from collector.adapters.tzsp_listener import TzspSource
from collector.blindness import Lookout
from collector.caller_keys import rotate
from collector.core import wire
from collector.core.monitor import CallMonitor, MonitorSettings
from collector.live import LiveService


def test_calls_of_sipp_are_counted_exactly(cable, start_box):
    """Two hundred real calls over a cable: two hundred legs, answered and ended, no drop."""
    box = start_box(live(cable.near))
    near, far = cable.near_address, cable.far_address
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    server = cable.at_far_end("sipp", "-sn", "uas", "-i", far, "-p", "5060", "-nostdin", **quiet)
    command = f"sipp -sn uac {far}:5060 -i {near} -p 5062 -d 100 -r 100 -m 200 -nostdin".split()
    assert 0 == subprocess.run(command, **quiet, timeout=120, check=False).returncode
    server.kill()
    server.wait()
    wait_for(lambda: len(box.events("leg")) == 200)
    assert 0 == box.stop()
    legs = box.events("leg")
    assert 200 == len(legs)
    assert {(200, False, "caller")} == {(leg["final_code"], leg["partial"], leg["ended_by"]) for leg in legs}
    health = box.events("health")[-1]["counters"]
    assert (0, 0) == (health["live_drops"], health["legs_open"])
    assert 200 * 6 <= health["sip_messages"], "INVITE, 180, 200, ACK, BYE, 200, and what sipp had to repeat"


def test_many_sources_at_once_and_one_that_fails(cable, start_box):
    """An interface, a router, a PBX and an interface that does not exist: three are heard, the fourth is named once."""
    tzsp, hep = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
    sources = live(cable.near) + live("nosuch0")
    sources += f'[[source]]\nkind = "tzsp"\nlisten = ":{tzsp}"\n[[source]]\nkind = "hep"\nlisten = ":{hep}"\n'
    box = start_box(sources)
    cable.send_frames(call_frames("over-cable"))
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        for frame in call_frames("over-tzsp"):
            sender.sendto(make_tzsp(frame), ("127.0.0.1", tzsp))
        for forward, message in make_call("over-hep"):
            ends = (PBX, phone(101)) if forward else (phone(101), PBX)
            sender.sendto(make_hep(message, *ends), ("127.0.0.1", hep))
    wait_for(lambda: len(box.events("leg")) == 3)
    assert (0, True) == (box.stop(), len(box.events("leg")) == 3)
    assert 1 == box.log().count("event=condition_began condition=source_failed")
    assert "interface nosuch0 does not exist" in box.log()
    health = box.events("health")[-1]["counters"]
    assert (6, 6, 6, 0) == tuple(health[f"{name}_packets"] for name in ("live", "tzsp", "hep", "live2"))
    assert 1 == health["source_failed"]


def test_time_without_a_carrier_is_a_gap(start_box):
    """The only interface goes down for a while: that time is a gap event, and the calls after it are heard."""
    with make_cable() as cable:
        box = start_box(live(cable.near))
        down_ms = time.time() * 1000
        ip(f"link set {cable.near} down")
        wait_for(lambda: "condition_began condition=source_failed" in box.log())
        up_ms = time.time() * 1000
        ip(f"link set {cable.near} up")
        wait_for(lambda: "condition_ended condition=source_failed" in box.log())
        heard_ms = time.time() * 1000
        cable.send_frames(call_frames("after"))
        wait_for(lambda: len(box.events("leg")) == 1)
        box.stop()
        [gap] = box.events("gap")
        assert "source_failed" == gap["reason"]
        assert gap["from_ms"] <= down_ms + 100
        assert up_ms - 100 <= gap["until_ms"] <= heard_ms + 100


def test_open_calls_are_told_as_partial_at_the_end(cable, start_box):
    """A call that is up when the service is stopped is written as far as it was seen."""
    box = start_box(live(cable.near))
    cable.send_frames(call_frames("open")[:4] + call_frames("over", extension=102))
    wait_for(lambda: len(box.events("leg")) == 1)
    assert 0 == box.stop()
    _, leg = box.events("leg")
    assert (True, None, 200) == (leg["partial"], leg["end_ms"], leg["final_code"])


def test_what_had_arrived_is_written_at_the_end(cable, start_box):
    """As many calls as the ring holds, and SIGTERM before one of them is read: each is a leg."""
    box = start_box(live(cable.near))
    box.process.send_signal(signal.SIGSTOP)
    cable.send_frames([frame for number in range(400) for frame in call_frames(f"call-{number}", padding=900)])
    box.process.send_signal(signal.SIGTERM)
    box.process.send_signal(signal.SIGCONT)
    assert 0 == box.process.wait(60)
    assert [False] * 400 == [leg["partial"] for leg in box.events("leg")]


def test_systemd_hears_ready_watchdog_reloading_and_stopping(cable, start_box, tmp_path):
    """READY=1 once it listens, WATCHDOG=1 while its loop turns, RELOADING=1 and READY=1, STOPPING=1 at the end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(60)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "600000"}
        box = start_box(live(cable.near), environment=environment)
        said = [channel.recv(1000).decode() for _ in range(3)]
        ready = "READY=1\nSTATUS=listening to 1 source(s)"
        assert [ready, "WATCHDOG=1", "WATCHDOG=1"] == said

        def next_word():
            while (word := channel.recv(1000).decode()) == "WATCHDOG=1":
                pass
            return word

        box.process.send_signal(signal.SIGHUP)
        assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", next_word())
        assert ready == next_word()
        box.stop()
        assert "STOPPING=1" == next_word()


def test_hangup_signal_exchanges_sources(cable, start_box):
    """SIGHUP: a new source is opened, an unchanged one keeps its counters; a broken file changes nothing."""
    box = start_box(live(cable.near))
    cable.send_frames(call_frames("before"))
    port = free_port(socket.SOCK_DGRAM)
    box.config.write_text("[boxx]")
    box.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "event=reload_refused" in box.log())
    box.config.write_text(box.head + live(cable.near) + f'[[source]]\nkind = "tzsp"\nlisten = ":{port}"\n')
    box.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "event=reloaded sources=live,tzsp" in box.log())
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        for frame in call_frames("after"):
            sender.sendto(make_tzsp(frame), ("127.0.0.1", port))
    wait_for(lambda: len(box.events("leg")) == 2)
    box.stop()
    health = box.events("health")[-1]["counters"]
    assert (6, 6) == (health["live_packets"], health["tzsp_packets"])


def test_hangup_signal_changes_and_removes_sources(cable, start_box):
    """A source whose allow list has changed is opened anew with it; one that is gone from the file is heard no more."""
    port = free_port(socket.SOCK_DGRAM)
    tzsp = f'[[source]]\nkind = "tzsp"\nlisten = ":{port}"\n'
    box = start_box(live(cable.near) + tzsp)
    box.config.write_text(box.head + tzsp + 'allow = ["10.0.0.0/8"]\n')
    box.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "event=reloaded sources=tzsp" in box.log())
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        sender.sendto(make_tzsp(call_frames("refused")[0]), ("127.0.0.1", port))
    wait_for(lambda: "event=sender_refused source=tzsp sender=127.0.0.1" in box.log())
    wait_for(lambda: "event=condition_began condition=packets_refused" in box.log())
    assert "promiscuity 0" in ip(f"-d link show {cable.near}"), "the interface is let go"
    box.stop()
    health = box.events("health")[-1]["counters"]
    assert (1, 1) == (health["tzsp_refused"], health["packets_refused"])
    assert "live_packets" not in health


def test_hangup_signal_takes_over_a_new_key(cable, start_box):
    """The key of callers' numbers was rotated: after SIGHUP the same caller has another code."""
    box = start_box(live(cable.near))
    box.stop()
    box.config.write_text(
        box.config.read_text().replace("clear", "keyed").replace("[privacy]", '[privacy]\nkey_file = "k"')
    )
    box.start()
    cable.send_frames(call_frames("before"))
    wait_for(lambda: len(box.events("leg")) == 1)
    rotate(box.config.with_name("k"), datetime(2020, 1, 1, tzinfo=UTC))
    box.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "event=reloaded" in box.log())
    cable.send_frames(call_frames("after"))
    wait_for(lambda: len(box.events("leg")) == 2)
    before, after = (leg["caller"] for leg in box.events("leg"))
    assert before.startswith("k")
    assert after.startswith("k")
    assert before != after


def test_every_right_but_one_is_given_up(cable, start_box):
    """Started as root, the process keeps CAP_NET_RAW and can get nothing back."""
    box = start_box(live(cable.near))
    status = dict(
        line.split(":\t", 1)
        for line in Path(f"/proc/{box.process.pid}/status").read_text().splitlines()
        if ":\t" in line
    )
    net_raw = f"{1 << 13:016x}"
    assert (net_raw, net_raw, net_raw, "1") == tuple(
        status[key] for key in ("CapEff", "CapPrm", "CapBnd", "NoNewPrivs")
    )


def test_log_has_no_numbers_of_callers(cable, start_box):
    """What happens on the wire never reaches the log above debug: not even while a call is heard."""
    box = start_box(live(cable.near), head='log = "info"')
    cable.send_frames(call_frames("quiet"))
    wait_for(lambda: len(box.events("leg")) == 1)
    box.stop()
    assert "447700900123" in box.out.read_text()
    assert "447700900123" not in box.log()
    assert all(line.startswith("level=") for line in box.log().splitlines())


def test_recording_beside_live_sources_is_refused(tmp_path, lab_config):
    """Yesterday's packets and today's have no common time: check-config and run say so, with the way out."""
    path = tmp_path / "box.toml"
    path.write_text(f'[box]\nid = "a"\n{live("lo")}[[source]]\npath = "{lab_config}"\n')
    for command in ("check-config", "run"):
        done = subprocess.run(
            [sys.executable, "-m", "collector", command, "--config", str(path)],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        assert 2 == done.returncode
        assert "[[source]] file: a recording cannot be read beside live sources; read it alone" in done.stderr


def test_growing_file_beside_an_interface(cable, start_box, tmp_path):
    """A file that tcpdump writes is one more live source; the calls of both come out."""
    path = tmp_path / "growing.pcap"
    path.write_bytes(make_pcap([]))
    box = start_box(live(cable.near) + f'[[source]]\npath = "{path}"\nfollow = true\n')
    cable.send_frames(call_frames("over-cable"))
    wait_for(lambda: len(box.events("leg")) == 1)
    calls = itertools.count()

    def heard_in_file():
        """What is written before the box has opened the file is not its business: another call is written each time."""
        now_ms = int(time.time() * 1000)
        with path.open("ab") as file:
            file.write(make_pcap([(now_ms, frame) for frame in call_frames(f"in-file-{next(calls)}")])[24:])
        return len(box.events("leg")) >= 2

    wait_for(heard_in_file)
    assert 0 == box.stop()
    health = box.events("health")[-1]["counters"]
    assert 6 == health["live_packets"]
    assert health["file_packets"] >= 6


def test_time_in_which_the_service_did_not_run_is_a_gap(tmp_path):
    """Stopped and started again: from the last sign of life until the start nothing was heard, and that is told."""
    config = tmp_path / "box.toml"
    spool = tmp_path / "spool.db"
    config.write_text(f'[box]\nid = "a"\n[mqtt]\nport = 9\n[spool]\npath = "{spool}"\n{live("lo")}')
    times = []
    for _ in range(2):
        log = tmp_path / "log"
        with log.open("wb") as err:
            command = [sys.executable, "-m", "collector", "run", "--config", str(config)]
            box = subprocess.Popen(command, cwd=ROOT, stderr=err)
        wait_for(lambda: "event=source_started" in log.read_text())  # noqa: B023 - called at once
        times.append(time.time() * 1000)
        box.send_signal(signal.SIGTERM)
        assert 0 == box.wait(60)
        times.append(time.time() * 1000)
        time.sleep(1.5)
    with contextlib.closing(sqlite3.connect(spool)) as rows:
        events = [(t_ms, *msgpack.unpackb(body)) for t_ms, body in rows.execute("SELECT t_ms, body FROM event")]
    [(from_ms, _, until_ms, reason, *_)] = [event for event in events if event[1] == wire.KIND_GAP]
    assert "not_running" == reason
    assert times[0] <= from_ms <= times[1]
    assert from_ms + 1400 <= from_ms + until_ms <= times[2]


def test_what_is_heard_reaches_the_sink(cable, broker, make_sink, tmp_path):
    """The whole way: calls on a wire, the spool, a real broker, the sink's acknowledgement, and a good-bye."""
    config = tmp_path / "box.toml"
    spool = tmp_path / "spool.db"
    config.write_text(
        f'[box]\nid = "office-1"\n[mqtt]\nport = {broker.port}\n[spool]\npath = "{spool}"\n{live(cable.near)}'
    )
    sink = make_sink(broker.port)
    log = tmp_path / "log"
    with log.open("wb") as err:
        command = [sys.executable, "-m", "collector", "run", "--config", str(config)]
        box = subprocess.Popen(command, cwd=ROOT, stderr=err)
    wait_for(lambda: "event=source_started" in log.read_text())
    for number in range(10):
        cable.send_frames(call_frames(f"call-{number}"))
    wait_for(lambda: list(sink.kinds.values()).count(wire.KIND_LEG) == 10)
    wait_for(lambda: sink.ask_for_state()["first"] > 10)
    box.send_signal(signal.SIGTERM)
    assert 0 == box.wait(60), log.read_text()
    wait_for(lambda: not sink.states[-1]["online"])
    assert sink.states[-1]["first"] > 10, "what the sink has is not waiting any more"


class Breaking(TzspSource):
    """A router's port whose socket fails once, as when its network goes away."""

    def receive(self):
        """What arrived, after the first failure."""
        if not self.failed:
            self.failed = True
            raise OSError(errno.ENETDOWN, "Network is down")
        return super().receive()

    def close(self):
        """The broken socket is let go of."""
        super().close()
        self.closed = True

    failed = closed = False


def test_a_socket_that_breaks_is_opened_again(caplog):
    """The loop goes on, the port is opened anew, and its packets are heard."""
    port = free_port(socket.SOCK_DGRAM)
    source = Breaking("router", "127.0.0.1", port)
    written = io.StringIO()
    monitor = CallMonitor(MonitorSettings(pbx=(PBX,)))
    service = LiveService(monitor, JsonLines(written), lambda _event: None, [source], Lookout(900_000))
    service.open_sources()
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        wait_for(lambda: source.closed and source.files())
        with socket.socket(type=socket.SOCK_DGRAM) as sender:
            for frame in call_frames("after"):
                sender.sendto(make_tzsp(frame), ("127.0.0.1", port))
        wait_for(lambda: '"event": "leg"' in written.getvalue())
    finally:
        service.stop()
        thread.join()
    assert "source_broke" in [record.getMessage() for record in caplog.records]


class SlowCard(JsonLines):
    """An event sink whose first write takes as long as the test wants, as a worn card may."""

    def __init__(self, stream):
        super().__init__(stream)
        self.writes = threading.Event()
        self.goes_on = threading.Event()

    def write(self, events):
        """Wait, then write."""
        self.writes.set()
        assert self.goes_on.wait(60)
        super().write(events)


def test_a_slow_card_costs_no_packets(cable):
    """While a commit waits for the card, far more packets come than the ring has room for: every call is whole."""
    source = InterfaceSource("live", [cable.near], (5060,), ring_bytes=2 * BLOCK_BYTES)
    written = io.StringIO()
    card = SlowCard(written)
    monitor = CallMonitor(MonitorSettings(pbx=(PBX,)))
    service = LiveService(monitor, card, lambda _event: None, [source], Lookout(900_000))
    service.tell_absence(int(time.time() * 1000) - 5_000)  # something to write
    service.open_sources()
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        assert card.writes.wait(60)
        for burst in range(15):  # a quarter of the ring each
            cable.send_frames([frame for n in range(20) for frame in call_frames(f"call-{burst}-{n}")])
            wait_for(lambda burst=burst: len(service._held) >= 120 * (burst + 1))
        card.goes_on.set()
        wait_for(lambda: written.getvalue().count('"event": "leg"') == 300)
    finally:
        card.goes_on.set()
        service.stop()
        thread.join()
    assert 0 == source.counters()["drops"]
