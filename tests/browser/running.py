"""The real product as a process of its own, and a real browser in front of it."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.with_servers import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
READY, SIGN_IN = "Messenger is ready at ", "Sign in as "
START_SECONDS = 120
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# What the page's policy forbade, as an error in its console.
TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`policy violated: ${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}`));
"""


@dataclass(frozen=True)
class Product:
    """A running Messenger: where it is, how to sign in, and its shell."""

    url: str
    user: str
    password: str
    environment: dict[str, str]

    def command(self, *words: str) -> str:
        """Run `manage.py WORDS...` beside it; what it printed."""
        line = [sys.executable, "manage.py", *words]
        done = subprocess.run(
            line, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False, timeout=START_SECONDS
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@contextmanager
def running_product(home: Path) -> Iterator[Product]:
    """`manage.py serve` on this folder until the block ends; retries come within seconds instead of minutes."""
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environment |= {"MESSENGER_HOME": str(home), "PORT": str(free_port()), "RETRY_MINUTES": "0.05,0.05,0.05"}
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        yield Product(*read_greeting(server, home / "log"), environment)
    finally:
        server.terminate()
        server.wait(timeout=60)


def read_greeting(server: "subprocess.Popen[str]", log: Path) -> tuple[str, str, str]:
    """Address, name and password, from the lines that the product prints for its first user."""
    assert server.stdout is not None
    too_late = threading.Timer(START_SECONDS, server.kill)
    too_late.start()
    url = ""
    for line in server.stdout:
        if line.startswith(READY):
            url = line.removeprefix(READY).strip().rstrip("/")
        if line.startswith(SIGN_IN):
            too_late.cancel()
            name, _, password = line.removeprefix(SIGN_IN).strip().partition(" with the password ")
            return url, name, password
    too_late.cancel()
    raise AssertionError(f"The product did not start:\n{log.read_text()[-3000:]}")


def own_servers(worker: int) -> dict[str, str]:
    """Where the suite runs on PostgreSQL and Redis: a fresh database of each for the product."""
    own = {}
    if address := os.environ.get("DATABASE_URL"):
        name = f"browser_{worker}"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name}")
            connection.execute(f"CREATE DATABASE {name}")
        own["DATABASE_URL"] = urlsplit(address)._replace(path=f"/{name}").geturl()
    if address := os.environ.get("REDIS_URL"):
        own["REDIS_URL"] = urlsplit(address)._replace(path=f"/{32 + worker}").geturl()
    return own


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in own_servers(worker).items():
            patch.setenv(name, value)
        with running_product(tmp_path_factory.mktemp("product")) as one:
            yield one


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip("There is no Chromium here to look at the pages with (Debian: apt install chromium).")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread, and Django takes every query there for a mistake.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        one = playwright.chromium.launch(executable_path=program, args=list(OPTIONS))
        yield one
        one.close()


@pytest.fixture(scope="session")
def signed_in(product: Product, browser: Browser) -> Any:
    """The first administrator's session, made once: wrong and right passwords are counted."""
    context = browser.new_context(base_url=product.url)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Username").or_(page.get_by_label("Login")).first.fill(product.user)
    page.locator("input[type=password]").fill(product.password)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(f"{product.url}/")
    state = context.storage_state()
    context.close()
    return state


class Watched:
    """A context whose pages are listened to: policy violations and errors are kept."""

    def __init__(self, context: BrowserContext) -> None:
        self.complaints: list[str] = []
        context.add_init_script(TELL_VIOLATIONS)
        context.on("console", lambda message: self.note(message.type, message.text))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.page: Page = context.new_page()

    def note(self, kind: str, text: str) -> None:
        if kind == "error":
            self.complaints.append(f"{self.page.url}: {text}")


@contextmanager
def visit(browser: Browser, product: Product, state: Any = None, **options: Any) -> Iterator[Watched]:
    """A page of its own; at the end nothing may have been complained about."""
    context = browser.new_context(base_url=product.url, storage_state=state, **options)
    context.set_default_timeout(15_000)
    try:
        watched = Watched(context)
        yield watched
        assert not watched.complaints, watched.complaints
    finally:
        context.close()
