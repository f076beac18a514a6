"""What a broker needs to keep boxes apart: files for mosquitto, and files for RabbitMQ with its MQTT plugin.

Both take a box's name from its certificate, and let it write and read below that name only. RabbitMQ turns the slashes
of a topic into dots and asks patterns of its own; it must be told of every box.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

TLS_PORT = 8883
MAX_PACKET_BYTES = 65_536  # a batch has 8 KiB; a box must not fill the broker's memory with a few messages

MOSQUITTO = """\
# written by `ringtap provision` for mosquitto 2
listener {port}
cafile {folder}/ca.crt
certfile {folder}/server.crt
keyfile {folder}/server.key
crlfile {folder}/crl.pem
require_certificate true
use_identity_as_username true
use_username_as_clientid true
tls_version tlsv1.2
allow_anonymous false
acl_file {folder}/acl
persistence true
autosave_interval 60
max_inflight_messages 1000
max_packet_size {max_packet}
# what does not fit is dropped silently, and 0 means "unlimited" in one version and "none" in another
max_queued_messages 1000000
max_queued_bytes 268435456
"""
ACCESS_LIST = """\
# written by `ringtap provision`: a box writes and reads below its own name only
pattern write rt/1/%u/ev
pattern write rt/1/%u/live
pattern write rt/1/%u/state
pattern read rt/1/%u/ack
pattern read rt/1/%u/cmd
pattern read rt/1/sink/state
user sink
topic readwrite rt/1/#
"""
REVOKED = """\
# no longer trusted; unlike the revocation list this holds for connections that are up, too
user {box}
topic deny #
"""

RABBITMQ = """\
# written by `ringtap provision` for RabbitMQ 3.10 or newer; TLS stands in advanced.config
listeners.tcp = none
mqtt.listeners.tcp = none
mqtt.listeners.ssl.default = {port}
mqtt.allow_anonymous = false
mqtt.ssl_cert_login = true
mqtt.prefetch = 1000
ssl_cert_login_from = common_name
max_message_size = {max_packet}
load_definitions = {folder}/definitions.json
"""
RABBITMQ_TLS = """\
%% written by `ringtap provision`: rabbitmq.conf has no word for revocation lists
[{{rabbit, [{{ssl_options, [
    {{cacertfile, "{folder}/ca.crt"}},
    {{certfile, "{folder}/server.crt"}},
    {{keyfile, "{folder}/server.key"}},
    {{versions, ['tlsv1.3', 'tlsv1.2']}},
    {{verify, verify_peer}},
    {{fail_if_no_peer_cert, true}},
    {{crl_check, peer}},
    {{crl_cache, {{ssl_crl_hash_dir, {{internal, [{{dir, "{folder}"}}]}}}}}}
]}}]}}].
"""
RABBITMQ_PLUGINS = "[rabbitmq_auth_mechanism_ssl,rabbitmq_mqtt].\n"
EXCHANGE = "amq.topic"


def write_mosquitto(folder: Path, port: int, revoked: Iterable[str]) -> None:
    """mosquitto.conf and acl; `revoked`: boxes that had a certificate once and have none now."""
    settings = MOSQUITTO.format(port=port, folder=folder.resolve(), max_packet=MAX_PACKET_BYTES)
    (folder / "mosquitto.conf").write_text(settings)
    (folder / "acl").write_text(ACCESS_LIST + "".join(REVOKED.format(box=box) for box in revoked))


def write_rabbitmq(folder: Path, port: int, boxes: Sequence[str], sink: str) -> None:
    """rabbitmq.conf, advanced.config, enabled_plugins and definitions.json with a user for each box."""
    place = folder.resolve()
    folder.mkdir(exist_ok=True)
    (folder / "rabbitmq.conf").write_text(RABBITMQ.format(port=port, folder=place, max_packet=MAX_PACKET_BYTES))
    (folder / "advanced.config").write_text(RABBITMQ_TLS.format(folder=place))
    (folder / "enabled_plugins").write_text(RABBITMQ_PLUGINS)
    (folder / "definitions.json").write_text(json.dumps(_definitions(boxes, sink), indent=1) + "\n")


def _definitions(boxes: Sequence[str], sink: str) -> dict[str, list[dict[str, str]]]:
    """Users without a password, which cannot log in by name, and what each may do."""
    users = [sink, *boxes]
    no_password = {"password_hash": "", "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": ""}
    return {
        "vhosts": [{"name": "/"}],
        "users": [{"name": user, **no_password} for user in users],
        "permissions": [_permission(user, ".*" if user == sink else user) for user in users],
        "topic_permissions": [
            _topics(sink, r"^rt\.1\.", r"^rt\.1\."),
            *(_topics(box, rf"^rt\.1\.{box}\.(ev|live|state)$", rf"^rt\.1\.({box}\.(ack|cmd)|sink\.state)$")
              for box in boxes),
        ],
    }  # fmt: skip


def _permission(user: str, client: str) -> dict[str, str]:
    """Its own queues, which the plugin names after the MQTT client, and the one exchange."""
    queues = f"mqtt-subscription-{client}qos[01]"
    both = f"^({queues}|{EXCHANGE.replace('.', '[.]')})$"
    return {"user": user, "vhost": "/", "configure": f"^{queues}$", "write": both, "read": both}


def _topics(user: str, write: str, read: str) -> dict[str, str]:
    return {"user": user, "vhost": "/", "exchange": EXCHANGE, "write": write, "read": read}


def revocation_name(common_name: str) -> str:
    """Name under which OpenSSL and Erlang look for the list of an authority that has nothing but this common name.

    The hash of OpenSSL's X509_NAME_hash: SHA-1 over the name in small letters, its first four bytes, last byte first.
    """
    text = _element(0x0C, common_name.lower().encode())
    attribute = _element(0x30, _element(0x06, b"\x55\x04\x03") + text)
    digest = hashlib.sha1(_element(0x31, attribute), usedforsecurity=False).digest()
    return f"{digest[3::-1].hex()}.r0"


def _element(tag: int, content: bytes) -> bytes:
    """DER with a length of one byte."""
    return bytes([tag, len(content)]) + content
