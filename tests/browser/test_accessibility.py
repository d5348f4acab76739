"""Every page, light and dark, wide and on a phone: nothing for axe to find, nothing the policy forbids."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.pages import Office
from tests.browser.running import Product, visit

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(
        "DATABASE_URL" in os.environ, reason="pages look the same on any database; the run on SQLite looked at them"
    ),
]

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    # Who walks from part to part by their names must be able to tell them apart.
    "rules": {"landmark-unique": {"enabled": True}},
}
# The admin's links fade from one scheme's colours to the other's.
COLOURS_SETTLE = """async () => {
    await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
    await Promise.allSettled(document.getAnimations().map((one) => one.finished));
}"""
TABLES_CUT_OFF = """() => [...document.querySelectorAll(".table-wrap")]
    .map((frame) => frame.scrollWidth - frame.clientWidth).filter((pixels) => pixels > 0)"""
WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")

RECIPIENTS = """name,email,types
Reader,reader@homes.example,General
Reader's neighbour,reader@homes.example,General
Closed mailbox,bounce@homes.example,General
Policy,refuse@homes.example,General
Nobody home,,
Maximiliane Hohenberger-Schlossmann,maximiliane.hohenberger-schlossmann@a-school-with-a-long-name.example,General
Only emergencies,quiet@homes.example,Emergency
Mistyped,two..dots@homes.example,General
Mailbox that was closed too,bounce-2@homes.example,General
Blocked,blocked@families.example,General
"""
HEADING = "Student ID,Name,Email,Role,Grade,Shoe size of the left and of the right foot"
STUDENTS = """1000001,Ann Lee,ann@homes.example,student,5,38
1000002,Maximiliane Hohenberger-Schlossmann,maximiliane.hohenberger@a-school-with-a-long-name.example,student,4,
"""
IMPORTS = (
    (HEADING, STUDENTS),
    (HEADING, STUDENTS.replace("ann@", "ann.lee@").replace(",4,", ",5,")),
    (HEADING, "1000003,Ben Ode,ben..ode@homes.example,student,5,\n1000004,Cleo,cleo@homes.example,wizard,,\n"),
    (HEADING, STUDENTS),
)
MESSAGE = "<h2>Snow day</h2><p>School is closed today. <a href='https://school.example/'>More</a></p>"

# Words for the page → its address, or what `places` found out.
PAGES = {
    "home": "/",
    "people": "/people/",
    "people, nobody found": "/people/?q=nobody-is-called-that",
    "add a person": "/people/new/",
    "person": "{student}",
    "edit a person": "{student}edit/",
    "add an address": "{student}addresses/add/",
    "correct an address": "{address}",
    "lift a block": "{block}",
    "add a guardian": "{student}guardians/add/?q=family",
    "change a guardian": "{relation}",
    "remove a guardian": "{relation}remove/",
    "what they all receive": "/people/types/",
    "what would change": "{switches}",
    "lists": "/lists/",
    "list": "{list}",
    "delete a list": "{list}delete/",
    "choose a list's school": "/lists/new/?kind=rules&school=0",
    "new list by rules": "/lists/new/?kind=rules",
    "new static list": "/lists/new/?kind=static",
    "list by rules": "{rules}",
    "change a list by rules": "{rules}edit/",
    "change a static list": "{list}edit/",
    "people of a list": "{list}people/",
    "add people": "{list}add/?q=a",
    "add people by rules": "{list}fill/",
    "upload": "/lists/upload/",
    "check an upload": "{upload}",
    "imports": "/people/imports/",
    "new import": "/people/imports/new/",
    "columns of an import": "{columns}",
    "check an import": "{import}",
    "new people of an import": "{import}people/new/",
    "rejected rows of an import": "{import}people/rejected/",
    "stored import": "{stored}",
    "changed people of an import": "{stored}people/changed/",
    "broadcasts": "/broadcasts/",
    "new broadcast": "/broadcasts/new/",
    "compose": "{draft}edit/",
    "compose, with files": "{files_draft}edit/",
    "preview": "{draft}preview/",
    "review, with files": "{files_draft}review/",
    "review": "{draft}review/",
    "names behind a number": "{draft}review/duplicate/",
    "progress": "{sent}",
    "progress, not sent in time": "{late}",
    "progress, nobody went on": "{abandoned}",
    "progress, in trouble for too long": "{trouble}",
    "progress, stopped after refusals": "{refused}",
    "progress, held up": "{held_up}",
    "progress, scheduled": "{scheduled}",
    "progress, quiet hours": "{quiet}",
    "progress, cancelled": "{cancelled}",
    "progress, one recipient": "{one_recipient}",
    "opened by whom": "{sent}opens/",
    "report": "{sent}report/",
    "report to print": "{sent}report/?all=1",
    "report, one recipient": "{one_recipient}report/?all=1",
    "report, nobody yet": "{scheduled}report/",
    "Broadcast Summary": "/reports/summary/",
    "Email Log, bounced later": "/email-log/?late=on",
    "Email Log, longest address": "/email-log/?q=maximiliane",
    "Broadcast Summary, nothing found": "/reports/summary/?q=nobody-is-called-that",
    "Email Log": "/email-log/",
    "Export of the Email Log": "/email-log/exports/",
    "Email Log, nothing found": "/email-log/?q=nobody-is-called-that",
    "block addresses of the Email Log": "/email-log/block/?q=home",
    "block addresses, all blocked": "/email-log/block/?result=blocked",
    "block addresses without a filter": "/email-log/block/",
    "list of people of the Email Log": "/email-log/list/",
    "follow-up": "/email-log/follow-up/?result=delivered",
    "rows that nobody has": "/email-log/list/?row=0",
    "delivery": "{delivery}",
    "delivery, longest address": "{long_row}",
    "addresses to fix": "/people/addresses-to-fix/",
    "addresses to fix, our side refused": "/people/addresses-to-fix/?fault=ours",
    "correct an address to fix": "{correct}",
    "missed broadcasts": "{missed}",
    "find a family": "/families/?q=homes.example",
    "find a family, nobody found": "/families/?q=nobody-is-called-that",
    "family": "{family}",
    "sandbox mailboxes": "/sandbox/",
    "sandbox message": "{message}",
    "reading behaviour": "/reports/behaviour/",
    "reading behaviour, no emails": "/reports/behaviour/?first=2020-01-01&last=2020-01-02",
    "help": "/help/",
    "preferences": "{preferences}",
    "two-step sign-in": "/accounts/2fa/",
    "change password": "/accounts/password/change/",
    "sign out": "/accounts/logout/",
    "not found": "/nothing/here/",
    "administration": "/admin/",
    "blocked emails": "/admin/broadcasts/blockedemail/",
    "block an email": "/admin/broadcasts/blockedemail/add/",
    "import blocked emails": "/admin/broadcasts/blockedemail/import/",
    "what blocks by itself": "/admin/broadcasts/blockingpolicy/",
    "retention rules": "/admin/broadcasts/retentionrule/",
    "removals": "/admin/broadcasts/removal/",
    "broadcast types": "/admin/broadcasts/broadcasttype/",
    "senders": "/admin/broadcasts/sender/",
    "schools": "/admin/broadcasts/school/",
    "users": "/admin/broadcasts/user/",
    "unused events": "/admin/tracking/unusedevent/",
    "unused event": "{unused_event}",
    "unused reports": "/admin/tracking/unusedreport/",
    "unused report": "{unused_report}",
}
# Their answer is an error on purpose, which Chromium writes into the console.
IS_AN_ERROR = ("not found",)
SIGNED_OUT = {
    "sign in": "/accounts/login/",
    "forgot password": "/accounts/password/reset/",
    "no sign-up": "/accounts/signup/",
}


@pytest.fixture(scope="session")
def places(
    product: Product, browser: Browser, signed_in: Any, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """A school with something on every page: a sent broadcast, a draft, an upload that waits for its Confirm."""
    folder = tmp_path_factory.mktemp("recipients")
    recipients = folder / "families.csv"
    recipients.write_text(RECIPIENTS)
    sent = send_from_shell(product, recipients, folder / "message.html")
    with visit(browser, product, signed_in) as visited:
        office = Office(visited.page)
        found = {"sent": f"/broadcasts/{sent}/", "list": office.first_list(), "draft": office.make_draft("Snow day")}
        found |= office.make_family() | {"switches": office.ask_for_switches()}
        found["block"] = office.block_of("blocked@families.example")
        found["rules"] = office.make_list_by_rules("Guardians")
        found["upload"] = office.upload(recipients, "Spring families")
        found |= make_imports(office, folder)
        found["delivery"] = office.first_delivery(sent)
        found["message"] = office.first_message()
        found["missed"] = office.correct_address("bounce-2", "right@homes.example")
        found["correct"] = office.correction_page("bounce@")
        found["family"] = office.family_of(found["delivery"])
        found |= make_states(product)
        found["preferences"] = office.preferences_link(found["message"])
    return found


def make_imports(office: Office, folder: Path) -> dict[str, str]:
    """One that is stored and changed somebody, one that waits for its Confirm, one whose columns are not matched."""
    files = []
    for number, (heading, rows) in enumerate(IMPORTS):
        file = folder / f"school-database-{number}.csv"
        file.write_text(f"{heading}\n{rows}")
        files.append(file)
    for file in files[:2]:
        office.upload_import(file)
        office.check_import(file)
        stored = office.confirm_import(file)
    office.upload_import(files[2], "Everybody:")
    waiting = office.check_import(files[2])
    office.upload_import(files[3])
    return {"stored": stored, "import": waiting, "columns": office.path}


def make_states(product: Product) -> dict[str, str]:
    printed = product.command("shell", "-c", "from tests.browser.states import make_states; make_states()")
    found: dict[str, str] = json.loads(printed.splitlines()[-1])
    return found


def send_from_shell(product: Product, recipients: Path, message: Path) -> int:
    message.write_text(MESSAGE)
    printed = product.command(
        "send_broadcast", "--type", "General", "--sender", "office@sample.example", "--subject", "Snow day",
        "--list", str(recipients), "--html", str(message), "--wait", "60", "--json",
    )  # fmt: skip
    return int(json.loads(printed.splitlines()[-1])["broadcast"])


def look_in_every_light(page: Page) -> list[str]:
    """What is wrong with this page in any scheme and width."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            page.evaluate(COLOURS_SETTLE)
            violations = Axe().run(page, options=RULES).response["violations"]
            found += [f"{scheme} {width}: {describe(violation)}" for violation in violations]
        too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if too_wide > 0:
            found.append(f"{width}: the page is {too_wide} pixels wider than the screen")
        found += [f"{width}: a table is {cut} pixels wider than its frame" for cut in page.evaluate(TABLES_CUT_OFF)]
    return found


def describe(violation: dict[str, Any]) -> str:
    nodes = "; ".join(node["html"][:160] for node in violation["nodes"][:3])
    return f"{violation['id']} ({violation['help']}): {nodes}"


@pytest.mark.parametrize("name", PAGES)
def test_page(name: str, product: Product, browser: Browser, signed_in: Any, places: dict[str, str]) -> None:
    with visit(browser, product, signed_in) as visited:
        answer = visited.page.goto(PAGES[name].format(**places))
        assert answer is not None
        assert answer.ok != (name in IS_AN_ERROR), answer.status
        visited.page.wait_for_load_state("networkidle")
        assert name in IS_AN_ERROR or not visited.complaints, visited.complaints
        found = look_in_every_light(visited.page)
        visited.complaints.clear()  # axe itself tries styles on some pages
        assert not found, "\n".join(found)


@pytest.mark.parametrize("name", SIGNED_OUT)
def test_page_before_signing_in(name: str, product: Product, browser: Browser) -> None:
    with visit(browser, product) as visited:
        visited.page.goto(SIGNED_OUT[name])
        found = look_in_every_light(visited.page)
        assert not found, "\n".join(found)
