"""Who this box is to the broker: the certificate it was enrolled with, or the one the sink handed it since.

A new key comes locked with a secret that the box has had since its enrolment: neither the sink nor the broker, through
whose hands it goes, can read it. It is kept locked, beside the spool, and what the configuration names stays as it is;
a new certificate with which the broker does not let the box in is laid aside for the old one.
"""

import contextlib
import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from collector.certificate import validity
from collector.tls import make_context

MAX_RENEWAL = 8192  # characters: a certificate and a key have 1,500
LOCKED = "BEGIN ENCRYPTED PRIVATE KEY"


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Paths; empty: not used. `renewed` is written here, `secret` opens the key in it."""

    ca: str = ""
    certificate: str = ""
    key: str = ""
    secret: str = ""
    renewed: str = ""


class Credentials:
    """Chooses between the enrolled certificate and a renewed one."""

    def __init__(self, files: CertificateFiles) -> None:
        self._files = files
        self._renewed_failed = False

    @property
    def certificate_file(self) -> str:
        """The certificate that the next connection shows; "" without any."""
        return self._files.renewed if self._uses_renewed() else self._files.certificate

    def make_context(self) -> ssl.SSLContext:
        """TLS for the next connection. Raises OSError or ValueError where the files cannot be used."""
        files = self._files
        if self._uses_renewed():
            with contextlib.suppress(OSError, ValueError):  # then it is not what it was when it was taken
                return make_context(files.ca, files.renewed, "", secret=self._secret())
            self._renewed_failed = True
        return make_context(files.ca, files.certificate, files.key)

    def receive_renewal(self, text: str) -> bool:
        """Take a certificate with its locked key; False: it is the one in use. Raises ValueError with what is wrong."""
        if not self._files.secret or not self._files.renewed:
            raise ValueError("[mqtt] secret_file is not set")
        if len(text) > MAX_RENEWAL or LOCKED not in text:
            raise ValueError("it is no certificate with a locked key")
        if _end(text) == self._end_of(self.certificate_file):
            return False
        if _end(text) < max(self._end_of(name) for name in (self._files.certificate, self.certificate_file)):
            raise ValueError("it ends sooner than the one in use")
        self._keep(text)
        return True

    def handle_failure(self) -> None:
        """The broker did not let the box in: try with the other certificate next."""
        self._renewed_failed = not self._renewed_failed

    def _keep(self, text: str) -> None:
        beside = Path(self._files.renewed + ".new")
        beside.unlink(missing_ok=True)
        beside.touch(mode=0o600)
        beside.write_text(text, encoding="ascii")
        try:
            make_context(self._files.ca, str(beside), "", secret=self._secret())  # the secret opens it, and both belong
        except (OSError, ValueError) as error:
            beside.unlink()
            raise ValueError("its key does not open, or belongs to another certificate") from error
        beside.replace(self._files.renewed)
        self._renewed_failed = False

    def _uses_renewed(self) -> bool:
        files = self._files
        if self._renewed_failed or not files.secret or not files.renewed or not Path(files.renewed).exists():
            return False
        return self._end_of(files.renewed) > self._end_of(files.certificate)

    def _end_of(self, file: str) -> float:
        try:
            return _end(Path(file).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0.0

    def _secret(self) -> str:
        return Path(self._files.secret).read_text(encoding="ascii").strip()


def _end(text: str) -> float:
    end: datetime = validity(text)[1]
    return end.timestamp()
