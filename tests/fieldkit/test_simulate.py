"""Offices that do not exist: what ringtap says of them is the truth that their simulation tells."""

import json
import socket
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import free_port, wait_for

from cloud_sink.config import office_plans
from collector import config
from collector.adapters.pcapfile import open_captures
from fieldkit.cli import main
from fieldkit.packets import make_udp, write_pcap
from fieldkit.replay import replay
from fieldkit.simulate import describe_office, tell_truth
from fieldkit.simulation import Simulation, Wishes

OFFICES = st.builds(
    Wishes,
    calls=st.integers(1, 40),
    calls_an_hour=st.floats(20, 900),
    agents=st.integers(1, 8),
    patience_s=st.floats(1, 120),
    pick_up_s=st.floats(0.1, 20),
    talk_s=st.floats(1, 200),
    wrap_up_s=st.floats(0, 60),
    second_line=st.integers(0, 4),
    queue_timeout_s=st.floats(5, 90),
    seed=st.integers(0, 1 << 30),
)


def hear(wishes, folder):
    """What a replay says of this office: its KPIs in total, and its contacts."""
    simulation = Simulation(wishes)
    simulation.run()
    toml, pcap = folder / "office.toml", folder / "office.pcap"
    toml.write_text(describe_office(wishes))
    with pcap.open("wb") as file:
        frames = ((make_udp(sent.payload, sent.source, sent.target), 1_780_000_000_000 + sent.at_ms)
                  for sent in simulation.sent)  # fmt: skip
        write_pcap(file, frames)
    heard = replay(
        open_captures([str(pcap)]),
        config.load(str(toml)).monitor_settings(),
        office_plans(str(toml))["simulated"],
        box="simulated",
        with_ladder=False,
        on_progress=abs,
    )
    return simulation, heard


@settings(max_examples=25, deadline=None)
@given(OFFICES)
def test_every_customer_comes_out_as_it_was(tmp_path_factory, wishes):
    """Whatever the office is like: who waited how long for whom, who gave up, and how long they talked."""
    simulation, heard = hear(wishes, tmp_path_factory.mktemp("office"))
    contacts = {contact.caller: contact for contact in heard.contacts}
    assert len(heard.contacts) == len(contacts) == len(simulation.customers)
    for customer in simulation.customers:
        contact = contacts[customer.trunk.caller.user]
        said = (contact.queue, contact.disposition, contact.wait_ms)
        fate = "abandoned" if customer.answered_ms is None else "answered"
        assert said == ("support", fate, customer.wait_ms)
        visits = [(visit.queue, visit.disposition, visit.wait_ms) for visit in contact.queue_visits()]
        if customer.sent_on_ms is None:
            assert visits == [("support", fate, customer.wait_ms)]
        else:
            waited = customer.sent_on_ms - customer.waiting_ms
            rest = customer.wait_ms - waited
            assert visits == [("support", "overflow", waited), ("second_line", fate, rest)]
        if customer.answered_ms is not None:
            assert (contact.extension, contact.talk_ms) == (customer.extension, customer.talk_ms)


def test_the_kpis_are_the_truth(tmp_path):
    """Of a busy afternoon: counts are equal, and means to the millisecond."""
    simulation, heard = hear(Wishes(calls=200, agents=3, seed=7), tmp_path)
    kpis = heard.report().to_json()["total"]
    truth = tell_truth(simulation.customers)
    assert truth["answered"]
    assert truth["abandoned"]
    for name, kpi in (("offered", "offered"), ("answered", "answered"), ("abandoned", "abandoned"), ("asa_s", "asa"),
                      ("longest_wait_s", "max_wait"), ("abandoned_after_s", "avg_abandon_time"),
                      ("talk_s", "avg_talk_time")):  # fmt: skip
        assert kpis[kpi]["value"] == pytest.approx(truth[name], abs=0.001), name


def test_a_seed_repeats_an_office_exactly():
    """Another one makes another office."""

    def sent(seed):
        simulation = Simulation(Wishes(calls=20, seed=seed))
        simulation.run()
        return simulation.sent

    assert sent(1) == sent(1)
    assert sent(1) != sent(2)


def test_the_command_writes_a_recording_that_replays_with_its_configuration(tmp_path, capsys):
    """As its help says."""
    pcap, toml = str(tmp_path / "day.pcap"), str(tmp_path / "day.toml")
    assert main(["simulate", pcap, "--calls", "30", "--config", toml, "--format", "json"]) == 0
    truth = json.loads(capsys.readouterr().out)
    assert main(["replay", pcap, "--config", toml, "--show", "kpis", "--format", "json"]) == 0
    kpis = json.loads(capsys.readouterr().out)["total"]
    assert (truth["offered"], truth["answered"]) == (kpis["offered"]["value"], kpis["answered"]["value"])


@pytest.mark.parametrize("kind", ["tzsp", "hep"])
def test_a_box_hears_what_is_sent_to_it(tmp_path, kind):
    """Through a real socket, into the collector's own loop."""
    port = free_port(socket.SOCK_DGRAM)
    out, err = tmp_path / "out", tmp_path / "err"
    toml = tmp_path / "office.toml"
    toml.write_text(describe_office(Wishes()))
    command = [sys.executable, "-m", "fieldkit", "watch", f"{kind}:{port}", "--config", str(toml), "--format", "jsonl"]
    with out.open("wb") as output, err.open("wb") as complaints:
        process = subprocess.Popen(command, stdout=output, stderr=complaints)

    def listens():
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            probe.connect(("127.0.0.1", port))
            probe.send(b"?")
            try:
                probe.send(b"?")  # raises where the first one was refused
            except ConnectionRefusedError:
                return False
            return True

    try:
        wait_for(listens)
        calls = ["--calls", "3", "--talk-s", "0.1", "--patience-s", "600", "--pick-up-s", "0.1", "--speed", "50"]
        assert main(["simulate", f"{kind}:127.0.0.1:{port}", *calls]) == 0
        wait_for(lambda: sum('"phase": "talking"' in line for line in out.read_text().splitlines()) >= 3)
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.parametrize(
    "arguments",
    [
        ["tzsp:no.such.host.invalid"],
        ["tzsp:127.0.0.1:99999"],
        ["/no/such/folder/day.pcap"],
        ["day.pcap", "--agents", "0"],
        ["day.pcap", "--agents", "101"],
        ["day.pcap", "--calls", "0"],
        ["day.pcap", "--agents", "60", "--second-line", "41"],
        ["day.pcap", "--second-line", "-1"],
        ["day.pcap", "--queue-timeout-s", "0"],
    ],
)
def test_what_cannot_be_is_wrong_use(arguments, capsys, tmp_path, monkeypatch):
    """One line, and no file."""
    monkeypatch.chdir(tmp_path)
    assert main(["simulate", *arguments]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
