"""Nobody loses a word: drafts save themselves, and keep what they could not save."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests import factory
from tests.browser.pages import Office
from tests.browser.running import Product, Watched, visit

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

SAVED = re.compile(r"^Saved \d+:\d\d [ap]m$")
AUTOSAVE_MS = 20_000


@pytest.fixture
def writer(product: Product, browser: Browser, signed_in: Any) -> Iterator[Watched]:
    """At the form of a new draft."""
    with visit(browser, product, signed_in) as visited:
        visited.page.goto("/broadcasts/new/")
        visited.page.get_by_role("button", name="Start writing").click()
        expect(Office(visited.page).editor).to_be_visible()
        yield visited


def status(page: Page) -> Locator:
    return page.locator("#save-status")


def write(page: Page, words: str) -> None:
    Office(page).editor.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(words)


def wait_until_saved(page: Page) -> None:
    expect(status(page)).to_have_text(SAVED, timeout=AUTOSAVE_MS)
    expect(page.locator("[name=version]")).not_to_have_value("1")


def forgive_refused_requests(visited: Watched) -> None:
    """Chromium writes every failed request into its console; here they are the point."""
    visited.complaints[:] = [line for line in visited.complaints if "Failed to load resource" not in line]


def test_fields_go_where_one_last_typed(writer: Watched) -> None:
    page = writer.page
    write(page, "Dear ")
    page.get_by_label("Insert field").select_option(label="First name")
    page.keyboard.type(",")
    page.get_by_label("Subject").fill("For ")
    page.get_by_label("Insert field").select_option(label="School")
    expect(page.get_by_label("Subject")).to_have_value("For {{ school }}")
    expect(page.locator("[name=body_html]")).to_have_value("<p>Dear {{ first_name }},</p>")


def test_a_draft_saves_itself(writer: Watched) -> None:
    page = writer.page
    write(page, "Saved by itself")
    wait_until_saved(page)
    page.reload()
    expect(Office(page).editor).to_have_text("Saved by itself")
    expect(page.locator("#restore")).to_be_hidden()


def test_a_wrong_field_is_named_while_writing(writer: Watched) -> None:
    write(writer.page, "Dear {{ nmae }}")
    expect(writer.page.locator("#save-problems")).to_contain_text("{{ nmae }}", timeout=AUTOSAVE_MS)


def test_words_survive_a_lost_session(writer: Watched) -> None:
    page = writer.page
    cookies = page.context.cookies()
    page.context.clear_cookies()
    write(page, "Written while signed out")
    expect(status(page)).to_contain_text("you are signed out", timeout=AUTOSAVE_MS)
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.reload()
    page.get_by_role("button", name="Restore it").click()
    expect(Office(page).editor).to_have_text("Written while signed out")
    wait_until_saved(page)
    page.reload()
    expect(Office(page).editor).to_have_text("Written while signed out")
    expect(page.locator("#restore")).to_be_hidden()
    forgive_refused_requests(writer)


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "a moment ago"), (1, "1 minute ago"), (125, "2 hours ago"), (24 * 60 * 3, "3 days ago")],
)
def test_kept_words_say_how_old_they_are(writer: Watched, minutes: int, words: str) -> None:
    page = writer.page
    expect(status(page)).to_have_text("Drafts save themselves while you write.")
    page.evaluate(
        """minutes => {
            const fields = { subject: "Older", lists: [] };
            const at = Date.now() - minutes * 60_000 - 1000;
            localStorage.setItem(document.getElementById("compose").dataset.keep, JSON.stringify({ fields, at }));
        }""",
        minutes,
    )
    page.reload()
    expect(page.locator("#restore")).to_contain_text(f"Text from {words} was not saved, but this computer kept it.")
    page.get_by_role("button", name="Discard it").click()


def test_words_survive_pressing_save_without_a_session(writer: Watched) -> None:
    page = writer.page
    draft, cookies = page.url, page.context.cookies()
    page.get_by_label("Subject").fill("Not lost")
    page.context.clear_cookies()
    page.get_by_role("button", name="Save draft").click()
    page.wait_for_load_state()
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.goto(draft)
    page.get_by_role("button", name="Restore it").click()
    expect(page.get_by_label("Subject")).to_have_value("Not lost")
    forgive_refused_requests(writer)


def test_what_was_kept_can_be_discarded(writer: Watched) -> None:
    page = writer.page
    cookies = page.context.cookies()
    page.context.clear_cookies()
    write(page, "Not wanted")
    expect(status(page)).to_contain_text("you are signed out", timeout=AUTOSAVE_MS)
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.reload()
    page.get_by_role("button", name="Discard it").click()
    page.reload()
    expect(Office(page).editor).to_have_text("")
    expect(page.locator("#restore")).to_be_hidden()
    forgive_refused_requests(writer)


def test_an_offline_draft_is_saved_when_the_connection_is_back(writer: Watched) -> None:
    page = writer.page
    page.context.set_offline(True)
    write(page, "Written in a tunnel")
    expect(status(page)).to_contain_text("no connection", timeout=AUTOSAVE_MS)
    page.context.set_offline(False)
    wait_until_saved(page)
    forgive_refused_requests(writer)


def test_the_second_tab_is_told_and_may_win(writer: Watched) -> None:
    page = writer.page
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_label("Subject").fill("First")
    wait_until_saved(other)
    page.get_by_label("Subject").fill("Second")
    expect(status(page)).to_contain_text("in another window", timeout=AUTOSAVE_MS)
    page.get_by_role("button", name="Save draft").click()
    page.get_by_role("button", name="Save mine instead").click()
    expect(page.locator(".messages")).to_contain_text("The draft is saved.")
    expect(page.get_by_label("Subject")).to_have_value("Second")
    forgive_refused_requests(writer)


def test_a_picture_stands_where_one_last_typed_and_is_saved(writer: Watched, tmp_path: Path) -> None:
    page = writer.page
    (tmp_path / "gym.png").write_bytes(factory.PNG)
    write(page, "above")
    page.keyboard.press("Enter")
    page.keyboard.type("below")
    page.keyboard.press("Control+Home")
    page.keyboard.press("End")
    page.get_by_text("Add a picture", exact=True).click()
    page.get_by_label("Picture file").set_input_files(tmp_path / "gym.png")
    page.get_by_label("What the picture shows").fill('The "new" gym')
    page.get_by_role("button", name="Put it into the message").click()
    picture = Office(page).editor.get_by_alt_text('The "new" gym')
    expect(picture).to_be_visible()
    body = page.locator("[name=body_html]").input_value()
    assert body.index("above") < body.index("<img") < body.index("below")
    # The editor reads it, writes it and saves it by itself.
    write(page, " and more")
    wait_until_saved(page)
    page.reload()
    expect(picture).to_be_visible()
    page.get_by_role("button", name="Remove gym.png").click()
    expect(page.locator(".messages")).to_contain_text("“gym.png” is removed.")
    expect(picture).to_have_count(0)


def test_files_are_attached_beside_the_text(writer: Watched, tmp_path: Path) -> None:
    page = writer.page
    (tmp_path / "menu.pdf").write_bytes(factory.PDF)
    (tmp_path / "fake.pdf").write_bytes(b"MZ")
    write(page, "See the menu.")
    page.get_by_label("Add files").set_input_files([tmp_path / "menu.pdf", tmp_path / "fake.pdf"])
    page.get_by_role("button", name="Attach").click()
    expect(page.locator("#form-errors")).to_contain_text("it is no PDF")
    expect(page.locator("#files").get_by_role("link", name="menu.pdf")).to_be_visible()
    expect(Office(page).editor).to_have_text("See the menu.")
    page.reload()
    expect(page.locator("#restore")).to_be_hidden()


def test_everything_works_without_javascript(product: Product, browser: Browser, signed_in: Any) -> None:
    with visit(browser, product, signed_in, java_script_enabled=False) as visited:
        page = visited.page
        page.goto("/broadcasts/new/")
        page.get_by_role("button", name="Start writing").click()
        expect(page.locator("main")).not_to_contain_text("save themselves")
        # Playwright's own search by text passes over <noscript>.
        advice = page.locator("noscript p").last
        expect(advice).to_have_text("Press Save draft to keep what you wrote.")
        assert advice.is_visible()
        page.get_by_label("Broadcast type").select_option(label="General")
        page.get_by_label("From", exact=True).select_option(index=1)
        page.get_by_role("group", name="To these lists").get_by_role("checkbox").first.check()
        page.get_by_label("Subject").fill("Hello {{ first_name }}")
        page.get_by_label("Message").fill("No school today.\n\nStay warm.")
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Preview")
        email = page.frame_locator("iframe.preview")
        expect(email.get_by_text("Stay warm.", exact=True)).to_be_visible()
        page.get_by_role("link", name="Review").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Review")
