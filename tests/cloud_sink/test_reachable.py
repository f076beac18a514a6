"""A sink that others can reach: with users, TLS, or a proxy, and never without."""

import ssl
import urllib.request
from pathlib import Path

import httpx
import pytest

from cloud_sink.config import load
from cloud_sink.errors import ConfigurationError
from cloud_sink.reachable import check_guarded
from cloud_sink.store import Store, User
from cloud_sink.users.passwords import hash_password
from fieldkit.authority import Authority, certificate_pem, private_pem

from .test_cli import Run, serving

PASSWORD = "four horses eat purple soup"


def configured(folder: Path, *, listen: str = "127.0.0.1:0", more: str = "") -> Path:
    """A configuration with a migrated database."""
    file = folder / "sink.toml"
    database = f"sqlite:///{folder}/sink.db"
    file.write_text(
        f'[sink]\ndatabase = "{database}"\nlisten = "{listen}"\nembedded_broker = "127.0.0.1:0"\n{more}\n'
        "[offices.lab]\n"
    )
    store = Store.open(database)
    store.migrate()
    store.close()
    return file


def check(file: Path) -> None:
    """As `serve` does."""
    configuration = load(file)
    check_guarded(Store.open(configuration.sink.database), configuration)


@pytest.fixture
def check_config(ringtap_sink: Run) -> Run:
    """As an installer asks."""
    return lambda file: ringtap_sink("check-config", "--config", file)


def add_user(folder: Path) -> None:
    """Anybody."""
    Store.open(f"sqlite:///{folder}/sink.db").users.add(User("maria", "admin", "", False, False, 0))


@pytest.mark.parametrize("listen", ["0.0.0.0:8080", "[::]:8080", "10.0.0.5:80", "kpi.example.com:80"])
def test_others_need_users_or_a_proxy(tmp_path: Path, listen: str):
    """What to do is said."""
    file = configured(tmp_path, listen=listen)
    with pytest.raises(ConfigurationError) as refused:
        check(file)
    for word in (
        str(file),
        "no users yet",
        "ringtap-sink user add NAME --role admin",
        "127.0.0.1",
        "[web] open = true",
    ):
        assert word in str(refused.value)
    check(configured(tmp_path, listen=listen, more="[web]\nopen = true"))
    configured(tmp_path, listen=listen)
    add_user(tmp_path)
    check(file)


def test_check_config_says_it_before_serve_does(check_config: Run, tmp_path: Path):
    """Users that are missing, and a key that is another certificate's; a database that is not there is not made."""
    file = configured(tmp_path, listen="0.0.0.0:8080")
    database = tmp_path / "sink.db"
    done = check_config(file)
    assert (2, True) == (done.returncode, "there are no users yet" in done.stderr)
    add_user(tmp_path)
    assert (0, "") == (check_config(file).returncode, check_config(file).stderr)
    for path in tmp_path.glob("sink.db*"):
        path.unlink()
    done = check_config(file)
    assert (2, True) == (done.returncode, "there are no users yet" in done.stderr)
    assert not database.exists()


def test_check_config_reads_certificates(check_config: Run, tmp_path: Path):
    """The page's and the broker's: a key that belongs to another certificate is told, and by which section."""
    authority = Authority(tmp_path / "ca")
    (certificate, _), (_, other) = (authority.issue(name, hosts=["127.0.0.1"]) for name in ("page", "other"))
    (tmp_path / "page.pem").write_bytes(certificate_pem(certificate))
    (tmp_path / "other.key").write_bytes(private_pem(other))
    pair = 'certificate_file = "page.pem"\nkey_file = "other.key"'
    done = check_config(configured(tmp_path, more=f"[web]\n{pair}"))
    assert (2, 1) == (done.returncode, done.stderr.count("\n"))
    assert "[web] certificate_file and key_file are no pair" in done.stderr
    file = configured(tmp_path, more=f"[mqtt]\n{pair}")
    file.write_text(file.read_text().replace('embedded_broker = "127.0.0.1:0"\n', ""))
    done = check_config(file)
    assert (2, 1) == (done.returncode, done.stderr.count("\n"))
    assert "[mqtt] certificates" in done.stderr


@pytest.mark.parametrize("listen", ["127.0.0.1:8080", "[::1]:8080", "localhost:8080"])
def test_this_machine_needs_none(tmp_path: Path, listen: str):
    """A demo is two commands."""
    check(configured(tmp_path, listen=listen))


def test_serve_refuses_in_one_line(ringtap_sink: Run, tmp_path: Path):
    """Before it listens anywhere."""
    ended = ringtap_sink("serve", "--config", configured(tmp_path, listen="0.0.0.0:0"))
    assert (2, "", 1) == (ended.returncode, ended.stdout, len(ended.stderr.splitlines()))


def test_a_pair_that_is_none(tmp_path: Path):
    """Told by name, before the start."""
    (tmp_path / "page.pem").write_text("no certificate")
    (tmp_path / "page.key").write_text("no key")
    with pytest.raises(ConfigurationError, match=r"\[web\] certificate_file and key_file are no pair"):
        check(configured(tmp_path, more='[web]\ncertificate_file = "page.pem"\nkey_file = "page.key"'))


def test_the_page_speaks_tls(tmp_path: Path):
    """And says so where it is ready; the cookie of a session is for TLS only."""
    authority = Authority(tmp_path / "ca")
    certificate, key = authority.issue("page", hosts=["127.0.0.1"])
    (tmp_path / "page.pem").write_bytes(certificate_pem(certificate))
    (tmp_path / "page.key").write_bytes(private_pem(key))
    file = configured(tmp_path, more='[web]\ncertificate_file = "page.pem"\nkey_file = "page.key"')
    trusted = ssl.create_default_context(cafile=str(tmp_path / "ca" / "ca.crt"))
    with serving(file) as (_, where):
        assert where["dashboard"].startswith("https://")
        with urllib.request.urlopen(f"{where['dashboard']}/api/v1/alive", timeout=60, context=trusted) as answer:
            assert b'{"status":"ok"}' == answer.read()
        with pytest.raises(httpx.HTTPError):
            httpx.get(where["dashboard"].replace("https", "http"), timeout=60)


def test_a_proxy_says_for_whom_and_over_what_it_asks(tmp_path: Path):
    """One that is not trusted is not believed: its own address is on record, and no TLS."""
    for proxies, name, address in (("127.0.0.1", "__Host-id", "203.0.113.7"), ("10.0.0.5", "id", "127.0.0.1")):
        folder = tmp_path / name
        folder.mkdir()
        file = configured(folder, more=f'[web]\nproxies = ["{proxies}"]')
        store = Store.open(load(file).sink.database)
        store.users.add(User("maria", "admin", hash_password(PASSWORD), False, False, 0))
        with serving(file) as (_, where):
            passed_on = {
                "X-Forwarded-For": "203.0.113.7",
                "X-Forwarded-Proto": "https",
                "Sec-Fetch-Site": "same-origin",
            }
            form = {"name": "maria", "password": PASSWORD}
            answer = httpx.post(f"{where['dashboard']}/sign-in", data=form, headers=passed_on, timeout=60)
        assert answer.headers["set-cookie"].startswith(f"{name}=")
        assert [("signed in", address)] == [(line.what, line.address) for line in store.users.told(5)]
        store.close()
