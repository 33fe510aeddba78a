"""The page is accessible and does not shift: each screenshot is checked by axe, and kept in the folder $SCREENSHOTS.

To make the README's: `SCREENSHOTS=exporter pytest tests/dashboard/test_screens.py -k "[dashboard]"`.
"""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser

from dashboard.conftest import address
from support.browser.chromium import DESKTOP, PHONE, Scheme, watched
from support.exporter.process import Exporter, append, line, running_exporter
from support.exporter.sample_events import an_hour, utc

PICTURES: dict[str, tuple[str, tuple[int, int], Scheme]] = {
    "dashboard": ("recovered", (1280, 800), "light"),
    "desktop": ("quiet", DESKTOP, "light"),
    "dark": ("quiet", DESKTOP, "dark"),
    "phone": ("incident", PHONE, "light"),
    "phone-dark": ("quiet", PHONE, "dark"),
    "empty": ("empty", DESKTOP, "light"),
    "incident": ("incident", DESKTOP, "light"),
    "incident-dark": ("incident", DESKTOP, "dark"),
    "learnt": ("learnt", DESKTOP, "dark"),
    "learnt-phone": ("learnt", PHONE, "light"),
}
LEARNT = [
    {
        "writer": "past",
        "provider": provider,
        "trait": trait,
        "value": value,
        "reason": reason,
        "remembered": True,
    }
    for provider, trait, value, reason in (
        ("openrouter-free", "refused_fields", "store, parallel_tool_calls", "refused-field"),
        ("openrouter-free", "max_output_tokens", "8192", "output-limit"),
        ("ollama", "system_text", "first", "system-first"),
    )
]
SHIFT_MAX = 0.001


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Exporter]]:
    """Exporters by what they have read: nothing, a quiet hour, an hour with an incident, one that ends in trouble.

    In another quiet hour the proxy learnt something.
    """
    folder = tmp_path_factory.mktemp("scenes")
    now = time.time()
    then = now - 9 * 60
    append(folder / "quiet.jsonl", *an_hour(now, incident=False))
    append(folder / "recovered.jsonl", *an_hour(now))
    *lines, last_word = an_hour(then)
    del lines[-40]  # as if lost
    cooling = {"provider": "ollama", "seconds": 900.0, "writer": "past", "seq": len(lines) + 3}
    append(folder / "incident.jsonl", *lines, last_word, line("provider-cooldown", ts=utc(then), **cooling))
    append(
        folder / "learnt.jsonl",
        *an_hour(now, incident=False),
        *(line("provider-adapted", **each) for each in LEARNT),
    )
    (folder / "incident.jsonl.alive").touch()
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(running_exporter(folder / f"{name}.jsonl", state=folder / f"{name}.db"))
            for name in ("empty", "quiet", "recovered", "incident", "learnt")
        }


@pytest.mark.parametrize("name", PICTURES)
def test_the_page_is_accessible_and_its_layout_does_not_shift(
    browser: Browser, scenes: dict[str, Exporter], name: str, tmp_path: Path
) -> None:
    scene, size, scheme = PICTURES[name]
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    with watched(browser, size, scheme) as page:
        page.open(address(scenes[scene]))
        page.page.screenshot(path=folder / f"{name}.png")
        found = Axe().run(page.page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert page.evaluate("shifted") < SHIFT_MAX
        assert page.problems == []
