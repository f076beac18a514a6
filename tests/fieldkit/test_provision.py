"""Certificates for everybody, and a real mosquitto that keeps boxes apart: `fieldkit.provision`."""

import logging
import queue
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import paho.mqtt.client as paho
import pytest
from cryptography import x509
from paho.mqtt.enums import CallbackAPIVersion

from collector import tls
from collector.certificate import validity
from collector.core import wire
from fieldkit.authority import Authority, certificate_pem, common_name, private_pem
from fieldkit.bench.brokers import free_port
from fieldkit.cli import main
from fieldkit.provision import Address, Provision, draw_code

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"


@pytest.fixture
def made(tmp_path):
    """Authority, broker and sink on a free port, with the bundles of two boxes unpacked into box-a/ and box-b/."""
    made = Provision(tmp_path / "pki", Address("127.0.0.1", free_port()))
    made.make_servers()
    for box in ("box-a", "box-b"):
        bundle = made.make_bundle(box, "lab")
        assert 0 == main(["enrol", str(bundle.file), "--into", str(tmp_path / box), "--token", bundle.token])
    return made


@contextmanager
def mosquitto(made):
    """The broker as provisioned, in a process that may be killed."""
    config = made.folder / "broker/mosquitto.conf"
    config.write_text(config.read_text() + "user root\n" * ("user root" not in config.read_text()))
    with subprocess.Popen([MOSQUITTO, "-c", str(config)], cwd=made.folder, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: answers(made.address.port))
        yield process
        process.kill()


def answers(port):
    """True when something listens there."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


def wait_until(condition, seconds=15):
    """Fail if it does not come true in time."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)


class Client:
    """Somebody who connects with a certificate and does as he likes."""

    def __init__(self, made, folder, name, context=None):
        self.arrived = queue.SimpleQueue()
        self.connected = None  # the broker's answer
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "anything", protocol=paho.MQTTv311)
        context = context or tls.make_context(
            str(made.authority.certificate_file), f"{folder}/{name}.crt", f"{folder}/{name}.key"
        )
        self._client.tls_set_context(context)
        self._client.on_connect = lambda _c, _d, _f, reason, _p: setattr(self, "connected", not reason.is_failure)
        self._client.on_message = lambda _c, _d, message: self.arrived.put((message.topic, message.payload))
        self._client.connect("127.0.0.1", made.address.port)
        self._client.loop_start()

    def __enter__(self):
        wait_until(lambda: self.connected)
        return self

    def __exit__(self, *_):
        self._client.disconnect()
        self._client.loop_stop()

    def subscribe(self, topic):
        """Ask for a topic and wait for the broker's answer."""
        done = queue.SimpleQueue()
        self._client.on_subscribe = lambda *_: done.put(True)
        self._client.subscribe(topic, qos=1)
        assert done.get(timeout=5)

    def publish(self, topic, payload=b"x"):
        """Publish and wait for the broker's answer, which says nothing about whether it was allowed."""
        self._client.publish(topic, payload, qos=1).wait_for_publish(5)

    def topics(self):
        """What arrived within a moment."""
        time.sleep(0.3)
        found = []
        while not self.arrived.empty():
            found.append(self.arrived.get()[0])
        return found


def test_a_box_reaches_its_own_topics_and_no_others(made, tmp_path):
    """A hostile box can neither write for another or the sink, nor read what is not its own."""
    with mosquitto(made), Client(made, made.folder / "sink", "sink") as sink:
        sink.subscribe("rt/1/#")
        with Client(made, tmp_path / "box-a", "box") as hostile:
            hostile.subscribe("#")
            hostile.subscribe("rt/1/+/ev")
            hostile.subscribe("rt/1/box-b/ack")
            for box, channel in [("box-b", "ev"), ("box-b", "state"), ("sink", "state"), ("box-b", "ack"),
                                 ("box-a", "ack"), ("box-a", "cmd"), ("box-b", "live")]:  # fmt: skip
                hostile.publish(wire.topic(box, channel))
            for channel in ("ev", "state", "live"):
                hostile.publish(wire.topic("box-a", channel))
            assert ["rt/1/box-a/ev", "rt/1/box-a/state", "rt/1/box-a/live"] == sink.topics()
            sink.publish("rt/1/box-b/ack")
            sink.publish("rt/1/box-a/ack")
            sink.publish("rt/1/sink/state")
            assert {"rt/1/box-a/ack", "rt/1/sink/state"} == set(hostile.topics())


