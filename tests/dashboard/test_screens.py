"""The page is accessible and does not shift: each screenshot is checked by axe, and kept in the folder $SCREENSHOTS.

`make test` takes those in OFTEN, which have every view and state once, in both schemes and sizes.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page

from coderouter_events.events import Heartbeat
from coderouter_events.lock import LivenessLock
from coderouter_proxy.eventlog.writer import EventLog
from dashboard.conftest import address
from preview.sample_hour import write_hour
from support.browser.chromium import DESKTOP, PHONE, Scheme, watched
from support.exporter.process import Exporter, append, line, running_exporter
from support.exporter.sample_events import CLAUDE, OLLAMA, an_hour, startup, utc

WIDE, TABLET = (1440, 900), (800, 900)
SHIFT_MAX = 0.001


def _open_failed(page: Page) -> None:
    page.click("#request-rows tbody tr:not(.detail) a[href*=req_]")
    page.wait_for_selector("#request:not(.loading)")


def _help(page: Page) -> None:
    page.keyboard.press("?")


def _kill(page: Page) -> None:
    page.route("**/api/**", lambda route: route.abort("connectionrefused"))
    page.wait_for_selector("body.stale")


class Picture(NamedTuple):
    scene: str
    view: str = ""
    size: tuple[int, int] = DESKTOP
    scheme: Scheme = "light"
    act: Callable[[Page], None] | None = None


PICTURES = {
    "overview": Picture("hour"),
    "overview-wide-dark": Picture("hour", size=WIDE, scheme="dark"),
    "overview-day": Picture("hour", "#overview?range=24"),
    "overview-tablet": Picture("hour", size=TABLET),
    "overview-phone": Picture("hour", size=PHONE),
    "empty": Picture("empty"),
    "empty-phone-dark": Picture("empty", size=PHONE, scheme="dark"),
    "gone": Picture("gone"),
    "gone-dark": Picture("gone", scheme="dark"),
    "gone-phone": Picture("gone", size=PHONE),
    "no-exporter": Picture("hour", act=_kill),
    "no-exporter-dark": Picture("hour", "#requests", scheme="dark", act=_kill),
    "trouble": Picture("trouble"),
    "trouble-dark": Picture("trouble", scheme="dark"),
    "trouble-phone": Picture("trouble", size=PHONE, scheme="dark"),
    "requests": Picture("hour", "#requests"),
    "requests-dark": Picture("hour", "#requests?range=6", size=WIDE, scheme="dark"),
    "requests-tablet": Picture("hour", "#requests", size=TABLET),
    "requests-phone": Picture("hour", "#requests", size=PHONE),
    "requests-failed": Picture("hour", "#requests?failed=1"),
    "requests-none": Picture("hour", "#requests?error=nothing+like+this"),
    "request": Picture("hour", "#requests?failed=1", act=_open_failed),
    "request-dark": Picture("hour", "#requests?outcome=midstream", scheme="dark", act=_open_failed),
    "request-phone": Picture("hour", "#requests?failed=1", size=PHONE, act=_open_failed),
    "sessions": Picture("hour", "#sessions"),
    "sessions-phone": Picture("hour", "#sessions", size=PHONE, scheme="dark"),
    "spend": Picture("hour", "#spend"),
    "spend-dark": Picture("hour", "#spend?by=model&measure=tokens", scheme="dark"),
    "spend-phone": Picture("hour", "#spend", size=PHONE),
    "keys": Picture("hour", "#requests", act=_help),
}


OFTEN = {
    "overview-wide-dark", "empty", "gone-phone", "no-exporter-dark", "trouble", "requests-tablet", "request-phone",
    "sessions-phone", "spend-dark",
}  # fmt: skip
CASES = [name if name in OFTEN else pytest.param(name, marks=pytest.mark.long) for name in PICTURES]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Exporter]]:
    """Exporters by what they have read: nothing, an hour, one whose proxy is gone, one that ends in trouble."""
    folder = tmp_path_factory.mktemp("scenes")
    now = time.time()
    log = EventLog(folder / "hour.jsonl")
    write_hour(log, now, 7)
    log.write(Heartbeat(in_flight=3, rss_bytes=1, events_dropped=0))
    append(folder / "gone.jsonl", *an_hour(now - 9 * 60))
    (folder / "gone.jsonl.alive").touch()
    append(folder / "trouble.jsonl", *_trouble(now))
    with ExitStack() as stack:
        for name in ("hour", "trouble"):
            lock = LivenessLock(folder / f"{name}.jsonl")
            lock.hold()
            stack.callback(lock.release)
        yield {
            name: stack.enter_context(running_exporter(folder / f"{name}.jsonl", state=folder / f"{name}.db"))
            for name in ("empty", "hour", "gone", "trouble")
        }


def _trouble(now: float) -> Iterator[bytes]:
    """Yield an hour with lost events, at whose end a budget is spent, a provider fails and a reload has failed."""
    lines = list(an_hour(now))
    del lines[-40]
    yield from lines
    catalog = [OLLAMA, {**CLAUDE, "monthly_budget_usd": 5}]
    yield startup(now - 9, "w", allow_paid=True, catalog=catalog)
    failed = {"provider": "ollama", "error_type": "connect", "error": "cannot connect", "retryable": True}
    learnt = {"trait": "refused_fields", "value": "store", "reason": "refused-field", "remembered": True}
    ended = {"outcome": "ok", "provider": "claude", "attempts": 1, "status": 200, "request_id": "req_1"}
    ends: tuple[tuple[str, dict[str, object]], ...] = (
        ("provider-failed", failed),
        ("provider-cooldown", {"provider": "ollama", "seconds": 900.0}),
        ("skip-budget-exceeded", {"provider": "claude", "spent_usd": 5.02, "budget_usd": 5.0}),
        ("provider-adapted", {"provider": "openrouter-free", **learnt}),
        ("config-reload-failed", {"level": "ERROR", "faults": ["line 3: unknown kind", "line 9: no name"]}),
        ("request-finished", ended),
        ("proxy-heartbeat", {"in_flight": 2, "rss_bytes": 1, "events_dropped": 0}),
    )
    for number, (msg, fields) in enumerate(ends, 2):
        yield line(msg, ts=utc(now), writer="w", seq=number, **fields)


@pytest.mark.parametrize("name", CASES)
def test_the_page_is_accessible_and_its_layout_does_not_shift(
    browser: Browser, scenes: dict[str, Exporter], name: str, tmp_path: Path
) -> None:
    scene, view, size, scheme, act = PICTURES[name]
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    with watched(browser, size, scheme) as page:
        page.open(address(scenes[scene]) + view)
        assert page.evaluate("shifted") < SHIFT_MAX
        if act is not None:
            act(page.page)
        page.page.screenshot(path=folder / f"{name}.png")
        found = Axe().run(page.page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert page.problems == []


@pytest.mark.parametrize("view", ["#overview", "#spend"])
def test_a_narrow_page_fits_and_begins_at_its_top(
    browser: Browser, with_history: Exporter, view: str
) -> None:
    with watched(browser, (320, 640)) as page:
        page.open(address(with_history) + view)
        page.page.wait_for_selector(f"{view}:not([hidden])")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert page.evaluate("scrollY") == 0
