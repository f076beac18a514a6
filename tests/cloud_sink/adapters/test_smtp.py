from email.message import EmailMessage

import pytest

from cloud_sink.adapters.smtp import MailRefused, Outbox
from cloud_sink.reports.settings import MailSettings


@pytest.fixture
def letter() -> EmailMessage:
    """A mail to two people."""
    found = EmailMessage()
    found["From"], found["To"], found["Subject"] = "ringtap@example.com", "a@example.com, b@example.com", "Звіт"
    found.set_content("Привіт")
    return found


def settings(port: int, **fields: object) -> MailSettings:
    """The server on loopback, unencrypted unless told."""
    return MailSettings(**{"host": "127.0.0.1", "port": port, "security": "none", **fields})  # type: ignore[arg-type]


def test_letter_arrives(open_postbox, letter):
    """With its subject and text, in any script."""
    postbox, port = open_postbox()
    Outbox(settings(port)).send(letter)
    (arrived,) = postbox.letters
    assert ("Звіт", "Привіт") == (arrived["subject"], arrived.get_content().strip())


def test_lines_arrive_as_they_are(open_postbox, letter):
    """One that begins with "From" too: no mark before it, as mailbox files need it; a lone dot ends nothing."""
    postbox, port = open_postbox()
    letter.set_content("From signalling that was seen\n.\n>From here\n")
    Outbox(settings(port)).send(letter)
    (arrived,) = postbox.letters
    assert ["From signalling that was seen", ".", ">From here"] == arrived.get_content().splitlines()[:3]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_password_goes_over_tls(open_postbox, server_tls, authority, tmp_path, letter, security: str):
    """The server's certificate is checked against the authority named; the password is the first line of its file."""
    postbox, port = open_postbox(**{security: server_tls}, password="secret")
    (tmp_path / "password").write_text("secret\nnot this\n")
    fields = {"ca_file": str(authority.certificate_file), "username": "u", "password_file": str(tmp_path / "password")}
    Outbox(settings(port, security=security, **fields)).send(letter)
    assert 1 == len(postbox.letters)
    if security == "starttls":
        assert [True] == postbox.encrypted
    (tmp_path / "password").write_text("wrong")
    with pytest.raises(MailRefused, match=f"mail server 127.0.0.1:{port}: .*535"):
        Outbox(settings(port, security=security, **fields)).send(letter)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_unknown_certificate_gets_nothing(open_postbox, server_tls, letter, security: str):
    """No mail to whoever cannot prove to be the server."""
    postbox, port = open_postbox(**{security: server_tls})
    with pytest.raises(MailRefused, match="certificate"):
        Outbox(settings(port, security=security)).send(letter)
    assert [] == postbox.letters


def test_server_without_tls_gets_nothing(open_postbox, letter):
    """Where encryption was asked for."""
    postbox, port = open_postbox()
    with pytest.raises(MailRefused, match=f"mail server 127.0.0.1:{port}: .*STARTTLS"):
        Outbox(settings(port, security="starttls")).send(letter)
    assert [] == postbox.letters


def test_refused_recipient_is_named(open_postbox, letter):
    """Who else is named gets it all the same."""
    postbox, port = open_postbox()
    postbox.refused = {"b@example.com"}
    with pytest.raises(MailRefused, match=r"b@example\.com: 550 no such person here"):
        Outbox(settings(port)).send(letter)
    assert 1 == len(postbox.letters)
    postbox.refused = {"a@example.com", "b@example.com"}
    with pytest.raises(MailRefused, match=r"a@example.com: 550.*b@example.com: 550"):
        Outbox(settings(port)).send(letter)


def test_nobody_listens(letter):
    """One line that names the server."""
    with pytest.raises(MailRefused, match=r"mail server 127.0.0.1:9: .*refused"):
        Outbox(settings(9)).send(letter)
