"""The embedded broker: loopback only, one clear line when it cannot start, gone when told."""

import socket
import time

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from cloud_sink.adapters.embedded_broker import EmbeddedBroker
from cloud_sink.errors import AddressInUse, ConfigurationError


def connect(address: tuple[str, int]) -> paho.Client:
    """Return a client that is connected."""
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    client.connect(*address)
    client.loop_start()
    until = time.monotonic() + 10
    while not client.is_connected():
        assert time.monotonic() < until
        time.sleep(0.01)
    return client


def test_any_free_port() -> None:
    """Port 0 takes a free port and tells which."""
    broker = EmbeddedBroker(("127.0.0.1", 0))
    broker.start()
    client = connect(broker.address)
    client.disconnect()
    client.loop_stop()
    broker.stop()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example"])
def test_listens_on_loopback_only(host: str) -> None:
    """It lets anyone in, so it refuses to be reachable from elsewhere."""
    with pytest.raises(ConfigurationError, match="lets anyone in"):
        EmbeddedBroker((host, 0))


def test_busy_port_is_named() -> None:
    """A busy port is one line that names the key and the address."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            AddressInUse, match=rf"\[sink\] embedded_broker: cannot listen on 127.0.0.1:{port}: Address"
        ):
            EmbeddedBroker(("127.0.0.1", port))


def test_stops_with_clients_connected() -> None:
    """Connected clients do not hold it up, and its port is free again."""
    broker = EmbeddedBroker(("127.0.0.1", 0))
    broker.start()
    clients = [connect(broker.address) for _ in range(3)]
    broker.stop()
    assert not broker._thread.is_alive()
    again = EmbeddedBroker(broker.address)
    again.start()
    again.stop()
    for client in clients:
        client.loop_stop()


def test_a_client_that_talks_nonsense_harms_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    """Bytes that are no MQTT end that connection only, silently."""
    broker = EmbeddedBroker(("127.0.0.1", 0))
    broker.start()
    for nonsense in (b"", b"\x00" * 10, b"GET / HTTP/1.1\r\n\r\n", b"\x10\xff\xff\xff\x7f"):
        with socket.create_connection(broker.address) as connection:
            connection.sendall(nonsense)
    client = connect(broker.address)
    client.disconnect()
    client.loop_stop()
    broker.stop()
    assert ("", "") == capfd.readouterr()
