"""Certificates for everybody, and a real mosquitto that keeps boxes apart: `fieldkit.provision`."""

import json
import logging
import os
import shutil
import signal
import sqlite3
import ssl
import subprocess
import sys
import time
import warnings
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from networks import answers, wait_for
from tls_clients import Client, comes_in, context_of, sink_context

from collector import tls
from collector.adapters.mqtt import Broker, Identity, MqttPublisher
from collector.adapters.spool import Spool
from collector.certificate import validity
from collector.core import wire
from collector.core.events import HealthReported
from collector.credentials import CertificateFiles
from fieldkit.authority import Authority, certificate_pem, common_name, private_pem
from fieldkit.bench.brokers import free_port
from fieldkit.cli import main
from fieldkit.provision import Address, Provision, draw_code, enrol

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
        try:
            wait_for(lambda: answers(made.address.port))
            yield process
        finally:
            process.kill()


def box_context(made, tmp_path, box):
    """The certificate of an enrolled box."""
    return context_of(made, tmp_path / box / "box")


def test_a_box_reaches_its_own_topics_and_no_others(made, tmp_path):
    """A hostile box can neither write for another or the sink, nor by its last will, nor read what is not its own."""
    with mosquitto(made), Client(made, sink_context(made)) as sink:
        sink.subscribe("rt/1/#")
        hostile_context = box_context(made, tmp_path, "box-a")
        with Client(made, hostile_context, will="rt/1/box-b/state") as dying:
            dying.die()
            wait_for(lambda: dying.lost)
        with Client(made, hostile_context) as hostile:
            hostile.subscribe("#", "rt/1/+/ev", "rt/1/box-b/ack")
            hostile.subscribe("rt/1/box-a/ack", "rt/1/sink/state")
            for box, channel in [("box-b", "ev"), ("box-b", "state"), ("sink", "state"), ("box-b", "ack"),
                                 ("box-a", "ack"), ("box-a", "cmd"), ("box-b", "live")]:  # fmt: skip
                hostile.publish(wire.topic(box, channel))
            for channel in ("ev", "state", "live"):
                hostile.publish(wire.topic("box-a", channel))
            assert ["rt/1/box-a/ev", "rt/1/box-a/state", "rt/1/box-a/live"] == sink.topics_until("rt/1/box-a/live")
            for topic in ("rt/1/box-b/ack", "rt/1/box-a/ack", "rt/1/sink/state"):
                sink.publish(topic)
            assert {"rt/1/box-a/ack", "rt/1/sink/state"} == set(hostile.topics_until("rt/1/sink/state"))


def test_nobody_comes_in_without_a_certificate_of_this_authority(made, tmp_path):
    """No certificate, a stranger's, an old TLS: the broker ends the connection."""
    stranger = Provision(tmp_path / "other", Address("127.0.0.1", 1))
    certificate, key = stranger.authority.issue("box-a")
    (tmp_path / "stranger.crt").write_bytes(certificate_pem(certificate))
    (tmp_path / "stranger.key").write_bytes(private_pem(key))
    ca = str(made.authority.certificate_file)
    old = box_context(made, tmp_path, "box-a")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with mosquitto(made):
        for context in (tls.make_context(ca, "", ""), context_of(made, tmp_path / "stranger"), old):
            assert not comes_in(made, context)
        assert comes_in(made, box_context(made, tmp_path, "box-a"))