def test_nobody_comes_in_without_a_certificate_of_this_authority(made, tmp_path):
    """No certificate, a stranger's, an old TLS: the broker ends the connection."""
    stranger = Provision(tmp_path / "other", Address("127.0.0.1", 1))
    certificate, key = stranger.authority.issue("box-a")
    (tmp_path / "stranger.crt").write_bytes(certificate_pem(certificate))
    (tmp_path / "stranger.key").write_bytes(private_pem(key))
    ca = str(made.authority.certificate_file)
    old = tls.make_context(ca, f"{tmp_path}/box-a/box.crt", f"{tmp_path}/box-a/box.key")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with mosquitto(made):
        for context in (
            tls.make_context(ca, "", ""),
            tls.make_context(ca, str(tmp_path / "stranger.crt"), str(tmp_path / "stranger.key")),
            old,
        ):
            assert not comes_in(made, context)
        assert comes_in(made, tls.make_context(ca, f"{tmp_path}/box-a/box.crt", f"{tmp_path}/box-a/box.key"))


def comes_in(made, context):
    """Whether the broker lets somebody in."""
    try:
        client = Client(made, "", "", context)
    except (ssl.SSLError, OSError):
        return False
    time.sleep(0.5)
    client.__exit__()
    return bool(client.connected)


def test_a_revoked_box_stays_outside_and_a_new_bundle_lets_it_in_again(made, tmp_path, capsys):
    """`--revoke`, the new list carried to the broker, a restart; a new bundle revokes what the box had before."""
    folder = str(made.folder)
    before = tls.make_context(
        str(made.authority.certificate_file), f"{tmp_path}/box-a/box.crt", f"{tmp_path}/box-a/box.key"
    )
    assert 0 == main(["provision", folder, "--revoke", "box-a"])
    assert "box-a is no longer trusted: carry" in capsys.readouterr().out
    with mosquitto(made), Client(made, tmp_path / "box-b", "box"):
        assert not comes_in(made, before)
    bundle = made.make_bundle("box-a", "lab")
    main(["enrol", str(bundle.file), "--into", str(tmp_path / "box-a"), "--token", bundle.token])
    with mosquitto(made), Client(made, tmp_path / "box-a", "box"):
        assert not comes_in(made, before)


def test_calls_arrive_over_mutual_tls_from_collector_to_sink(made, tmp_path, captures, lab_config):
    """The programs themselves, with what provision wrote: the collector ends once the sink has everything."""
    box_part, office_part = lab_config.read_text().split("[offices.lab]")
    shutil.copy(made.folder / "sink/mqtt.toml", tmp_path / "sink.toml")
    for name in ("ca.crt", "sink.crt", "sink.key"):
        shutil.copy(made.folder / "sink" / name, tmp_path)
    sink_part = '\n[sink]\ndatabase = "sqlite:///sink.db"\nlisten = "127.0.0.1:0"\n[offices.lab]'
    with (tmp_path / "sink.toml").open("a") as file:
        file.write(sink_part + office_part.replace('["lab"]', '["box-a"]'))
    config = tmp_path / "box-a/box.toml"
    mqtt = (tmp_path / "box-a/mqtt.toml").read_text()
    config.write_text(mqtt + box_part.partition('tenant = "demo"')[2] + '\n[spool]\npath = "spool.db"\n')
    collect = ["collector", "run", "--config", str(config), "--once", "--source", str(captures / "a-direct.pcap.gz")]
    with mosquitto(made), run(["cloud_sink", "serve", "--config", "sink.toml"], tmp_path) as sink:
        assert b"ready" in sink.stdout.readline()
        with run(collect, tmp_path) as box:
            assert 0 == box.wait(30)


@contextmanager
def run(arguments, folder):
    """One of our programs, ended at the end."""
    with subprocess.Popen([sys.executable, "-m", *arguments], cwd=folder, stdout=subprocess.PIPE) as process:
        yield process
        process.send_signal(signal.SIGTERM)


def test_an_expired_certificate_is_named_and_one_that_ends_soon_is_announced(made, tmp_path, caplog):
    """What to do stands in the message; 30 days before its end a warning comes with every connection."""
    certificate, _ = made.authority.issue("box-a", days=10)
    path = tmp_path / "soon.crt"
    path.write_bytes(certificate_pem(certificate))
    with caplog.at_level(logging.WARNING):
        tls.warn_before_end(str(path))
    assert f"the certificate {path} ends in 9 days: make a new one with `ringtap provision`" in caplog.text
    later = datetime.now(UTC) + timedelta(days=13)
    said = tls.explain_refusal("sslv3 alert certificate expired", str(path), later)
    assert f"the certificate {path} has ended 4 days ago: make a new one with `ringtap provision`" == said


