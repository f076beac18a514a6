"""A real RabbitMQ with what `ringtap provision` writes: boxes are kept apart, and revocation holds at once."""

import pytest
from networks import answers, wait_for
from tls_clients import Client, comes_in, context_of, sink_context

from fieldkit.authority import Authority
from fieldkit.bench import brokers
from fieldkit.broker_files import revocation_name
from fieldkit.provision import Address, Provision, enrol

pytestmark = pytest.mark.timeout(300)  # a node takes ten seconds to start, on a machine that has nothing else to do


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where everything is."""
    return tmp_path_factory.mktemp("rabbitmq")


@pytest.fixture(scope="module")
def made(folder):
    """Authority, broker, sink and two boxes, unpacked into box-a/ and box-b/, with the broker running."""
    made = Provision(folder / "pki", Address("127.0.0.1", brokers.free_port()))
    made.make_servers()
    for box in ("box-a", "box-b"):
        bundle = made.make_bundle(box, "lab")
        enrol(bundle.file, bundle.token, folder / box)
    mapper, mapper_port = brokers.rabbitmq_port_mapper(folder)
    node = brokers.rabbitmq(folder, made.address.port, mapper_port, made.folder / "broker")
    mapper.start()
    node.start()
    try:
        wait_for(lambda: answers(made.address.port), 120)
        yield made
    finally:
        node.kill()
        mapper.kill()


@pytest.fixture
def sink(made):
    """The sink, which hears everything."""
    with Client(made, sink_context(made), "ringtap-sink-1") as sink:
        sink.subscribe("rt/1/#")
        yield sink


def box(made, folder, name, **more):
    """A box as it should be; `more`: how it is not."""
    return Client(made, context_of(made, folder / name / "box"), **{"client_id": name, **more})


def test_a_box_reaches_its_own_topics(made, folder, sink):
    """It writes three and reads three."""
    with box(made, folder, "box-a") as honest:
        honest.subscribe("rt/1/box-a/ack", "rt/1/box-a/cmd", "rt/1/sink/state")
        for channel in ("ev", "live", "state"):
            honest.publish(f"rt/1/box-a/{channel}")
        assert ["rt/1/box-a/ev", "rt/1/box-a/live", "rt/1/box-a/state"] == sink.topics_until("rt/1/box-a/state")
        for topic in ("rt/1/box-b/ack", "rt/1/box-a/ack", "rt/1/box-a/cmd", "rt/1/sink/state"):
            sink.publish(topic)
        assert ["rt/1/box-a/ack", "rt/1/box-a/cmd", "rt/1/sink/state"] == honest.topics_until("rt/1/sink/state")


@pytest.mark.parametrize(
    "topic", ["rt/1/box-b/ev", "rt/1/box-b/state", "rt/1/sink/state", "rt/1/box-a/ack", "rt/1/box-a/cmd",
              "rt/1/box-a/ev/x", "rt.1.box-b.ev", "anything"],
)  # fmt: skip
def test_a_hostile_box_writes_nowhere_else(made, folder, sink, topic):
    """The broker ends its connection; what an honest one publishes afterwards is the first that the sink hears."""
    with box(made, folder, "box-a") as hostile:
        hostile.publish(topic)
        wait_for(lambda: hostile.lost)
    with box(made, folder, "box-b") as honest:
        honest.publish("rt/1/box-b/live")
    assert ["rt/1/box-b/live"] == sink.topics_until("rt/1/box-b/live")


def test_a_hostile_last_will_goes_nowhere(made, folder, sink):
    """Nor does the will of a box reach another's state."""
    with box(made, folder, "box-a", will="rt/1/box-b/state") as hostile:
        hostile.die()
        wait_for(lambda: hostile.lost)
    with box(made, folder, "box-b") as honest:
        honest.publish("rt/1/box-b/live")
    assert ["rt/1/box-b/live"] == sink.topics_until("rt/1/box-b/live")


@pytest.mark.parametrize("topic", ["#", "rt/1/#", "rt/1/+/ev", "rt/1/+/ack", "rt/1/box-b/ack", "rt/1/box-b/ev"])
def test_a_hostile_box_reads_nowhere_else(made, folder, topic):
    """The broker ends the connection that asks."""
    with box(made, folder, "box-a") as hostile:
        hostile.subscribe(topic)
        wait_for(lambda: hostile.lost)


@pytest.mark.parametrize("login", [("guest", "guest"), ("sink", ""), ("box-b", "")])
def test_names_and_passwords_open_nothing(made, folder, login):
    """The certificate alone says who it is."""
    with box(made, folder, "box-a", login=login) as hostile:
        assert not hostile.connected


def test_a_revoked_certificate_is_refused_at_once_and_the_new_one_taken(made, folder):
    """The list is read at every handshake: carrying it there is enough."""
    before = context_of(made, folder / "box-b/box")
    assert comes_in(made, before)
    bundle = made.make_bundle("box-b", "lab")
    enrol(bundle.file, bundle.token, folder / "box-b")
    wait_for(lambda: not comes_in(made, before))
    with box(made, folder, "box-b") as again:
        assert again.connected


def test_a_revocation_list_has_the_name_that_openssl_looks_for(tmp_path):
    """As `openssl crl -hash` says of the authority's list."""
    import subprocess

    authority = Authority(tmp_path)
    command = ["openssl", "crl", "-in", authority.revocation_file, "-noout", "-hash"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert f"{said}.r0" == revocation_name("ringtap authority")
