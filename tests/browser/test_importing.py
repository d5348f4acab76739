"""An import as the office does it: from the file to the check, confirmed, and undone."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.pages import Office
from tests.browser.running import Product, visit

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

HEADING = "Student ID,Name,Email,Role\n"
UMA = "9000001,Uma Import,uma@homes.example,student\n"
VIC = "9000002,Vic Import,vic@homes.example,student\n"


def write(folder: Path, name: str, *rows: str) -> Path:
    file = folder / name
    file.write_text(HEADING + "".join(rows))
    return file


def test_in_a_browser(product: Product, browser: Browser, signed_in: Any, tmp_path: Path) -> None:
    autumn, spring = write(tmp_path, "autumn.csv", UMA, VIC), write(tmp_path, "spring.csv", UMA.replace("Uma", "Una"))
    with visit(browser, product, signed_in) as visited:
        office = Office(visited.page)
        office.upload_import(autumn)
        office.check_import(autumn)
        assert office.read_counts()["New"] == 2
        office.confirm_import(autumn)

        office.upload_import(spring, "Everybody:")
        expect(office.main).to_contain_text("4 columns are matched as last time.")
        check = office.check_import(spring)
        see_what_changes(office, check)
        make_the_missing_inactive(office)
        assert ["422" in said for said in visited.complaints] == [True]  # Chromium's note of the refused Confirm
        visited.complaints.clear()
        expect(office.main).to_contain_text("missing from the file")
        office.press("Undo the import")
        expect(office.main).to_contain_text("This import was undone", timeout=60_000)


def see_what_changes(office: Office, check: str) -> None:
    office.page.get_by_role("link", name=re.compile("Changed")).click()
    expect(office.main).to_contain_text("name: Uma Import → Una Import")
    office.page.goto(check)


def make_the_missing_inactive(office: Office) -> None:
    """Vic, and whoever else imports have brought to this school: more than a fifth."""
    tick = office.page.get_by_role("checkbox")
    tick.check()
    office.press("Confirm")
    words = office.page.locator("main .error-summary").inner_text()
    number = re.search(r"type ([\d,]+) here", words)
    assert number, words
    expect(tick).to_be_checked()
    office.page.get_by_label("Number of people").fill(number[1])
    office.confirm_import(Path("spring.csv"))
