"""What an office does in the browser, in its words."""

import contextlib
import re
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

ADDRESS = re.compile(r"https?://[^\s\"<>]+")
# The slowest answer of the sandbox, with some breath for a busy machine.
PATIENCE_SECONDS = 90


class Office:
    """Someone of the school office, signed in, at this page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    @property
    def main(self) -> Locator:
        return self.page.locator("main")

    def press(self, words: str) -> None:
        self.page.get_by_role("button", name=words, exact=True).click()

    # --- lists --------------------------------------------------------------------------------------------

    def first_list(self) -> str:
        self.page.goto("/lists/")
        self.page.locator("main table a[href^='/lists/']").first.click()
        return self.path

    def make_list_by_rules(self, name: str) -> str:
        """Of the guardians, with a count that follows while the rule is ticked; the list's address."""
        self.page.goto("/lists/new/?kind=rules")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Another rule about").select_option(label="Kind")
        self.press("Add rule")
        expect(self.page.locator("#list-count")).to_contain_text("nothing is ticked: Kind")
        self.page.get_by_label("Guardian", exact=True).first.check()
        expect(self.page.locator("#list-count")).not_to_contain_text("nothing is ticked")
        self.press("Save list")
        expect(self.page.get_by_role("heading", level=1)).to_have_text(name)
        return self.path

    def choose_school(self, label: str = "School") -> None:
        """Where a page asks: other tests of the same product may have made more than one."""
        field = self.page.get_by_label(label, exact=True)
        if field.count():
            field.select_option(label="Sample School")

    def upload(self, file: Path, list_name: str) -> str:
        """Up to the page that says what Confirm would do; its address."""
        self.page.goto("/lists/upload/")
        self.choose_school("School of the new list")
        self.page.get_by_label("Name of the new list").fill(list_name)
        self.page.get_by_label("File", exact=True).set_input_files(file)
        self.press("Check the file")
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(file.name)
        return self.path

    def confirm_upload(self) -> None:
        self.press("Confirm")
        expect(self.main).to_contain_text("joined")

    # --- people -------------------------------------------------------------------------------------------

    def make_family(self) -> dict[str, str]:
        """A student with a corrected address and a guardian who must not be contacted; their pages."""
        self.page.goto("/people/new/")
        self.choose_school()
        self.page.get_by_label("Name", exact=True).fill("Sam Student")
        self.page.get_by_label("Kind").select_option(label="Student")
        self.page.get_by_label("Email address").fill("sam@gmial.example")
        self.press("Add")
        student = self.path
        self.page.get_by_role("link", name="Correct").click()
        self.page.get_by_label("Email address").fill("sam@homes.example")
        self.press("Correct it")
        address = self.page.get_by_role("link", name="Correct").get_attribute("href") or ""
        self.page.goto(f"{student}guardians/add/?q=gets+every")
        self.page.get_by_role("radio").first.check()
        self.page.get_by_label("Do not contact").check()
        self.page.get_by_label("Reason").fill("Court order of May 3")
        self.press("Add the guardian")
        relation = self.page.get_by_role("link", name="Look at it").get_attribute("href") or ""
        return {"student": student, "address": address, "relation": relation}

    def block_of(self, address: str) -> str:
        """The page that says why it is blocked."""
        self.page.goto(f"/people/?q={address}")
        self.page.locator("main table tbody a").first.click()
        return self.page.get_by_role("link", name="lift the block").get_attribute("href") or ""

    def ask_for_switches(self) -> str:
        """The page with the numbers of what would change for everybody."""
        self.page.goto("/people/types/")
        self.page.get_by_label("General").select_option(label="Switch off")
        self.press("See what would change")
        return self.page.url

    # --- imports ------------------------------------------------------------------------------------------

    def upload_import(self, file: Path, what: str = "Only additions and changes") -> None:
        """Up to the page that asks what the columns mean."""
        self.page.goto("/people/imports/new/")
        self.choose_school()
        self.page.get_by_label("File", exact=True).set_input_files(file)
        self.page.get_by_label(what).check()
        self.press("Upload")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Match the columns")

    def check_import(self, file: Path) -> str:
        """Up to the page that says what Confirm would do, to which the progress leads by itself; its address."""
        self.press("Check the file")
        self.wait_for_heading(f"Check “{file.name}”")
        return self.path

    def confirm_import(self, file: Path) -> str:
        self.press("Confirm")
        self.wait_for_heading(f"“{file.name}” is stored")
        return self.path

    def wait_for_heading(self, words: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(words, timeout=PATIENCE_SECONDS * 1000)

    # --- broadcasts ---------------------------------------------------------------------------------------

    def make_draft(self, subject: str, message: str = "School is closed today.", list_name: str = "") -> str:
        """A complete draft to this list, else to the first one; the address of the broadcast."""
        self.page.goto("/broadcasts/new/")
        self.choose_school()
        self.press("Start writing")
        self.page.get_by_label("Broadcast type").select_option(label="General")
        self.page.get_by_label("From", exact=True).select_option(index=1)
        lists = self.page.get_by_role("group", name="To these lists").get_by_role("checkbox")
        (self.page.get_by_label(list_name) if list_name else lists.first).check()
        self.page.get_by_label("Subject").fill(subject)
        self.editor.click()
        self.page.keyboard.type(message)
        self.press("Save draft")
        self.page.wait_for_load_state()
        return re.sub(r"[a-z]+/$", "", self.path)

    @property
    def editor(self) -> Locator:
        return self.page.locator(".ProseMirror[contenteditable=true]")

    def read_counts(self) -> dict[str, int]:
        """The row of numbers on the review and progress pages, by their words."""
        tiles = self.page.locator(".counts .count")
        found = {}
        for tile in tiles.all():
            number, *words = tile.inner_text().split(maxsplit=1)
            found[" ".join(words).strip()] = int(number.replace(",", ""))
        return found

    def wait_for_counts(self, expected: Mapping[str, int]) -> None:
        """Until the progress page says so: by itself while it is being sent, by reload after that."""
        end = time.monotonic() + PATIENCE_SECONDS
        while self.read_counts() != expected and time.monotonic() < end:
            with contextlib.suppress(AssertionError):
                expect(self.page.locator("#progress")).not_to_have_text(
                    self.page.locator("#progress").inner_text(), timeout=2000
                )
            self.page.reload()
        assert self.read_counts() == expected

    # --- what became of it --------------------------------------------------------------------------------

    def first_delivery(self, broadcast: int) -> str:
        self.page.goto(f"/email-log/?broadcast={broadcast}")
        self.page.locator("main table tbody a[href^='/email-log/']").first.click()
        return self.path

    def read_log(self, broadcast: int) -> dict[str, str]:
        """Name → Delivery Results, of one broadcast."""
        self.page.goto(f"/email-log/?broadcast={broadcast}&per_page=100")
        rows = self.page.locator("main table tbody tr").all()
        return {
            row.locator("td[data-label='Name']").inner_text().strip(): row.locator(".result").inner_text().strip()
            for row in rows
        }

    def correction_page(self, wrong: str) -> str:
        self.page.goto(f"/people/addresses-to-fix/?q={wrong}")
        return self.page.locator("main table form[action$='/correct/']").first.get_attribute("action") or ""

    def correct_address(self, wrong: str, right: str) -> str:
        """Among the addresses to fix, up to the page that offers what was missed; its address."""
        self.page.goto(f"/people/addresses-to-fix/?q={wrong}")
        self.page.locator("main table summary").first.click()
        self.page.get_by_label("Right address").first.fill(right)
        self.press("Correct")
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("missed")
        return self.path

    def family_of(self, delivery: str) -> str:
        """With the question why this broadcast did not come."""
        self.page.goto(delivery)
        return self.page.get_by_role("link", name="The family").get_attribute("href") or ""

    def open_message_to(self, address: str) -> str:
        """In the sandbox, as its recipient would; the address of the page."""
        self.page.goto(f"/sandbox/?q={address}")
        with self.page.expect_response(re.compile(r"/o/[^/]+\.gif$")):
            self.page.locator("main table tbody a").first.click()
        return self.path

    def first_message(self) -> str:
        self.page.goto("/sandbox/")
        self.page.locator("main table tbody a").first.click()
        return self.path

    def preferences_link(self, message: str) -> str:
        """Where the link in this message leads."""
        self.page.goto(message)
        found: list[str] = ADDRESS.findall(self.main.inner_text())
        return next(urlsplit(address).path for address in found if "/u/" in address)
