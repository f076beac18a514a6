"""Whom a box trusts, also before it knows what year it is: `collector.tls` against a real TLS server."""

import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta

import pytest

from collector.tls import make_context
from fieldkit.authority import Authority, certificate_pem, private_pem

BOOT = datetime(1970, 1, 1, 0, 3, tzinfo=UTC)


class Server:
    """A TLS server of an authority whose certificates begin in ten years, as all do for a box in 1970."""

    def __init__(self, folder):
        self.authority = Authority(folder / "ca", datetime.now(UTC) + timedelta(days=3650))
        certificate, key = self.authority.issue("server", hosts=["localhost"])
        (folder / "server.pem").write_bytes(certificate_pem(certificate) + private_pem(key))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "server.pem")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                end, _ = self._listener.accept()
            except OSError:
                return
            try:
                self._context.wrap_socket(end, server_side=True).close()
            except OSError:
                end.close()

    def refusal_of(self, context, name="localhost"):
        """What a client says about the certificate; "" where it is content."""
        with socket.create_connection(self.address, 10) as end:
            try:
                context.wrap_socket(end, server_hostname=name).close()
            except ssl.SSLCertVerificationError as error:
                return error.verify_message
        return ""

    def close(self):
        """No more."""
        self._listener.close()


@pytest.fixture
def server(tmp_path):
    """Such a server."""
    server = Server(tmp_path)
    yield server
    server.close()


def test_a_box_in_1970_trusts_its_authority_although_nothing_is_valid_yet(server):
    """It could deliver nothing before it knows the time; another name it trusts no more than ever."""
    ca = str(server.authority.certificate_file)
    assert server.refusal_of(make_context(ca, "", "", BOOT)) == ""
    assert "mismatch" in server.refusal_of(make_context(ca, "", "", BOOT), "evil.example").lower()


def test_a_box_in_1970_trusts_no_other_authority(server, tmp_path):
    """Only the dates are left out."""
    other = Authority(tmp_path / "other").certificate_file
    assert server.refusal_of(make_context(str(other), "", "", BOOT))


def test_once_the_clock_is_set_dates_count(server):
    """The next connection checks them."""
    ca = str(server.authority.certificate_file)
    assert "not yet valid" in server.refusal_of(make_context(ca, "", ""))


def test_nothing_older_than_tls_1_2_is_spoken(server):
    """Whatever the system's own configuration allows."""
    assert make_context(str(server.authority.certificate_file), "", "").minimum_version == ssl.TLSVersion.TLSv1_2
