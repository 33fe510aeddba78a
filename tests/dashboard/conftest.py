"""One browser for all tests, and the programs that the page shows."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from support.browser.chromium import Watched, browsing, watched
from support.exporter.process import Exporter, append, running_exporter
from support.exporter.sample_events import an_hour


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A browser that is closed before other tests run: it runs an event loop, and they need their own."""
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="package")
def tab(browser: Browser) -> Iterator[Watched]:
    with watched(browser) as page:
        yield page


@pytest.fixture
def page(tab: Watched) -> Iterator[Watched]:
    """A page on which nothing may go wrong, in the same tab for all tests: a new one takes a second of CPU time."""
    tab.reset()
    yield tab
    assert tab.problems == []


@pytest.fixture
def exporter(tmp_path: Path) -> Iterator[Exporter]:
    """An exporter whose event file does not exist yet."""
    with running_exporter(tmp_path / "events.jsonl", state=tmp_path / "exporter.db") as exporter:
        yield exporter


@pytest.fixture(scope="session")
def with_history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """An exporter that has counted an hour with an incident in it."""
    folder = tmp_path_factory.mktemp("history")
    append(folder / "events.jsonl", *an_hour(time.time()))
    with running_exporter(folder / "events.jsonl", state=folder / "exporter.db") as exporter:
        yield exporter


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def address(exporter: Exporter) -> str:
    return f"http://127.0.0.1:{exporter.port}/dashboard"


def report(exporter: Exporter) -> Any:
    return _json(exporter, "/metrics.json")


def api(exporter: Exporter, path: str) -> Any:
    return _json(exporter, f"/api/v1/{path}")


def _json(exporter: Exporter, path: str) -> Any:
    response, body = exporter.get(path)
    assert response.status == 200, body
    return json.loads(body)


def provider_rows(page: Watched) -> dict[str, list[str]]:
    """Return the cells of each provider by its name, without the line below it."""
    rows = (row for row in page.rows("#providers") if len(row) > 1)
    return {row[1].split()[0]: row for row in rows}
