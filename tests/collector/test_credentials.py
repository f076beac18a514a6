"""Which certificate a box shows, and which new ones it takes: `collector.credentials` with real certificates."""

import pytest

from collector.credentials import CertificateFiles, Credentials
from fieldkit.authority import Authority, certificate_pem, private_pem

SECRET = "0123456789abcdef"


class Box:
    """An enrolled box, and the authority that signs for it."""

    def __init__(self, folder):
        self.folder = folder
        self.authority = Authority(folder / "ca")
        self.renewed = folder / "spool" / "certificate.pem"
        self.renewed.parent.mkdir()
        (folder / "box.secret").write_text(SECRET + "\n")
        certificate, key = self.authority.issue("box-a", days=40)
        (folder / "box.crt").write_bytes(certificate_pem(certificate))
        (folder / "box.key").write_bytes(private_pem(key))

    def files(self, **changes):
        """As configured."""
        names = {"certificate": "box.crt", "key": "box.key", "secret": "box.secret"}
        paths = {name: str(self.folder / file) for name, file in names.items()}
        ca = str(self.authority.certificate_file)
        return CertificateFiles(**({"ca": ca, **paths, "renewed": str(self.renewed)} | changes))

    def renewal(self, days=730, secret=SECRET):
        """What the sink hands over."""
        certificate, key = self.authority.issue("box-a", days=days)
        return (certificate_pem(certificate) + private_pem(key, secret)).decode()


@pytest.fixture
def box(tmp_path):
    """Such a box."""
    return Box(tmp_path)


def test_a_new_certificate_is_used_from_the_next_connection_on_and_after_a_restart(box):
    """The configured files stay as they are; the key stays locked on the disk, for its owner alone."""
    before = (box.folder / "box.key").read_bytes()
    credentials = Credentials(box.files())
    assert str(box.folder / "box.crt") == credentials.certificate_file
    text = box.renewal()
    assert credentials.receive_renewal(text)
    for each in (credentials, Credentials(box.files())):
        assert str(box.renewed) == each.certificate_file
        each.make_context()
    assert "ENCRYPTED" in box.renewed.read_text()
    assert 0o600 == box.renewed.stat().st_mode & 0o777
    assert before == (box.folder / "box.key").read_bytes()
    assert not credentials.receive_renewal(text)


@pytest.mark.parametrize(
    ("renewal", "reason"),
    [
        (lambda _box: "", "no certificate with a locked key"),
        (lambda box: box.renewal() + " " * 8192, "no certificate with a locked key"),
        (lambda box: box.renewal(secret=""), "no certificate with a locked key"),
        (lambda box: box.renewal(secret="another"), "does not open"),
        (lambda box: box.renewal(days=10), "ends sooner"),
        (lambda box: "BEGIN ENCRYPTED PRIVATE KEY" + box.renewal()[:300], "certificate"),
        (lambda box: box.renewal().partition("-----BEGIN ENC")[0] + "-----BEGIN ENC" +
         box.renewal().partition("-----BEGIN ENC")[2], "belongs to another"),
    ],
    ids=["empty", "too long", "open key", "another secret", "older", "cut off", "two halves"],
)  # fmt: skip
def test_what_is_no_good_is_refused_and_changes_nothing(box, renewal, reason):
    """A sink or a broker that lies cannot take a box's certificate away."""
    credentials = Credentials(box.files())
    with pytest.raises(ValueError, match=reason):
        credentials.receive_renewal(renewal(box))
    assert str(box.folder / "box.crt") == credentials.certificate_file
    assert [] == list(box.renewed.parent.iterdir())


def test_a_box_without_a_secret_takes_nothing(box):
    """Nothing was enrolled that could open a key."""
    with pytest.raises(ValueError, match="secret_file"):
        Credentials(box.files(secret="")).receive_renewal(box.renewal())


def test_where_the_new_one_does_not_let_in_the_old_one_is_tried(box):
    """And the other way round: none of the two is given up."""
    credentials = Credentials(box.files())
    credentials.receive_renewal(box.renewal())
    shown = []
    for _ in range(3):
        shown.append(credentials.certificate_file)
        credentials.handle_failure()
    assert [str(box.renewed), str(box.folder / "box.crt"), str(box.renewed)] == shown


def test_a_new_bundle_comes_before_an_older_renewal(box):
    """Who enrols a box anew means it: the certificate that ends last is shown."""
    Credentials(box.files()).receive_renewal(box.renewal(days=100))
    certificate, key = box.authority.issue("box-a", days=730)
    (box.folder / "box.crt").write_bytes(certificate_pem(certificate))
    (box.folder / "box.key").write_bytes(private_pem(key))
    assert str(box.folder / "box.crt") == Credentials(box.files()).certificate_file


def test_a_renewed_file_that_was_damaged_is_passed_over(box):
    """The enrolled certificate is still there."""
    credentials = Credentials(box.files())
    credentials.receive_renewal(box.renewal())
    box.renewed.write_text(box.renewed.read_text().replace("ENCRYPTED", "BROKEN"))
    credentials.make_context()
    assert str(box.folder / "box.crt") == credentials.certificate_file
