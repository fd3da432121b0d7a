"""Opening a page in Chromium, and keeping all that it says, asks for and does."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Locator, Page, Request

NAMES = ("chromium", "chromium-browser", "google-chrome")
"""What the browser is called, on Debian first."""

BEYOND = """() => [...document.querySelectorAll("svg text")].filter((one) => {
        const box = one.getBoundingClientRect(), whole = one.ownerSVGElement.getBoundingClientRect();
        return whole.width && (box.left < whole.left - 1 || box.right > whole.right + 1);
    }).map((one) => `${one.textContent} in ${one.ownerSVGElement.getAttribute("aria-label").slice(0, 60)}`)"""
"""A script that tells the labels of plots that run out of them."""

PACKAGES = ("playwright", "axe_playwright_python")


def missing() -> str | None:
    """Return what this machine lacks to open a page, and what installs it; None where it lacks nothing."""
    if lacking := [package for package in PACKAGES if find_spec(package) is None]:
        return f"tests/browser needs {' and '.join(lacking)}: pip install '.[dev]'"
    if not executable():
        return f"tests/browser needs a browser, one of {', '.join(NAMES)} on the PATH; on Debian: apt install chromium"
    return None


def executable() -> str | None:
    """Return the path of the machine's Chromium, None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def started() -> "Iterator[Browser]":
    """Run the machine's own Chromium: Playwright downloads none."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Without its sandbox: with it, Chromium does not start as root, which is who runs in a container.
        browser = playwright.chromium.launch(executable_path=executable(), chromium_sandbox=False)
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page that was opened.

    said: what it wrote to the console, its errors among it. asked: what it loaded besides itself and data URIs.
    dialogs: what it showed in a window of its own.
    """

    page: "Page"
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen."""
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("request", self._request)
        self.page.on("dialog", self._dialog)

    @property
    def trouble(self) -> list[str]:
        """All that no page of the gate does."""
        return self.said + self.asked + self.dialogs

    def rows(self) -> "Locator":
        """Return the rows of the table of checks, without what is unfolded beneath them."""
        return self.page.locator("#check-table tbody tr[data-check]")

    def shown(self) -> list[str]:
        """Return the names of the checks that the table shows, in their order."""
        return self.rows().evaluate_all("rows => rows.map((row) => row.dataset.check)")

    def cells(self, column: int) -> list[str]:
        """Return the text of a column of the table of checks."""
        return self.rows().evaluate_all(
            "(rows, column) => rows.map((row) => row.cells[column].textContent.trim())", column
        )

    def count(self) -> str:
        """Return what the table says of its rows."""
        return self.page.locator("#count").inner_text()

    def choose(self, **filters: str) -> None:
        """Set filters of the table of checks."""
        for name, value in filters.items():
            control = self.page.locator(f"#filters [data-filter={name}]")
            control.fill(value) if name == "text" else control.select_option(value)

    def show_all(self) -> None:
        """Have the table show every row that it found."""
        while self.page.locator("#more").is_visible():
            self.page.locator("#more").click()

    def unfold(self) -> None:
        """Open whatever is folded."""
        self.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        self.page.evaluate(
            "document.querySelectorAll('#check-table [aria-expanded=false]').forEach((one) => one.click())"
        )

    def evaluate(self, script: str, *arguments: Any) -> Any:
        """Return what *script* comes to on the page."""
        return self.page.evaluate(script, *arguments)

    def _console(self, message: "ConsoleMessage") -> None:
        self.said.append(f"{message.type}: {message.text}")

    def _request(self, request: "Request") -> None:
        if not request.url.startswith("data:") and not request.is_navigation_request():
            self.asked.append(request.url)

    def _dialog(self, dialog: "Dialog") -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


class Visits:
    """Opens pages, each in a window of its own."""

    def __init__(self, browser: "Browser") -> None:
        """Begin with no window."""
        self.browser = browser
        self.contexts: list[BrowserContext] = []
        self.all: list[Visit] = []

    def __call__(
        self, file: Path, *, width: int = 1280, scheme: str = "light", script: bool = True, offline: bool = False
    ) -> Visit:
        """Open *file* as a reader does who clicks on it, and return the visit once the page is there.

        width: of the window, in pixels. scheme: the colours that the reader likes. script: whether scripts may run.
        offline: whether there is no network.
        """
        context = self.browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=script,
            offline=offline,
        )
        self.contexts.append(context)
        visit = Visit(context.new_page())
        self.all.append(visit)
        visit.page.goto(file.absolute().as_uri())
        return visit

    def close(self) -> None:
        """Close the windows."""
        for context in self.contexts:
            context.close()


Open = Callable[..., Visit]
"""What a test opens a page with: see `Visits`."""


def required() -> None:
    """Fail the test, in a line, where the machine cannot open a page."""
    if told := missing():
        pytest.fail(told, pytrace=False)