def test_a_clock_that_was_never_set_explains_itself():
    """In 1970 a broker may refuse for many reasons: the clock is named beside what it said."""
    said = tls.explain_refusal("CERTIFICATE_VERIFY_FAILED", "", datetime(1970, 1, 1, tzinfo=UTC))
    assert said.endswith("the clock says 1970-01-01, set it if certificates are the reason")


def test_a_broker_that_is_not_the_right_one_is_told_in_words(made, tmp_path):
    """OpenSSL's message without its file names and line numbers."""
    other = Provision(tmp_path / "other", Address("127.0.0.1", 1)).authority.certificate_file
    with mosquitto(made), pytest.raises(ssl.SSLError) as refused:
        Client(made, "", "", tls.make_context(str(other), "", ""))
    said = tls.explain_refusal(str(refused.value), "")
    assert said.startswith("the broker's certificate is not accepted: ")
    assert "_ssl.c" not in said


@pytest.mark.parametrize("name", ["off-a/ev", "Office", "", "+", "#", "a" * 33, "sink", "server", "ö"])
def test_names_that_could_leave_their_topic_are_refused(tmp_path, capsys, name):
    """A certificate named off-a/ev would write into another box's topic."""
    assert 2 == main(["provision", str(tmp_path / "pki"), "--host", "127.0.0.1", "--box", name])
    assert "is no name of a box" in capsys.readouterr().err


def test_the_first_time_needs_the_brokers_name(tmp_path, capsys):
    """Without --host there is nothing to write into certificates."""
    assert 2 == main(["provision", str(tmp_path / "pki")])
    assert "--host" in capsys.readouterr().err
    assert 2 == main(["provision", str(tmp_path / "pki"), "--host", 'x"\nport = 1'])


def test_a_bundle_opens_with_its_token_only_and_only_once(made, tmp_path, capsys):
    """A wrong token leaves it as it is; the right one unpacks it and removes it; the key is its owner's alone."""
    bundle = made.make_bundle("box-c", "lab")
    into = tmp_path / "etc"
    assert b"ENCRYPTED" in bundle.file.read_bytes()
    assert 2 == main(["enrol", str(bundle.file), "--into", str(into), "--token", "abcde"])
    assert "does not open this bundle" in capsys.readouterr().err
    assert 0 == main(["enrol", str(bundle.file), "--into", str(into), "--token", bundle.token])
    assert not bundle.file.exists()
    assert 0o600 == (into / "box.key").stat().st_mode & 0o777
    assert 2 == main(["enrol", str(bundle.file), "--into", str(into), "--token", bundle.token])
    assert {"ca.crt", "box.crt", "box.key", "mqtt.toml"} == {path.name for path in into.iterdir()}


def test_secrets_are_their_owners_alone(made):
    """The authority's key, the broker's and the sink's; tokens stand in no file."""
    for name in ("ca/ca.key", "broker/server.key", "sink/sink.key"):
        assert 0o600 == (made.folder / name).stat().st_mode & 0o777
    token = made.make_bundle("box-c", "lab").token
    assert not [path for path in made.folder.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]


def test_running_it_again_keeps_what_is_there(made, capsys):
    """Boxes that were provisioned before stay trusted: the authority and the servers are not made anew."""
    files = [made.folder / name for name in ("ca/ca.crt", "broker/server.crt", "sink/sink.crt", "address.toml")]
    before = [path.read_bytes() for path in files]
    assert 0 == main(["provision", str(made.folder), "--box", "box-c", "--office", "lab"])
    assert before == [path.read_bytes() for path in files]
    said = capsys.readouterr().out
    assert "ringtap enrol box-c.toml --into /etc/ringtap" in said
    assert "█" in said


def test_the_code_holds_the_token(made):
    """A camera reads box and token: the drawing has as many rows as the code has modules, two in each line."""
    bundle = made.make_bundle("box-c", "lab")
    lines = draw_code(bundle).splitlines()
    assert {len(line) for line in lines} == {len(lines[0])}
    assert len(lines) == (len(lines[0]) + 1) // 2


def test_validity_is_read_from_any_certificate(tmp_path):
    """What the small reader of DER says is what a whole library says; dates after 2049 too."""
    authority = Authority(tmp_path / "ca")
    for days in (1, 730, 20_000):
        certificate, _ = authority.issue("box-a", days=days)
        pem = certificate_pem(certificate)
        found = x509.load_pem_x509_certificate(pem)
        assert (found.not_valid_before_utc, found.not_valid_after_utc) == validity(pem.decode())
    assert "box-a" == common_name(certificate)
    for text in ("", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"):
        with pytest.raises(ValueError, match="certificate"):
            validity(text)
