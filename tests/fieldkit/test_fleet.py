"""`ringtap fleet`: the boxes of a real sink's page."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from page_server import NOW_MS, serving

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.store import BatchArrived, StateArrived, Store
from cloud_sink.store.records import Health
from fieldkit.cli import main

PLANS = {"lab": OfficePlan("lab")}


@pytest.fixture
def page(tmp_path):
    """Address of the page of a sink with a box that is fine, one that is away, and one that hears nothing."""
    store = Store.open(f"sqlite:///{tmp_path / 'sink.db'}")
    store.migrate()
    for name, online, health in (
        ("near", True, {"spool_depth": 3}),
        ("far", False, {}),
        ("deaf", True, {"no_packets": 1}),
    ):
        state = StateArrived(name, "lab", NOW_MS, 1, online, 1, 1, True, "0.1.0", "demo", "boot")
        store.ingest(
            [state, BatchArrived(name, "lab", 1, 1, 1, 1, NOW_MS, health=[Health(1, NOW_MS, health)])], PLANS, NOW_MS
        )
    with serving(store, PLANS) as address:
        yield address
    store.close()


def test_who_needs_somebody_comes_first(page, capsys):
    """The one that is away, the one that hears nothing, then the one that is fine."""
    assert main(["fleet", page, "--format", "jsonl"]) == 1
    boxes = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [box["box"] for box in boxes] == ["far", "deaf", "near"]
    assert [box["online"] for box in boxes] == [False, True, True]
    assert boxes[1]["troubles"] == ["it hears nothing at all"]
    assert boxes[2]["waiting"] == 3
    assert boxes[2]["last_seen"].endswith("Z")


def test_a_table_says_it_in_words(page, capsys):
    """One line a box."""
    main(["fleet", page + "/"])
    header, away, deaf, fine = capsys.readouterr().out.splitlines()
    assert header.endswith("what is wrong")
    assert "OFFLINE" in away
    assert deaf.endswith("it hears nothing at all")
    assert fine.endswith("-")


@pytest.fixture
def another_server():
    """Starts a web server that is no sink: it answers everything with this."""
    servers = []

    def start(status, body=b"hello"):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.end_headers()
                self.wfile.write(self.headers.get("Authorization", "").encode() or body)

            def log_message(self, *_):
                """Nothing."""

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_what_is_no_sink_is_named(another_server, capsys):
    """One line, whatever answers or does not."""
    for sink, status in ((another_server(200), 1), (another_server(500), 1), ("http://127.0.0.1:1", 1), ("sink", 2)):
        assert main(["fleet", sink]) == status
        complaint = capsys.readouterr().err
        assert sink in complaint
        assert len(complaint.splitlines()) == 1


def test_a_sink_that_wants_a_token_says_how_to_give_one(another_server, capsys, monkeypatch, tmp_path):
    """By the variable, or by a file."""
    monkeypatch.delenv("RINGTAP_TOKEN", raising=False)
    assert main(["fleet", another_server(401)]) == 1
    assert "RINGTAP_TOKEN" in capsys.readouterr().err
    monkeypatch.setenv("RINGTAP_TOKEN", "secret")
    assert main(["fleet", another_server(403)]) == 1
    assert "may not see it" in capsys.readouterr().err
    assert main(["fleet", "http://127.0.0.1:1", "--token-file", str(tmp_path / "none")]) == 2
    assert "--token-file" in capsys.readouterr().err
