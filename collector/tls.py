"""TLS to a broker: who is trusted, who we are, and in plain words why it does not work."""

import logging
import ssl
from datetime import UTC, datetime
from pathlib import Path

from collector.certificate import validity

WARN_DAYS = 30  # a bundle can be carried to a box in that time
_FIRST_SANE_YEAR = 2020  # a clock before it was never set
_NO_CHECK_TIME = 0x200000  # OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which the standard library has no name for

logger = logging.getLogger(__name__)


def make_context(
    ca_file: str, certificate_file: str, key_file: str, now: datetime | None = None, secret: str = ""
) -> ssl.SSLContext:
    """TLS 1.2 or newer; the broker is checked against `ca_file` (or the system's authorities).

    While the clock was never set (a box boots in 1970) no certificate is valid yet: authority and name are checked all
    the same, only not the dates, or a box without a time server would never deliver. `secret` opens a locked key.
    Raises OSError or ValueError where the files cannot be used.
    """
    context = ssl.create_default_context(cafile=ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if (now or datetime.now(UTC)).year < _FIRST_SANE_YEAR:
        context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    if certificate_file:
        context.load_cert_chain(certificate_file, key_file or None, password=secret)  # not asked for on a terminal
    return context


def days_left(certificate_file: str, now: datetime | None = None) -> int | None:
    """Whole days until a certificate ends, negative afterwards; None where it cannot be read."""
    if not certificate_file:
        return None
    try:
        _, end = validity(Path(certificate_file).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return (end - (now or datetime.now(UTC))).days


def explain_refusal(reason: str, certificate_file: str, now: datetime | None = None) -> str:
    """Why a connection with TLS failed: what OpenSSL or the broker said, and what to do where that is known."""
    now = now or datetime.now(UTC)
    if now.year < _FIRST_SANE_YEAR:
        return f"{reason}; the clock says {now:%Y-%m-%d}, set it if certificates are the reason"
    left = days_left(certificate_file, now)
    if left is not None and left < 0:
        return f"the certificate {certificate_file} ended {-left} days ago: make a new bundle with `ringtap provision`"
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        why = reason.partition("verify failed: ")[2].partition(" (_ssl")[0] or reason
        return f"the broker's certificate is not accepted: {why}"
    return reason


def warn_before_end(certificate_file: str) -> None:
    """Log how long a certificate still lasts, if that is not long."""
    left = days_left(certificate_file)
    if left is not None and left < WARN_DAYS:
        logger.warning("the certificate %s ends in %d days: renew it with `ringtap provision --renew`",
                       certificate_file, max(0, left))  # fmt: skip
