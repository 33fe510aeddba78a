"""Draws the pictures of the README: the dashboard and its view of requests, over the generated hour."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from coderouter_events.events import Heartbeat
from coderouter_proxy.eventlog.writer import EventLog
from preview.sample_hour import write_hour
from support.browser.chromium import browsing, watched
from support.docs import ROOT
from support.exporter.process import running_exporter

SEED = 7
SIZE = (1280, 800)


def _open_with_fallback(page: Page) -> None:
    """Open the newest request of those shown that a second provider answered."""
    rows = page.locator("#request-rows tbody tr:not(.detail)")
    rows.filter(has=page.locator("td.tries", has_text="2")).first.locator("a[href*=req_]").first.click()
    page.wait_for_selector("#request:not(.loading)")


PICTURES: dict[Path, tuple[str, Callable[[Page], None] | None]] = {
    ROOT / "exporter/dashboard.png": ("", None),
    ROOT / "exporter/requests.png": ("#requests", _open_with_fallback),
}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        log = EventLog(Path(name) / "events.jsonl")
        write_hour(log, time.time(), SEED)
        log.write(Heartbeat(in_flight=3, rss_bytes=61_000_000, events_dropped=0))
        events, state = Path(name) / "events.jsonl", Path(name) / "exporter.db"
        with running_exporter(events, state=state) as exporter, browsing() as browser:
            for path, (view, act) in PICTURES.items():
                with watched(browser, SIZE) as page:
                    page.open(f"http://127.0.0.1:{exporter.port}/dashboard{view}")
                    if act is not None:
                        act(page.page)
                    page.page.screenshot(path=path)
                print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