def test_a_revoked_box_is_silenced_at_once_and_a_new_bundle_lets_it_in_again(made, tmp_path, capsys):
    """SIGHUP is enough, also for a connection that is up; a new bundle revokes only what the box had before."""
    before, other_context = (box_context(made, tmp_path, box) for box in ("box-a", "box-b"))
    with mosquitto(made) as broker, Client(made, sink_context(made)) as sink:
        sink.subscribe("rt/1/#")
        with Client(made, before) as revoked, Client(made, other_context) as other:

            def is_heard():
                for client, box in ((revoked, "box-a"), (other, "box-b")):
                    client.publish(f"rt/1/{box}/ev")
                return "rt/1/box-a/ev" in sink.topics_until("rt/1/box-b/ev")

            assert is_heard()
            assert 0 == main(["provision", str(made.folder), "--revoke", "box-a"])
            assert "box-a is no longer trusted once this is done" in capsys.readouterr().out
            assert "box-a\n" == (made.folder / "sink/revoked").read_text()
            broker.send_signal(signal.SIGHUP)
            wait_for(lambda: not is_heard())
        assert not comes_in(made, before)
        bundle = made.make_bundle("box-a", "lab")
        main(["enrol", str(bundle.file), "--into", str(tmp_path / "box-a"), "--token", bundle.token])
        broker.send_signal(signal.SIGHUP)
        with Client(made, box_context(made, tmp_path, "box-a")) as again:
            assert again.connected
        assert not comes_in(made, before)
        assert "" == (made.folder / "sink/revoked").read_text()


def test_boxes_with_passwords_are_kept_apart_by_the_same_list(made):
    """The lesser choice: no certificate of its own, but TLS, a user of the box's name, and the same access list."""
    broker = made.folder / "broker"
    settings = (broker / "mosquitto.conf").read_text().replace("require_certificate true", "require_certificate false")
    settings = settings.replace("use_identity_as_username true", f"password_file {broker}/passwords")
    (broker / "passwords").touch(mode=0o600)
    for user in ("box-a", "box-b", "sink"):
        subprocess.run(
            [f"{MOSQUITTO}_passwd".replace("sbin", "bin"), "-b", broker / "passwords", user, "secret"], check=True
        )
    (broker / "mosquitto.conf").write_text(settings)
    context = tls.make_context(str(made.authority.certificate_file), "", "")
    with mosquitto(made), Client(made, context, login=("sink", "secret")) as sink:
        sink.subscribe("rt/1/#")
        with Client(made, context, login=("box-a", "wrong")) as guessing:
            assert not guessing.connected
        with Client(made, context, login=("box-a", "secret")) as hostile:
            hostile.publish("rt/1/box-b/ev")
            hostile.publish("rt/1/box-a/ev")
        assert ["rt/1/box-a/ev"] == sink.topics_until("rt/1/box-a/ev")


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
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


def test_a_box_gets_its_next_certificate_through_the_sink_before_the_old_one_ends(made, tmp_path, lab_config):
    """`--renew`, one folder to the sink: a box that is up takes a new key, and the broker knows it by that one."""
    enrol_ending_soon(made, tmp_path)
    assert ["box-a"] == made.renew(60)
    assert [] == made.renew(60)
    office_part = lab_config.read_text().split("[offices.lab]")[1].replace('["lab"]', '["box-a"]')
    sink_config = made.folder / "sink/sink.toml"
    sink_config.write_text(
        (made.folder / "sink/mqtt.toml").read_text()
        + '\n[sink]\ndatabase = "sqlite:///sink.db"\nlisten = "127.0.0.1:0"\n[offices.lab]' + office_part
    )  # fmt: skip
    (tmp_path / "spool").mkdir()
    files = {name: f"{tmp_path}/box-a/{file}" for name, file in
             (("ca", "ca.crt"), ("certificate", "box.crt"), ("key", "box.key"), ("secret", "box.secret"))}  # fmt: skip
    renewed = tmp_path / "spool/certificate.pem"
    broker = Broker("127.0.0.1", made.address.port, certificates=CertificateFiles(**files, renewed=str(renewed)))
    with mosquitto(made), run(["cloud_sink", "serve", "--config", str(sink_config)], tmp_path) as sink:
        assert b"ready" in sink.stdout.readline()
        box = MqttPublisher(Spool(str(tmp_path / "spool/spool.db")), broker, Identity("box-a", "lab", "", "1"))
        box.write([HealthReported(1_795_000_000_000, {"frames": 1})])
        pump(box, renewed.exists)
        box.write([HealthReported(1_795_000_060_000, {"frames": 2})])
        pump(box, lambda: box.undelivered() == 0)
        box.close()
        sink.send_signal(signal.SIGTERM)
        sink.wait(30)
    with closing(sqlite3.connect(tmp_path / "sink.db")) as database:
        reports = [json.loads(text) for (text,) in database.execute("SELECT counters FROM health ORDER BY at")]
    assert [9, 729] == [report["certificate_days"] for report in reports]


