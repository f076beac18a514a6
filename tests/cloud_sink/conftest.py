"""The command `ringtap-sink`, an empty store, and a real mail server, with TLS and a password where wanted."""

import shutil
import signal
import ssl
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from argon2 import PasswordHasher

from cloud_sink.cli import main
from cloud_sink.store import Store
from cloud_sink.users import passwords
from fieldkit.authority import Authority, certificate_pem, private_pem

STOPPING = (signal.SIGTERM, signal.SIGINT)
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture(autouse=True, scope="session")
def real_hasher() -> Iterator[PasswordHasher]:
    """What a sink hashes passwords with, for the tests of that; all others hash a thousand times as fast."""
    real = passwords._hasher
    passwords._hasher = QUICK
    yield real
    passwords._hasher = real


@pytest.fixture
def ringtap_sink(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., CompletedProcess[str]]]:
    """Call the command with arguments, in this process: starting Python for each would cost two seconds."""
    before = {number: signal.getsignal(number) for number in STOPPING}

    def call(*arguments: object) -> CompletedProcess[str]:
        words = [*map(str, arguments)]
        try:
            code = main(words)
        except SystemExit as wrong_use:
            code = int(wrong_use.code or 0)
        said = capsys.readouterr()
        return CompletedProcess(words, code, said.out, said.err)

    yield call
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with all its tables: to be copied, migrating takes fifty times as long."""
    path = tmp_path_factory.mktemp("empty") / "sink.db"
    store = Store.open(f"sqlite:///{path}")
    store.migrate()
    store.close()
    return path


@pytest.fixture
def empty_store(empty_database: Path, tmp_path: Path) -> Iterator[Store]:
    """An empty SQLite store, `sink.db` in the test's folder."""
    shutil.copy(empty_database, tmp_path / "sink.db")
    store = Store.open(f"sqlite:///{tmp_path / 'sink.db'}")
    yield store
    store.close()


class Postbox:
    """Keeps every mail that the server took; refuses whoever a test names, and everything while it is `closed`."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.encrypted: list[bool] = []
        self.refused: set[str] = set()
        self.closed = False

    async def handle_RCPT(self, _server, _session: Session, envelope: Envelope, address: str, _options) -> str:  # noqa: N802
        """Take or refuse a recipient."""
        if address in self.refused:
            return "550 no such person here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep a letter."""
        if self.closed:
            return "451 come back later"
        letter = message_from_bytes(envelope.content or b"", policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        self.encrypted.append(session.ssl is not None)
        return "250 OK"


class OnAnyPort(Controller):
    """A server on a port that nobody else has."""

    def _trigger_server(self) -> None:
        """Learn the port before the first connection."""
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Who signs the mail server's certificate."""
    return Authority(tmp_path / "ca")


@pytest.fixture
def server_tls(authority: Authority, tmp_path: Path) -> ssl.SSLContext:
    """The mail server's side of TLS."""
    certificate, key = authority.issue("mail", hosts=["127.0.0.1"])
    path = tmp_path / "mail.pem"
    path.write_bytes(certificate_pem(certificate) + private_pem(key))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context


@pytest.fixture
def open_postbox() -> Iterator[Callable[..., tuple[Postbox, int]]]:
    """Start a mail server that speaks STARTTLS, TLS, or neither; returns its postbox and port."""
    running: list[Controller] = []

    def start(
        *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, password: str = ""
    ) -> tuple[Postbox, int]:
        postbox = Postbox()

        def check(_server, _session, _envelope, _mechanism, data: LoginPassword) -> AuthResult:
            return AuthResult(success=data.password == password.encode(), handled=False)

        controller = OnAnyPort(
            postbox, "127.0.0.1", 0, ssl_context=tls, tls_context=starttls, require_starttls=starttls is not None,
            authenticator=check, auth_required=bool(password), auth_require_tls=starttls is not None,
        )  # fmt: skip
        running.append(controller)
        controller.start()
        return postbox, controller.port

    yield start
    for controller in running:
        controller.stop()
