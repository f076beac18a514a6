"""What only one board may have, in the forms that MicroPython reads: certificates as DER, keys of callers' codes.

A board takes none of them over the network: `ringtap flash` carries them to it, and `--renew` new ones later.
"""

import base64
import re
from datetime import UTC, datetime
from pathlib import Path

from collector import config
from collector.caller_keys import KeyRing, load_keys
from collector.certificate import validity
from collector.errors import ConfigurationError, WrongUse
from collector.tls import make_context
from fieldkit.authority import open_private_pem, write_secret

PEM_BODY = re.compile(rb"-----BEGIN (?![A-Z ]*PARAMETERS)[A-Z ]+-----\s+([A-Za-z0-9+/=\s]+?)-----END")
CERTIFICATE_FILES = ("ca_file", "certificate_file", "key_file")
LOCKED_KEY = re.compile(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----.+?-----END ENCRYPTED PRIVATE KEY-----\n?", re.DOTALL)

Places = dict[str, dict[str, object]]  # section -> key -> where its file is on the board


def write_secrets(settings: config.Configuration, folder: Path) -> Places:
    """Everything that the configuration names, into the folder; returns where the board finds it."""
    places: Places = {"mqtt": {}, "privacy": {}}
    for key in CERTIFICATE_FILES:
        if path := getattr(settings.mqtt, key):
            places["mqtt"][key] = _put(folder, f"{key.removesuffix('_file')}.der", der_of(settings.resolve(path)))
    if settings.mqtt.password_file:
        password = _read(settings.resolve(settings.mqtt.password_file))
        places["mqtt"]["password_file"] = _put(folder, "password", password)
    if settings.privacy.caller_numbers == "keyed":
        ring = load_keys(settings.resolve(settings.privacy.key_file or "caller.key"))
        places["privacy"]["key_file"] = _put(folder, "caller.key", board_keys(ring))
    return places


def write_renewal(settings: config.Configuration, folder: Path, offered: Path | None) -> str:
    """The secrets of today, and the certificate in `offered` (`ringtap provision --renew`) where that is given.

    Returns in words what is in the folder. Raises RingtapError for a certificate that would lock the board out.
    """
    new = _read_offered(settings, offered) if offered is not None else {}
    named = offered or (settings.resolve(settings.mqtt.certificate_file) if settings.mqtt.certificate_file else None)
    ends = _end_of(named) if named else None
    if ends is not None and ends <= datetime.now(UTC):
        raise ConfigurationError(f"{named}: ended on {ends:%Y-%m-%d}: make a new one with `ringtap provision --renew`")
    folder.mkdir(parents=True, exist_ok=True)
    places = write_secrets(settings, folder)
    if not places["mqtt"] and not places["privacy"]:
        raise WrongUse(f"{settings.path}: names no certificate, password or key: nothing to renew")
    for name, content in new.items():
        _put(folder, name, content)
    parts = [f"certificate until {ends:%Y-%m-%d}"] if ends else []
    parts += ["password"] if "password_file" in places["mqtt"] else []
    parts += ["keys of callers' numbers"] if places["privacy"] else []
    return ", ".join(parts)


def _read_offered(settings: config.Configuration, offered: Path) -> dict[str, bytes]:
    """The board's files of a certificate with its locked key, as the sink hands it to a collector."""
    if not settings.mqtt.secret_file or not settings.mqtt.certificate_file:
        raise WrongUse(f"{settings.path}: [mqtt] secret_file is not set: it opens the key in {offered}")
    content = _read(offered)
    locked = LOCKED_KEY.search(content)
    if locked is None:
        raise ConfigurationError(f"{offered}: is no renewal of `ringtap provision --renew`: it has no locked key")
    secret = _read(settings.resolve(settings.mqtt.secret_file)).decode("ascii", "replace").strip()
    try:  # the secret opens it, and key and certificate belong together
        make_context(str(settings.resolve(settings.mqtt.ca_file)), str(offered), "", secret=secret)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{offered}: the secret of this box does not open it: is it another box's?") from error
    if _end_of(offered) < _end_of(settings.resolve(settings.mqtt.certificate_file)):
        raise ConfigurationError(f"{offered}: ends sooner than {settings.mqtt.certificate_file}")
    key = open_private_pem(locked[0], secret)
    return {"certificate.der": _first_der(offered, content), "key.der": _first_der(offered, key)}


def board_keys(ring: KeyRing) -> bytes:
    """The keys as a board reads them: 64 hexadecimal digits and, but for the first one, from which Unix second on."""
    lines = [key.hex() if since.year == 1 else f"{key.hex()} {int(since.timestamp())}" for since, key in ring.keys]
    return "".join(f"{line}\n" for line in lines).encode()


def der_of(path: Path) -> bytes:
    """The first certificate or key of a PEM file, or a DER file as it is."""
    return _first_der(path, _read(path))


def _first_der(path: Path, content: bytes) -> bytes:
    if not content.startswith(b"-----BEGIN") and content[:1] == b"\x30":
        return content
    found = PEM_BODY.search(content)
    if b"ENCRYPTED" in (content[: found.start(1)] if found else content):
        raise ConfigurationError(f"{path}: this key is locked; run `ringtap enrol` on the bundle first")
    if found is None:
        raise ConfigurationError(f"{path}: holds no certificate or key (PEM or DER)")
    return base64.b64decode(found[1])


def _end_of(path: Path) -> datetime:
    try:
        return validity(_read(path).decode("ascii", "replace"))[1]
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}") from error


def _put(folder: Path, name: str, content: bytes) -> str:
    write_secret(folder / name, content)
    return f"/{name}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
