"""Signing in as a person does it: in a real browser, on every screen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cloud_sink.contacts.records import OfficePlan
from cloud_sink.store import Store, User
from cloud_sink.users.passwords import hash_password

from .conftest import NOW_MS, serving
from .test_page import CONTRAST, SIZES

expect.set_options(timeout=60_000)  # a password takes its time, on a busy machine the more

PASSWORD = "four horses eat purple soup"


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A sink with one user."""
    opened = Store.open(f"sqlite:///{tmp_path_factory.mktemp('sign-in') / 'sink.db'}")
    opened.migrate()
    opened.users.add(User("maria", "admin", hash_password(PASSWORD), False, False, NOW_MS))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def guarded(sink: Store) -> Iterator[str]:
    """Where it is."""
    with serving(sink, {"lab": OfficePlan("lab")}) as address:
        yield address


def sign_in(page: Page, password: str = PASSWORD) -> None:
    """By keyboard alone: the name has the focus."""
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("Maria")
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_the_first_page_to_signing_out(browser: Browser, guarded: str, width: int, height: int, scheme: str):
    """Led to the form, wrong once, then where one wanted to go; nothing is loaded that the policy refuses."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{guarded}/agents?office=lab")
    for password, heading in (("wrong", "Sign in to ringtap"), (PASSWORD, "Agents")):
        page.locator("input[name=name]").fill("")
        page.locator("input[name=name]").focus()
        sign_in(page, password)
        expect(page.locator("h1")).to_contain_text(heading)
        assert [] == page.evaluate(CONTRAST)
        assert width >= page.evaluate("document.documentElement.scrollWidth")
    assert page.url == f"{guarded}/agents?office=lab"
    page.get_by_role("link", name="maria").click()
    expect(page.locator("h1")).to_have_text("maria")
    assert [] == page.evaluate(CONTRAST)
    assert width >= page.evaluate("document.documentElement.scrollWidth")
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.locator("h1")).to_have_text("Sign in to ringtap")
    assert all("401 (Unauthorized)" in text for text in complaints), complaints
    context.close()


def test_a_page_that_follows_new_calls_goes_to_the_form_when_the_session_ends(
    browser: Browser, guarded: str, sink: Store
):
    """Instead of standing there with old numbers."""
    page = browser.new_page()
    page.clock.install()
    page.goto(guarded)
    sign_in(page)
    expect(page.locator(".follows")).to_be_visible()
    sink.users.end_sessions("maria")
    page.clock.run_for(16_000)
    expect(page.locator("h1")).to_have_text("Sign in to ringtap")
    page.close()


def test_what_a_screen_reader_says(browser: Browser, guarded: str):
    """Each field has its name; what went wrong is announced, and belongs to the fields."""
    page = browser.new_page()
    page.goto(guarded)
    for name in ("Name", "Password"):
        expect(page.get_by_label(name)).to_have_attribute("required", "")
    sign_in(page, "wrong")
    expect(page.get_by_role("alert")).to_have_text("Name and password do not belong together.")
    expect(page.get_by_label("Password")).to_have_accessible_description("Name and password do not belong together.")
    expect(page.get_by_label("Password")).to_be_focused()
    page.close()


def test_a_forms_target_is_this_sink(browser: Browser, guarded: str, tmp_path: Path):
    """Another site's form is refused by what the browser itself says of it."""
    other = tmp_path / "evil.html"
    other.write_text(f'<form method="post" action="{guarded}/sign-in"><input name="name" value="maria"></form>')
    page = browser.new_page()
    page.goto(other.as_uri())
    page.evaluate("document.forms[0].submit()")
    expect(page.locator("body")).to_contain_text("does not come from a page of this sink")
    page.close()
