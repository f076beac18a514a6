"""Mail goes out by one SMTP server (RFC 5321), encrypted unless the operator chose otherwise."""

import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from pathlib import Path

from cloud_sink.errors import SinkError
from cloud_sink.reports.settings import MailSettings

TIMEOUT_S = 30.0


class MailRefused(SinkError):
    """The mail did not go out; the text says why, in a line."""


class Outbox:
    """Sends one message at a time, a connection each: reports are few."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    def send(self, message: EmailMessage) -> None:
        """Hand a message to the server. Raises MailRefused, also where it refused only some recipients."""
        try:
            with self._connect() as server:
                if self._settings.username:
                    server.login(self._settings.username, self._password())
                refused = _deliver(server, message)
        except smtplib.SMTPRecipientsRefused as error:
            raise MailRefused(_told(error.recipients)) from error
        except (OSError, smtplib.SMTPException) as error:
            where = f"{self._settings.host}:{self._settings.port}"
            raise MailRefused(f"mail server {where}: {str(error) or type(error).__name__}") from error
        if refused:
            raise MailRefused(_told(refused))

    def _connect(self) -> smtplib.SMTP:
        """An open connection, encrypted as the settings say."""
        settings = self._settings
        if settings.security == "tls":
            return smtplib.SMTP_SSL(settings.host, settings.port, timeout=TIMEOUT_S, context=self._context())
        server = smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT_S)
        if settings.security == "starttls":
            try:
                server.starttls(context=self._context())
            except (OSError, smtplib.SMTPException):
                server.close()
                raise
        return server

    def _context(self) -> ssl.SSLContext:
        """TLS that checks the server's certificate and name."""
        return ssl.create_default_context(cafile=self._settings.ca_file or None)

    def _password(self) -> str:
        """The first line of its file."""
        lines = Path(self._settings.password_file).read_text(encoding="utf-8").splitlines()
        return lines[0] if lines else ""


def _deliver(server: smtplib.SMTP, message: EmailMessage) -> dict[str, tuple[int, bytes]]:
    """Send it; returns whom the server refused.

    As `smtplib.send_message` does, but for the ">" that it puts before lines that begin with "From ": a habit of
    mailbox files that RFC 5321 does not know, and that readers see.
    """
    sender = message["From"].addresses[0].addr_spec
    recipients = [each.addr_spec for each in message["To"].addresses]
    international = not all(map(str.isascii, (sender, *recipients)))
    server.ehlo_or_helo_if_needed()
    if international and not server.has_extn("smtputf8"):
        raise smtplib.SMTPNotSupportedError("an address has letters that this server does not take (SMTPUTF8)")
    content = message.as_bytes(policy=SMTPUTF8 if international else SMTP)
    return server.sendmail(sender, recipients, content, ["SMTPUTF8", "BODY=8BITMIME"] if international else [])


def _told(refused: dict[str, tuple[int, bytes]]) -> str:
    """Who was refused, and with which words of the server."""
    return "; ".join(f"{address}: {code} {text.decode(errors='replace')}" for address, (code, text) in refused.items())
