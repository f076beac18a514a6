"""Whom the sink hears no longer, and who gets a new certificate: `cloud_sink.trust`."""

import time

import pytest

from cloud_sink.trust import LOOK_S, OFFER_S, Renewals, Revocations
from fieldkit.authority import Authority, certificate_pem, private_pem

DAY_MS = 86_400_000


def test_a_box_that_is_no_longer_trusted_is_heard_no_longer(tmp_path, caplog):
    """The file may change at any time; who is taken out of it is heard again."""
    now = [0.0]
    file = tmp_path / "revoked"
    file.write_text("")
    revocations = Revocations(str(file), lambda: now[0])
    assert not revocations.receive_message("rt/1/box-a/ev", b"x")
    file.write_text("box-a\nbox-c\n")
    now[0] += LOOK_S
    for channel in ("ev", "state", "live"):
        assert revocations.receive_message(f"rt/1/box-a/{channel}", b"x")
    assert not revocations.receive_message("rt/1/box-b/ev", b"x")
    assert not revocations.receive_message("box-a", b"x")
    assert 3 == revocations.ignored
    assert "box-a is no longer trusted" in caplog.text
    file.write_text("box-c\n")
    now[0] += LOOK_S
    assert not revocations.receive_message("rt/1/box-a/ev", b"x")


def test_a_list_that_goes_away_frees_nobody(tmp_path, caplog):
    """Whoever was named stays named, and the log says what is wrong."""
    now = [0.0]
    file = tmp_path / "revoked"
    file.write_text("box-a\n")
    revocations = Revocations(str(file), lambda: now[0])
    assert revocations.receive_message("rt/1/box-a/ev", b"x")
    file.unlink()
    now[0] += LOOK_S
    assert revocations.receive_message("rt/1/box-a/ev", b"x")
    assert f"{file} cannot be read" in caplog.text


def test_without_a_list_everybody_is_heard():
    """The key may be left out."""
    assert not Revocations("").receive_message("rt/1/box-a/ev", b"x")


@pytest.fixture
def folder(tmp_path):
    """A folder with a certificate of two years for box-a."""
    certificate, key = Authority(tmp_path / "ca").issue("box-a", days=730)
    (tmp_path / "box-a.pem").write_bytes(certificate_pem(certificate) + private_pem(key, "secret"))
    (tmp_path / "box-c.pem").write_text("no certificate")
    return tmp_path


def test_a_box_whose_certificate_ends_is_offered_the_next_one_once_an_hour(folder):
    """It may not take it; then there is no use in telling it every minute."""
    now_ms = time.time_ns() // 1_000_000
    renewals = Renewals(str(folder))
    assert (folder / "box-a.pem").read_text() == renewals.offer("box-a", 20, now_ms)
    assert renewals.offer("box-a", 20, now_ms + 60_000) is None
    assert renewals.offer("box-a", 20, now_ms + int(OFFER_S * 1000))


def test_nothing_is_offered_where_there_is_nothing_better(folder):
    """A box that has taken it, a box without one, a file that is none, no folder at all."""
    now_ms = time.time_ns() // 1_000_000
    renewals = Renewals(str(folder))
    assert renewals.offer("box-a", 729, now_ms) is None
    assert renewals.offer("box-b", 1, now_ms) is None
    assert renewals.offer("box-c", 1, now_ms) is None
    assert Renewals("").offer("box-a", 1, now_ms) is None
