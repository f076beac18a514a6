"""`ringtap provision` and `ringtap enrol`: everything that boxes, a broker and a sink need to trust each other.

The identity of a box is the name in its certificate; the broker takes it as user name, and its access list lets every
user write and read below its own name only. A box gets one file, its bundle, whose key is locked with a token that is
shown once: file and token travel apart.
"""

import hashlib
import os
import re
import secrets
import shutil
import string
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import segno

from collector.core.wire import is_box_id
from collector.errors import WrongUse
from fieldkit.authority import (
    AUTHORITY_NAME,
    Authority,
    certificate_pem,
    open_private_pem,
    private_pem,
    write_secret,
)
from fieldkit.broker_files import TLS_PORT, revocation_name, write_mosquitto, write_rabbitmq

SINK, SERVER = "sink", "server"  # names of certificates; the access list lets the first read and write everything
RESERVED = (SINK, SERVER)
TOKEN_CHARACTERS = string.ascii_lowercase + string.digits
TOKEN_GROUPS, GROUP_LETTERS = 5, 5  # 129 bits
PLAIN = re.compile(r"[A-Za-z0-9._:-]{1,253}")  # names of hosts and offices: nothing that means something in TOML

SINK_CONFIGURATION = """\
# put this into the sink's configuration, beside ca.crt, sink.crt, sink.key, revoked and renewals
[mqtt]
host = "{host}"
port = {port}
ca_file = "ca.crt"
certificate_file = "sink.crt"
key_file = "sink.key"
revoked_file = "revoked"
renewals_folder = "renewals"
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
secret_file = "box.secret"
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
        if not (self._broker / "server.crt").exists():
            self._write_identity(self._broker, SERVER, [self.address.host, "localhost"])
        if not (self._sink / "sink.crt").exists():
            self._write_identity(self._sink, SINK)
        (self._sink / "renewals").mkdir(exist_ok=True)
        settings = SINK_CONFIGURATION.format(host=self.address.host, port=self.address.port)
        (self._sink / "mqtt.toml").write_text(settings)
        self._tell_servers()

    def make_bundle(self, box: str, office: str) -> Bundle:
        """A new certificate for a box; those it had before are no longer trusted."""
        check_box(box)
        if not PLAIN.fullmatch(office):
            raise WrongUse(f'--office "{office}": use letters, digits, ".", "_" and "-"')
        self.authority.revoke(self.authority.issued_to(box))
        certificate, key = self.authority.issue(box)
        token = make_token()
        write_secret(self._secret_file(box), derive_secret(token).encode())
        self._renewal_file(box).unlink(missing_ok=True)
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
        self._tell_servers()
        return Bundle(box, file, token)

    def revoke(self, box: str) -> None:
        """Trust a box no longer."""
        check_box(box)
        certificates = self.authority.issued_to(box)
        if not certificates:
            raise WrongUse(f"{self.folder}: no certificate of {box} that could be revoked")
        self.authority.revoke(certificates)
        self._renewal_file(box).unlink(missing_ok=True)
        self._tell_servers()

    def renew(self, days: int) -> list[str]:
        """New keys and certificates for all whose newest ends within so many days; returns their names.

        A box gets its own through the sink, locked with a secret that only it and this folder know. What it has stays
        good until its end: a box that is away for weeks is not locked out.
        """
        renewed = [name for name in self.authority.names() if self._ends_within(name, days)]
        for name in renewed:
            if name == SINK:
                self._write_identity(self._sink, SINK)
            elif name == SERVER:
                self._write_identity(self._broker, SERVER, [self.address.host, "localhost"])
            else:
                certificate, key = self.authority.issue(name)
                locked = private_pem(key, self._secret_file(name).read_text())
                write_secret(self._renewal_file(name), certificate_pem(certificate) + locked)
        return renewed

    def _ends_within(self, name: str, days: int) -> bool:
        """Someone who is trusted, only not for long."""
        trusted = self.authority.issued_to(name)
        limit = self.authority.now + timedelta(days=days)
        return bool(trusted) and max(item.not_valid_after_utc for item in trusted) < limit

    def _tell_servers(self) -> None:
        """Who is trusted, in every form that a broker or the sink reads."""
        boxes = [name for name in self.authority.names() if name not in RESERVED]
        trusted = [box for box in boxes if self.authority.issued_to(box)]
        revoked = [box for box in boxes if box not in trusted]
        write_mosquitto(self._broker, self.address.port, revoked)
        write_rabbitmq(self._broker, self.address.port, trusted, SINK)
        shutil.copy(self.authority.revocation_file, self._broker)
        shutil.copy(self.authority.revocation_file, self._broker / revocation_name(AUTHORITY_NAME))
        (self._sink / "revoked").write_text("".join(f"{box}\n" for box in revoked))

    def _write_identity(self, folder: Path, name: str, hosts: Sequence[str] = ()) -> None:
        folder.mkdir(exist_ok=True)
        certificate, key = self.authority.issue(name, hosts=hosts)
        (folder / f"{name}.crt").write_bytes(certificate_pem(certificate))
        write_secret(folder / f"{name}.key", private_pem(key))
        shutil.copy(self.authority.certificate_file, folder)

    def _secret_file(self, box: str) -> Path:
        (self.folder / "ca/secrets").mkdir(exist_ok=True)
        return self.folder / "ca/secrets" / box

    def _renewal_file(self, box: str) -> Path:
        return self._sink / "renewals" / f"{box}.pem"

    @property
    def _broker(self) -> Path:
        return self.folder / "broker"

    @property
    def _sink(self) -> Path:
        return self.folder / "sink"


def check_box(box: str) -> None:
    """Raise WrongUse where a name could leave its own topic, or is the sink's or a server's."""
    if not is_box_id(box) or box in RESERVED:
        raise WrongUse(f'"{box}" is no name of a box: use 1 to 32 of a-z, 0-9 and "-", but not "sink" or "server"')


def make_token() -> str:
    """A token in groups that can be read out on the telephone."""
    groups = ("".join(secrets.choice(TOKEN_CHARACTERS) for _ in range(GROUP_LETTERS)) for _ in range(TOKEN_GROUPS))
    return "-".join(groups)


def derive_secret(token: str) -> str:
    """What opens the keys that a box gets later; made at both ends from the token, which has 129 bits."""
    return hashlib.sha256(b"ringtap renewal " + token.encode()).hexdigest()


def explain(made: Provision, bundles: Sequence[Bundle]) -> str:
    """What to carry where."""
    folder, port = made.folder, made.address.port
    broker = (folder / "broker").resolve()
    lines = [
        f"{folder}/ca      keep it here, and a copy in a safe place: who has ca.key can pretend to be any box",
        f"{folder}/broker  to the broker's machine (port {port}), to the same place; there",
        f"    mosquitto: mosquitto -c {broker}/mosquitto.conf",
        f"    RabbitMQ:  RABBITMQ_CONFIG_FILE={broker}/rabbitmq.conf",
        f"               RABBITMQ_ADVANCED_CONFIG_FILE={broker}/advanced.config",
        f"               RABBITMQ_ENABLED_PLUGINS_FILE={broker}/enabled_plugins",
        "               (in /etc/rabbitmq/rabbitmq-env.conf without RABBITMQ_); server.key readable for its user;",
        f"               for boxes that are added later: rabbitmqctl import_definitions {broker}/definitions.json",
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


def explain_revocation(made: Provision, box: str) -> str:
    """What makes a revocation hold."""
    folder = made.folder
    return "\n".join(
        [
            f"{box} is no longer trusted once this is done:",
            f"  {folder}/broker/* to the broker; there",
            "    mosquitto: send it SIGHUP; what the box may do ends at once, on connections that are up too",
            f"    RabbitMQ:  rabbitmqctl close_all_user_connections {box} revoked; rabbitmqctl delete_user {box}",
            f"  {folder}/sink/revoked to the sink, which reads it by itself and hears nothing more from the box",
        ]
    )


def explain_renewal(made: Provision, names: Sequence[str]) -> str:
    """What to carry where, so that everybody gets the new certificate before the old one ends."""
    folder = made.folder
    boxes = [name for name in names if name not in RESERVED]
    lines = [f"{', '.join(names) if names else 'nobody'}: new certificates"]
    if boxes:
        lines.append(f"  {folder}/sink/renewals/*.pem to the sink, which hands them to their boxes within an hour")
    if SERVER in names:
        lines.append(f"  {folder}/broker/server.* to the broker; mosquitto: send it SIGHUP, RabbitMQ: restart it")
    if SINK in names:
        lines.append(f"  {folder}/sink/sink.* to the sink, and restart it")
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
    write_secret(folder / "box.secret", derive_secret(token.strip()).encode())
    (folder / "ca.crt").write_text(str(parts["ca"]))
    (folder / "box.crt").write_text(str(parts["certificate"]))
    (folder / "mqtt.toml").write_text(BOX_CONFIGURATION.format(**parts))
    _let_service_read(folder, folder / "box.key", folder / "box.secret")
    bundle.unlink()
    return str(parts["box"])


def _let_service_read(folder: Path, *secrets_: Path) -> None:
    """The package's folder belongs to its service's group, which must be able to read what root puts there."""
    group = folder.stat().st_gid
    if os.geteuid() == 0 and group != 0:
        for path in secrets_:
            os.chown(path, 0, group)
            path.chmod(0o640)


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
