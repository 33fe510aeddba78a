"""A real headless Chromium, and pages that record everything that goes wrong on them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect, sync_playwright

from support.programs import program

SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
DESKTOP = (1280, 900)
PHONE = (390, 844)
RECORDER = """
window.violations = [];
window.shifted = 0;
addEventListener("securitypolicyviolation", ({violatedDirective, blockedURI}) =>
  violations.push(`${violatedDirective} ${blockedURI}`));
new PerformanceObserver((list) => list.getEntries().forEach((entry) => { shifted += entry.value; }))
  .observe({type: "layout-shift", buffered: true});
"""
Scheme = Literal["light", "dark"]
UNREACHABLE = "net::ERR_CONNECTION_REFUSED"
"""What the browser writes to the console when the server is gone."""


class Watched:
    """A page of the browser; `problems` lists errors, warnings, policy violations and requests to other hosts."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requested: list[str] = []
        self._problems: list[str] = []
        page.add_init_script(RECORDER)
        page.on("request", lambda request: self.requested.append(request.url))
        page.on("pageerror", lambda error: self._problems.append(f"error: {error}"))
        page.on("console", lambda message: self._record(message.type, message.text))

    def reset(self) -> None:
        """Leave the page, and forget what happened on it."""
        self.page.goto("about:blank")
        self.page.mouse.move(0, 0)
        self.page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
        self.page.context.clear_cookies()
        self.requested.clear()
        self._problems.clear()

    def open(self, url: str) -> None:
        """Open the page and wait until it shows a report."""
        self.page.goto(url)
        self.page.wait_for_selector("#main:not(.loading)")

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector).strip()

    def wait_for_text(self, selector: str, words: str, within_s: float = 30) -> None:
        """Wait until the element contains the words."""
        expect(self.page.locator(selector)).to_contain_text(words, timeout=within_s * 1000)

    def rows(self, table: str) -> list[list[str]]:
        """Return the text of each cell in the table's body."""
        script = "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))"
        found: list[list[str]] = self.page.eval_on_selector_all(f"{table} tbody tr", script)
        return found

    def forgive(self, text: str) -> None:
        """Drop the problems with this text, which were meant to happen."""
        self._problems = [problem for problem in self._problems if text not in problem]

    def evaluate(self, script: str) -> Any:
        return self.page.evaluate(script)

    @property
    def problems(self) -> list[str]:
        violations = [f"CSP: {violation}" for violation in self.evaluate("violations")]
        origin = urlsplit(self.page.url)
        foreign = [url for url in self.requested if urlsplit(url)[:2] != origin[:2]]
        return [*self._problems, *violations, *foreign]

    def _record(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and UNREACHABLE not in text:
            self._problems.append(f"console: {text}")


@contextmanager
def browsing() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium"), args=SWITCHES)
        yield browser
        browser.close()


@contextmanager
def watched(
    browser: Browser,
    size: tuple[int, int] = DESKTOP,
    scheme: Scheme = "light",
    timezone: str = "UTC",
) -> Iterator[Watched]:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, timezone_id=timezone
    )
    yield Watched(context.new_page())
    context.close()
