"""A real Chromium for the tests of the console, and a user's actions in it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright

from local.stack_file import StackFile

FIRST_CALL_MS = 60_000  # the first call starts two functions and opens a connection

type Person = dict[str, str]

_VARIABLE = "TENANTRY_CHROMIUM"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    # Its sandbox is refused in most containers and as root; the only pages that it opens are our own.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_STEP_MS = 20_000


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start Chromium; if it is missing, skip the test, but in continuous integration fail it."""
    program = _find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def _find_chromium() -> str:
    wanted = os.environ.get(_VARIABLE)
    found = next(filter(None, map(shutil.which, [wanted] if wanted else _NAMES)), None)
    if found:
        return found
    lack = f"There is no Chromium: install it (Debian: apt-get install chromium), or name one in {_VARIABLE}"
    if os.environ.get("CI") == "true" or wanted:
        pytest.fail(lack, pytrace=False)
    pytest.skip(lack)


class Watch:
    """Collects the errors of a page: exceptions, and errors in its console."""

    def __init__(self, page: Page) -> None:
        """Start listening."""
        self.complaints: list[str] = []
        self.refusals: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        # Chromium reports every answer of 400 and above here. An answer that CORS kept from the page reads otherwise.
        refused = message.text.startswith("Failed to load resource: the server responded with a status of ")
        (self.refusals if refused else self.complaints).append(message.text)


@contextmanager
def open_page(browser: Browser, width: int = 1280) -> Iterator[tuple[Page, Watch]]:
    """Open a tab with storage of its own."""
    context = browser.new_context(viewport={"width": width, "height": 800}, service_workers="block")
    context.set_default_timeout(_STEP_MS)
    page = context.new_page()
    try:
        yield page, Watch(page)
    finally:
        context.close()


@dataclass(frozen=True)
class Console:
    """The page, and a user's actions on it."""

    page: Page
    watch: Watch
    stack: StackFile

    def open(self) -> None:
        self.page.goto(self.stack.console_url)

    def sign_in(self, username: str, password: str | None = None) -> None:
        self.open()
        self.username.fill(username)
        self.password.fill(password or self.stack.password_of(username))
        self.page.get_by_role("button", name="Sign in").click()

    def enter(self, username: str) -> None:
        self.sign_in(username)
        expect(self.rows.first).to_be_visible(timeout=FIRST_CALL_MS)

    def search(self, words: str) -> None:
        self.page.get_by_role("searchbox").fill(words)

    def add(self, person: Person) -> Locator:
        self.page.get_by_role("button", name="Add candidate").click()
        dialog = self.page.get_by_role("dialog")
        for label, value in person.items():
            dialog.get_by_label(label).fill(value)
        dialog.get_by_role("button", name="Add").click()
        return dialog

    def add_and_see(self, person: Person) -> None:
        dialog = self.add(person)
        expect(self.page.get_by_role("status")).to_contain_text(f"{person['Name']} was added")
        expect(dialog).to_be_hidden()

    def delete(self, name: str) -> None:
        self.page.get_by_role("button", name=f"Delete {name}", exact=True).click()
        self.page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
        expect(self.page.get_by_role("status")).to_contain_text(f"{name} was deleted.")

    @property
    def username(self) -> Locator:
        return self.page.locator("#sign-in").get_by_label("Email")

    @property
    def password(self) -> Locator:
        return self.page.locator("#sign-in").get_by_label("Password")

    @property
    def rows(self) -> Locator:
        return self.page.locator("tbody tr[data-id]")

    @property
    def refusal(self) -> Locator:
        return self.page.locator("#refusal")

    def names(self) -> list[str]:
        return self.page.locator("tbody td[data-column=name]").all_inner_texts()
