"""Names and errors from events stay text, whatever they contain."""

import time
from pathlib import Path

import pytest
import yaml

from dashboard.conftest import address
from support.browser.chromium import Watched
from support.exporter.process import Exporter, append, line
from support.exporter.sample_events import startup, utc

SCRIPT = "<script>document.title='taken'</script>"
ADAPTED = {"trait": "refused_fields", "reason": "refused-field", "remembered": True}
HOSTILE = (
    SCRIPT,
    "<img src=x onerror=\"document.title='taken'\">",
    "\"'`${document.title='taken'}",
    "javascript:alert(1)",
    "x" * 10_000,
    "\N{RIGHT-TO-LEFT OVERRIDE}reversed\x00\x1b[31m\n\n",
    "__proto__",
    "",
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_names_and_errors_stay_text(tmp_path: Path, exporter: Exporter, page: Watched, text: str) -> None:
    names = {"providers": [text], "chains": {text: [text]}, "profiles": [text], "default_profile": text}
    catalog = [{"name": text, "kind": text, "model": text, "paid": True, "base_url": text}]
    failed = {"provider": text, "error": text, "error_type": text, "request_id": text, "retryable": True}
    append(
        tmp_path / "events.jsonl",
        startup(time.time(), "w", **names, catalog=catalog, version=text, display_timezone=text),
        line("provider-failed", status=500, **failed),
        line("provider-ok", provider=text, request_id=text, duration_s=1.0),
        line("request-finished", outcome=text, profile=text, attempts=2, status=200, request_id=text),
        line("proxy-heartbeat", ts=utc(time.time()), writer="w", in_flight=0),  # a startup may be oversize
        line("provider-adapted", writer="w", seq=2, provider=text, value=text[:99], **ADAPTED),
        line("chain-paid-gate-blocked", profile=text, request_id=text),
    )
    page.open(address(exporter))
    page.wait_for_text("#events", "request-finished")
    assert page.page.title() == "CodeRouter"
    added = "document.querySelectorAll('main script, main img, main a, main [onerror]').length"
    assert page.evaluate(added) == 0
    [row] = page.rows("#providers")
    shown = page.evaluate("document.querySelector('#providers .who').textContent")
    assert shown == (text or "(no name)")
    assert "500" in row[7]
    [learnt] = page.evaluate("[...document.querySelectorAll('#learnt .yaml')].map(cell => cell.textContent)")
    assert yaml.safe_load(learnt) == {"traits": {"refused_fields": [text[:99]] if text else []}}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
