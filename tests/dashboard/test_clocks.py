"""The page marks times that cannot be right."""

import time
from pathlib import Path

from dashboard.conftest import address
from support.browser.chromium import Watched
from support.exporter.process import Exporter, append, line
from support.exporter.sample_events import startup, utc
from support.processes import eventually


def test_times_of_a_clock_that_is_ahead_are_marked_and_the_page_says_so(
    tmp_path: Path, exporter: Exporter, page: Watched
) -> None:
    now = time.time()
    failed = {"provider": "ollama", "retryable": True, "error_type": "connect", "error": "no"}
    append(
        tmp_path / "events.jsonl",
        startup(now, "w"),
        line("provider-failed", ts=utc(now), writer="w", seq=2, **failed),
        line("provider-failed", ts=utc(now + 30.5 * 86400), writer="w", seq=3, **failed),
    )
    page.open(address(exporter))
    page.wait_for_text("#alarm", "The proxy's clock is 30 days ahead of the exporter's.")
    assert page.text("#events tbody tr:nth-child(1) .time").endswith(" ?")
    assert not page.text("#events tbody tr:nth-child(2) .time").endswith("?")
    assert " ? connect: no" in page.text("#providers tbody tr:nth-child(2) .error")
    append(tmp_path / "events.jsonl", line("proxy-heartbeat", ts=utc(now), writer="w", seq=4, in_flight=0))
    eventually(lambda: "clock" not in page.text("#alarm"))
