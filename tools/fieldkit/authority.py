"""A small certificate authority in a folder: it signs a broker, a sink and boxes, and says whom it no longer trusts.

Keys are P-256: every broker, and a microcontroller, speaks it. RFC 5280.
"""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from collector.errors import WrongUse

AUTHORITY_YEARS = 20  # longer than the boxes: a new authority means visiting every one of them
LEAF_DAYS = 730
AUTHORITY_NAME = "ringtap authority"
BACKDATED = timedelta(days=1)  # clocks of boxes differ

Key = ec.EllipticCurvePrivateKey


class Authority:
    """The authority in `folder`: ca.key, ca.crt, crl.pem, and a copy of each certificate it signed in issued/."""

    def __init__(self, folder: Path, now: datetime | None = None) -> None:
        self._folder = folder
        self.now = now or datetime.now(UTC)
        self.certificate_file = folder / "ca.crt"
        self.revocation_file = folder / "crl.pem"
        (folder / "issued").mkdir(parents=True, exist_ok=True)
        if not self.certificate_file.exists():
            self._found()
        self._certificate = _read_certificate(self.certificate_file)
        self._key = _read_key(folder / "ca.key")

    def issue(self, name: str, *, days: int = LEAF_DAYS, hosts: Sequence[str] = ()) -> tuple[x509.Certificate, Key]:
        """Sign a new key for `name`; with `hosts` for a server of these names or addresses, else for a client."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = (
            _builder(_name(name), self._certificate.subject, key, self.now, timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(host) for host in hosts]), False)
        certificate = builder.sign(self._key, hashes.SHA256())
        copy = self._folder / "issued" / f"{name}-{certificate.serial_number:x}.crt"
        copy.write_bytes(certificate.public_bytes(Encoding.PEM))
        return certificate, key

    def names(self) -> list[str]:
        """Whoever was given a certificate, trusted or not."""
        return sorted({path.stem.rpartition("-")[0] for path in (self._folder / "issued").glob("*-*.crt")})

    def issued_to(self, name: str) -> list[x509.Certificate]:
        """Every certificate that `name` was given and that is still trusted, the oldest first."""
        revoked = self._revoked()
        found = [_read_certificate(path) for path in (self._folder / "issued").glob(f"{name}-*.crt")]
        trusted = [item for item in found if item.serial_number not in revoked and common_name(item) == name]
        return sorted(trusted, key=lambda item: item.not_valid_before_utc)

    def revoke(self, certificates: Sequence[x509.Certificate]) -> None:
        """Trust these no longer; whoever reads the list must be given the new one."""
        self._write_revocations(self._revoked() | {certificate.serial_number for certificate in certificates})

    def _found(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(AUTHORITY_NAME)
        certificate = (
            _builder(name, name, key, self.now, timedelta(days=365 * AUTHORITY_YEARS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(_AUTHORITY_USAGE, critical=True)
            .sign(key, hashes.SHA256())
        )
        write_secret(self._folder / "ca.key", private_pem(key))
        self.certificate_file.write_bytes(certificate.public_bytes(Encoding.PEM))
        self._certificate, self._key = certificate, key
        self._write_revocations(set())

    def _revoked(self) -> set[int]:
        revocations = x509.load_pem_x509_crl(self.revocation_file.read_bytes())
        return {entry.serial_number for entry in revocations}

    def _write_revocations(self, serials: set[int]) -> None:
        """As long-lived as the authority: OpenSSL refuses everybody once the list is out of date."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate.subject)
            .last_update(self.now - BACKDATED)
            .next_update(self._certificate.not_valid_after_utc)
        )
        for serial in sorted(serials):
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(self.now)
            builder = builder.add_revoked_certificate(entry.build())
        signed = builder.sign(self._key, hashes.SHA256())
        self.revocation_file.write_bytes(signed.public_bytes(Encoding.PEM))


def common_name(certificate: x509.Certificate) -> str:
    """Whom a certificate names: what the broker takes as user name."""
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """The certificate as text."""
    return certificate.public_bytes(Encoding.PEM)


def private_pem(key: Key, token: str = "") -> bytes:
    """A private key as text (PKCS 8), readable only with `token` if there is one."""
    lock: KeySerializationEncryption = BestAvailableEncryption(token.encode()) if token else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)


def open_private_pem(text: bytes, token: str) -> bytes:
    """A private key's text without its token. Raises WrongUse where the token is not the right one."""
    try:
        key = load_pem_private_key(text, token.encode())
    except (ValueError, TypeError) as error:
        raise WrongUse("the token does not open this bundle: look at its letters, or make a new bundle") from error
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, from its first byte on."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)


_AUTHORITY_USAGE = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
    key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
)  # fmt: skip


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, now: datetime, lasts: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + lasts)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _read_certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def _read_key(path: Path) -> Key:
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, Key):
        raise WrongUse(f"{path}: not a key of this authority; keep the folder as provision made it")
    return key
