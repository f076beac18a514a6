"""Clients of a broker that was provisioned: honest ones, and those that do as they like."""

import queue
import socket
import ssl

import paho.mqtt.client as paho
from networks import wait_for
from paho.mqtt.enums import CallbackAPIVersion

from collector import tls

PATIENCE_S = 90


def comes_in(made, context):
    """Whether the broker lets somebody in with these certificates."""
    try:
        client = Client(made, context)
    except (ssl.SSLError, OSError):
        return False
    wait_for(lambda: client.connected is not None or client.lost)
    client.__exit__()
    return bool(client.connected)


class Client:
    """Somebody who connects once, with a certificate, and does as he likes."""

    def __init__(self, made, context, client_id="anything", will="", login=None):
        self.arrived = queue.SimpleQueue()
        self.connected = None  # the broker's answer
        self.lost = False
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv311, reconnect_on_failure=False)
        client.tls_set_context(context)
        if will:
            client.will_set(will, b"will", qos=1)
        if login:
            client.username_pw_set(*login)
        client.on_connect = lambda _c, _d, _f, reason, _p: setattr(self, "connected", not reason.is_failure)
        client.on_disconnect = lambda *_: setattr(self, "lost", True)
        client.on_message = lambda _c, _d, message: self.arrived.put((message.topic, message.payload))
        client.connect("127.0.0.1", made.address.port)
        client.loop_start()
        self._client = client

    def __enter__(self):
        wait_for(lambda: self.connected or self.lost)
        return self

    def __exit__(self, *_):
        self._client.disconnect()
        self._client.loop_stop()

    def die(self):
        """Go without a good-bye: the broker publishes the last will."""
        self._client.socket().shutdown(socket.SHUT_RDWR)

    def subscribe(self, *topics):
        """Ask for topics and wait for the broker's answer, or for the end of the connection."""
        done = queue.SimpleQueue()
        self._client.on_subscribe = lambda *_: done.put(True)
        self._client.subscribe([(topic, 1) for topic in topics])
        wait_for(lambda: not done.empty() or self.lost)

    def publish(self, topic, payload=b"x"):
        """Publish and wait for the broker's answer, which says nothing about whether it was allowed."""
        told = self._client.publish(topic, payload, qos=1)
        wait_for(lambda: self.lost or told.is_published())

    def topics_until(self, last):
        """Topics of what arrived, up to a message on this one."""
        found = []
        while last not in found:
            found.append(self.arrived.get(timeout=PATIENCE_S)[0])
        return found


def sink_context(made):
    """The sink's certificate."""
    return context_of(made, made.folder / "sink/sink")


def context_of(made, identity):
    """The certificate and key at this path without their suffixes."""
    return tls.make_context(str(made.authority.certificate_file), f"{identity}.crt", f"{identity}.key")
