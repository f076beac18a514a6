"""`ringtap provision` and `ringtap enrol`: everything that boxes, a broker and a sink need to trust each other.

The identity of a box is the name in its certificate; the broker takes it as user name, and its access list lets every
user write and read below its own name only. A box gets one file, its bundle, whose key is locked with a token that is
shown once: file and token travel apart.
"""

import re
import secrets
import shutil
import string
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import segno

from collector.core.wire import is_box_id
from collector.errors import WrongUse
from fieldkit.authority import Authority, certificate_pem, open_private_pem, private_pem, write_secret

SINK = "sink"  # its certificate's name, which the access list lets read and write everything
TOKEN_CHARACTERS = string.ascii_lowercase + string.digits
TOKEN_GROUPS, GROUP_LETTERS = 5, 5  # 129 bits
TLS_PORT = 8883
PLAIN = re.compile(r"[A-Za-z0-9._:-]{1,253}")  # names of hosts and offices: nothing that means something in TOML

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
BROKER_CONFIGURATION = """\
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
# what does not fit is dropped silently, and 0 means "unlimited" in one version and "none" in another
max_queued_messages 1000000
"""
SINK_CONFIGURATION = """\
# put this into the sink's configuration, beside ca.crt, sink.crt and sink.key
[mqtt]
host = "{host}"
port = {port}
ca_file = "ca.crt"
certificate_file = "sink.crt"
key_file = "sink.key"
"""
BOX_CONFIGURATION = """\
# put this into the box's configuration, beside ca.crt, box.crt and box.key
[box]
id = "{box}"
office = "{office}"

[mqtt]
host = "{host}"
port = {port}
ca_file = "ca.crt"
certificate_file = "box.crt"
key_file = "box.key"
"""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was made for one box: the file, and the token that is written nowhere."""

    box: str
    file: Path
    token: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where boxes reach the broker."""

    host: str
    port: int = TLS_PORT


class Provision:
    """One folder: ca/ (keep it secret), broker/, sink/, boxes/. What is there already is kept."""

    def __init__(self, folder: Path, address: Address | None) -> None:
        self.folder = folder
        known = folder / "address.toml"
        if address is None:
            if not known.exists():
                raise WrongUse(f"{folder}: nothing there yet; say how boxes reach the broker: --host sink.example.net")
            address = Address(**tomllib.loads(known.read_text()))
        if not PLAIN.fullmatch(address.host):
            raise WrongUse(f'--host "{address.host}": is no name or address of a host')
        self.address = address
        self.authority = Authority(folder / "ca")
        known.write_text(f'host = "{address.host}"\nport = {address.port}\n')

    def make_servers(self) -> None:
        """The broker's folder and the sink's, where they are missing."""
        broker, sink = self.folder / "broker", self.folder / "sink"
        if not (broker / "server.crt").exists():
            self._write_identity(broker, "server", [self.address.host, "localhost"])
        (broker / "acl").write_text(ACCESS_LIST)
        text = BROKER_CONFIGURATION.format(port=self.address.port, folder=broker.resolve())
        (broker / "mosquitto.conf").write_text(text)
        shutil.copy(self.authority.revocation_file, broker)
        if not (sink / "sink.crt").exists():
            self._write_identity(sink, SINK)
        (sink / "mqtt.toml").write_text(SINK_CONFIGURATION.format(host=self.address.host, port=self.address.port))

    def make_bundle(self, box: str, office: str) -> Bundle:
        """A new certificate for a box; those it had before are no longer trusted."""
        check_box(box)
        if not PLAIN.fullmatch(office):
            raise WrongUse(f'--office "{office}": use letters, digits, ".", "_" and "-"')
        self.authority.revoke(self.authority.issued_to(box))
        certificate, key = self.authority.issue(box)
        token = make_token()
        file = self.folder / "boxes" / f"{box}.toml"
        file.parent.mkdir(exist_ok=True)
        parts = {
            "box": box,
            "office": office,
            "host": self.address.host,
            "ca": self.authority.certificate_file.read_text(),
            "certificate": certificate_pem(certificate).decode(),
            "key": private_pem(key, token).decode(),
        }
        lines = [f'{name} = """{value}"""' for name, value in parts.items()]
        write_secret(file, "\n".join([*lines, f"port = {self.address.port}", ""]).encode())
        shutil.copy(self.authority.revocation_file, self.folder / "broker")
        return Bundle(box, file, token)

    def revoke(self, box: str) -> None:
        """Trust a box no longer."""
        check_box(box)
        certificates = self.authority.issued_to(box)
        if not certificates:
            raise WrongUse(f"{self.folder}: no certificate of {box} that could be revoked")
        self.authority.revoke(certificates)
        shutil.copy(self.authority.revocation_file, self.folder / "broker")

    def _write_identity(self, folder: Path, name: str, hosts: Sequence[str] = ()) -> None:
        folder.mkdir(exist_ok=True)
        certificate, key = self.authority.issue(name, hosts=hosts)
        (folder / f"{name}.crt").write_bytes(certificate_pem(certificate))
        write_secret(folder / f"{name}.key", private_pem(key))
        shutil.copy(self.authority.certificate_file, folder)