def enrol_ending_soon(made, tmp_path):
    """As if box-a had been enrolled almost two years ago."""
    made.authority.now -= timedelta(days=720)
    bundle = made.make_bundle("box-a", "lab")
    enrol(bundle.file, bundle.token, tmp_path / "box-a")
    made.authority.now += timedelta(days=720)


def pump(box, condition):
    """Let a box work until it comes true."""
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        box.pump(0.05)


def test_servers_are_renewed_in_place(made, capsys):
    """Broker and sink have no one to hand them anything: their files change, and it says where to carry them."""
    before = [(made.folder / name).read_bytes() for name in ("broker/server.crt", "sink/sink.crt")]
    made.authority.now -= timedelta(days=720)
    for name in ("broker/server", "sink/sink"):
        (made.folder / f"{name}.crt").unlink()
    for path in (made.folder / "ca/issued").glob("s*.crt"):
        path.unlink()
    made.make_servers()
    assert 0 == main(["provision", str(made.folder), "--renew"])
    said = capsys.readouterr().out
    assert "server, sink: new certificates" in said
    assert "send it SIGHUP" in said
    for name, old in zip(("broker/server.crt", "sink/sink.crt"), before, strict=True):
        assert (made.folder / name).read_bytes() != old
        assert tls.days_left(str(made.folder / name)) == 729


def test_an_expired_certificate_is_named_and_one_that_ends_soon_is_announced(made, tmp_path, caplog):
    """What to do stands in the message; 30 days before its end a warning comes with every connection."""
    certificate, _ = made.authority.issue("box-a", days=10)
    path = tmp_path / "soon.crt"
    path.write_bytes(certificate_pem(certificate))
    with caplog.at_level(logging.WARNING):
        tls.warn_before_end(str(path))
    assert f"the certificate {path} ends in 9 days: renew it with `ringtap provision --renew`" in caplog.text
    later = datetime.now(UTC) + timedelta(days=13)
    said = tls.explain_refusal("sslv3 alert certificate expired", str(path), later)
    assert f"the certificate {path} ended 4 days ago: make a new bundle with `ringtap provision`" == said


def test_a_clock_that_was_never_set_explains_itself():
    """In 1970 a broker may refuse for many reasons: the clock is named beside what it said."""
    said = tls.explain_refusal("CERTIFICATE_VERIFY_FAILED", "", datetime(1970, 1, 1, tzinfo=UTC))
    assert said.endswith("the clock says 1970-01-01, set it if certificates are the reason")


def test_a_broker_that_is_not_the_right_one_is_told_in_words(made, tmp_path):
    """OpenSSL's message without its file names and line numbers."""
    other = Provision(tmp_path / "other", Address("127.0.0.1", 1)).authority.certificate_file
    with mosquitto(made), pytest.raises(ssl.SSLError) as refused:
        Client(made, tls.make_context(str(other), "", ""))
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
    assert {"ca.crt", "box.crt", "box.key", "box.secret", "mqtt.toml"} == {path.name for path in into.iterdir()}


def test_the_service_can_read_what_root_enrolled(made, tmp_path):
    """The Debian package's folder belongs to its service's group: so do key and secret in it, and to nobody else."""
    bundle = made.make_bundle("box-c", "lab")
    into = tmp_path / "etc"
    into.mkdir()
    os.chown(into, 0, 12345)
    enrol(bundle.file, bundle.token, into)
    for name in ("box.key", "box.secret"):
        status = (into / name).stat()
        assert (12345, 0o640) == (status.st_gid, status.st_mode & 0o777)


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