def check_box(box: str) -> None:
    """Raise WrongUse where a name could leave its own topic, or is the sink's or a server's."""
    if not is_box_id(box) or box in (SINK, "server"):
        raise WrongUse(f'"{box}" is no name of a box: use 1 to 32 of a-z, 0-9 and "-", but not "sink" or "server"')


def make_token() -> str:
    """A token in groups that can be read out on the telephone."""
    groups = ("".join(secrets.choice(TOKEN_CHARACTERS) for _ in range(GROUP_LETTERS)) for _ in range(TOKEN_GROUPS))
    return "-".join(groups)


def explain(made: Provision, bundles: Sequence[Bundle]) -> str:
    """What to carry where."""
    folder, port = made.folder, made.address.port
    lines = [
        f"{folder}/ca      keep it here, and a copy in a safe place: who has ca.key can pretend to be any box",
        f"{folder}/broker  to the broker's machine; start mosquitto with -c mosquitto.conf there (port {port})",
        f"{folder}/sink    to the sink's machine; add mqtt.toml to its configuration",
    ]
    for bundle in bundles:
        lines += [
            "",
            f"box {bundle.box}: carry {bundle.file} to it and run there",
            f"    ringtap enrol {bundle.file.name} --into /etc/ringtap",
            f"it asks for this token, which is shown only now: {bundle.token}",
            draw_code(bundle),
        ]
    return "\n".join(lines)


def draw_code(bundle: Bundle) -> str:
    """The token as a QR code for a terminal."""
    lines = segno.make(f"ringtap:{bundle.box}:{bundle.token}", error="m").matrix_iter(border=2)
    rows = [list(line) for line in lines]
    rows += [[0] * len(rows[0])] * (len(rows) % 2)
    blocks = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}  # light on dark: dark modules are left empty
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return "\n".join("".join(blocks[bool(a), bool(b)] for a, b in zip(*pair, strict=True)) for pair in pairs)


def enrol(bundle: Path, token: str, folder: Path) -> str:
    """Unpack a bundle into a box's folder and remove it; returns the box's name. Raises WrongUse."""
    parts = _read_bundle(bundle)
    key = open_private_pem(str(parts["key"]).encode(), token.strip())
    folder.mkdir(parents=True, exist_ok=True)
    write_secret(folder / "box.key", key)
    (folder / "ca.crt").write_text(str(parts["ca"]))
    (folder / "box.crt").write_text(str(parts["certificate"]))
    (folder / "mqtt.toml").write_text(BOX_CONFIGURATION.format(**parts))
    bundle.unlink()
    return str(parts["box"])


def _read_bundle(path: Path) -> dict[str, object]:
    try:
        parts = tomllib.loads(path.read_text())
    except OSError as error:
        raise WrongUse(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongUse(f"{path}: is no bundle of `ringtap provision`") from error
    missing = {"box", "office", "host", "port", "ca", "certificate", "key"} - parts.keys()
    if missing:
        raise WrongUse(f"{path}: is no bundle of `ringtap provision`: {', '.join(sorted(missing))} missing")
    return parts
