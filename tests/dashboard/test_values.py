"""The page shows what /metrics.json reports, after real traffic through a real proxy."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from signal import SIGHUP
from typing import Any

import pytest

from dashboard.conftest import address, api, provider_rows, report
from support.browser.chromium import Watched
from support.exporter.process import Exporter
from support.exporter.sample_events import PROVIDERS
from support.proxy import openai_answers, upstream
from support.proxy.process import Proxy, config, provider, serving

RANGES = {1: "last hour", 6: "last 6 hours", 24: "last 24 hours", 168: "last 7 days", 720: "last 30 days"}
CHEAP = {"input_per_mtok": 1.0, "output_per_mtok": 4.0}


@contextmanager
def traffic(folder: Path) -> Iterator[Proxy]:
    """Run a proxy that has had an answer, a fallback, a broken stream and a request blocked by the paid gate."""
    with upstream.serving() as server:
        first, second = server.provider("first"), server.provider("second")
        providers = [
            provider("first", first.base_url, cost=CHEAP),
            provider("second", second.base_url, cost=CHEAP),
            provider("paid", second.base_url, paid=True),
        ]
        chains = {"default": ["first", "second", "paid"], "paid-only": ["paid"]}
        settings = config(providers, chains, display_timezone="Asia/Kolkata")
        with serving(folder, settings) as proxy:
            first.plays(
                openai_answers.streamed("Hello"),
                openai_answers.error("overloaded", 503),
                openai_answers.streamed("Hel", upstream.CUT),
            )
            second.plays(openai_answers.streamed("Hello"))
            for _ in range(3):
                proxy.chat(stream=True).rest()
            assert proxy.chat(profile="paid-only").rest().status == 503
            yield proxy


def test_the_page_shows_the_numbers_of_the_report(tmp_path: Path, exporter: Exporter, page: Watched) -> None:
    with traffic(tmp_path):
        page.open(address(exporter))
        page.wait_for_text("#volume .sum", "4 requests")
        reported = report(exporter)
        assert page.text("#headline .word") == "Answered 2 of 4, 2 failed"
        assert page.page.get_attribute("#headline .state", "data-state") == "bad"
        assert page.text("#proxy .word") == "Running"
        assert page.text("#answering .word") == reported["answering"]["provider"] == "first"
        assert reported["history"]["total"]["fallbacks"] == 1
        cause = reported["moved_on"]
        assert (cause["provider"], cause["error_type"]) == ("first", "overloaded")
        more = "1 request needed more than one provider, last after first failed (overloaded) "
        assert page.text("#headline .more").startswith(more)
        assert page.text("#gate .word") == "Closed"
        assert page.text("#gate .more") == "excludes paid, skipped once in this range"
        assert page.text("#counting .word") == "Exact"
        assert 0 < reported["today"]["cost_usd"] < 0.0001
        assert page.text("#today .word") == "<$0.0001", "little is not nothing"
        assert page.text("#today .more") == _tokens(reported["today"])
        assert page.text("#zone") == "Asia/Calcutta"
        _compare_providers(page, exporter)
        _compare_events(page, reported)


def test_what_the_proxy_learnt_is_shown_with_the_line_that_keeps_it_until_a_reload(
    tmp_path: Path, exporter: Exporter, page: Watched, stack: ExitStack
) -> None:
    server = stack.enter_context(upstream.serving())
    picky = server.provider("picky")
    refusal = openai_answers.error("body.store: Extra inputs are not permitted", 422)
    picky.plays(refusal, openai_answers.streamed("Hello"))
    proxy = stack.enter_context(serving(tmp_path, config([provider("picky", picky.base_url)])))
    page.open(address(exporter))
    page.wait_for_text("#proxy .word", "Running")
    section = page.page.locator("#learnt-section")
    assert section.is_hidden()

    assert proxy.chat(stream=True, store=True).rest().status == 200
    page.wait_for_text("#learnt", "picky")
    [learnt] = report(exporter)["learnt"]
    assert learnt["line"] == "traits: {refused_fields: [store]}"
    assert page.rows("#learnt") == [["picky", learnt["line"], "refused-field"]]

    proxy.command.signal(SIGHUP)
    section.wait_for(state="hidden")
    assert report(exporter)["learnt"] == []


def _tokens(today: dict[str, int]) -> str:
    cached = today["cache_read_tokens"] + today["cache_creation_tokens"]
    tokens = f"{today['input_tokens']} tokens in, {today['output_tokens']} out"
    return f"{tokens}, {cached} cached" if cached else tokens


def _compare_providers(page: Watched, exporter: Exporter) -> None:
    """Compare with /metrics, in which an answer that broke off counts as ok and as failed_midstream."""
    samples = exporter.scrape()
    rows = provider_rows(page)
    shown = {name: [int(cell) for cell in row[5:9]] for name, row in rows.items()}
    for name, (tries, ok, failed, midstream) in shown.items():
        assert tries == ok + failed + midstream == samples["coderouter_provider_attempts_total", (name,)]
        counted = {
            outcome: samples["coderouter_provider_outcomes_total", (outcome, name)]
            for outcome in ("ok", "failed", "failed_midstream")
        }
        assert counted == {"ok": ok + midstream, "failed": failed, "failed_midstream": midstream}
    assert shown == {"first": [3, 1, 1, 1], "second": [1, 1, 0, 0], "paid": [0, 0, 0, 0]}
    assert {name: row[9] for name, row in rows.items()} == {"first": "0", "second": "0", "paid": "1"}
    states = {name: row[2] for name, row in rows.items()}
    assert states == {"first": "Failing", "second": "OK", "paid": "Gate closed"}


def _compare_events(page: Watched, reported: Any) -> None:
    shown = [row[1:] for row in page.rows("#events")]
    events = [
        [event["event"], event["provider"] or "", event["text"], event["request_id"] or ""]
        for event in reversed(reported["events"])
    ]
    assert shown == events
    assert {row[0] for row in shown} >= {
        "coderouter-startup",
        "provider-failed-midstream",
        "request-finished",
    }


def within_a_minute(look: Callable[[], None]) -> None:
    """Look again if that took into the next minute, in which all columns are one further to the left."""
    while True:
        minute = time.time() // 60
        try:
            return look()
        except AssertionError:
            if time.time() // 60 == minute:
                raise


@pytest.mark.parametrize("hours", RANGES)
def test_the_charts_draw_the_columns_of_the_traffic(
    with_history: Exporter, page: Watched, hours: int
) -> None:
    def look() -> None:
        page.open(address(with_history))
        page.page.check(f"#hours [value='{hours}']", force=True)
        page.wait_for_text("#traffic-title", RANGES[hours])
        history = api(with_history, f"traffic?hours={hours}")
        assert abs(len(history["ok"]) * history["step_s"] - hours * 3600) <= history["step_s"]
        kinds = ("ok", "failed", "client")
        drawn = {kind: page.page.locator(f"#volume rect.{kind}").count() for kind in kinds}
        assert drawn == {kind: sum(number > 0 for number in history[kind]) for kind in kinds}
        for name in ("duration", "first_token"):
            known = sum(value is not None for value in history[f"{name}_p50_s"])
            assert page.page.locator(f"#{name} rect.median").count() == known > 0
        total = history["total"]
        assert page.text("#headline .word").startswith(f"Answered {total['answered']} of {total['requests']}")

    within_a_minute(look)


def test_the_arrow_keys_read_single_steps(with_history: Exporter, page: Watched) -> None:
    def look() -> None:
        page.open(address(with_history))
        page.page.focus("#volume .plot")
        page.page.keyboard.press("Home")
        page.page.keyboard.press("ArrowRight")
        history = api(with_history, "traffic?hours=1")
        assert f": {history['ok'][1]} answered" in page.text("#volume .readout")
        page.page.keyboard.press("Escape")
        assert page.text("#volume .readout") == ""

    within_a_minute(look)


def test_dragging_zooms_all_charts_and_links_to_the_requests(with_history: Exporter, page: Watched) -> None:
    def look() -> None:
        page.open(address(with_history))
        box = page.page.locator("#volume svg").bounding_box()
        assert box is not None
        step = box["width"] / 60
        page.page.mouse.move(box["x"] + 10.5 * step, box["y"] + 20)
        page.page.mouse.down()
        page.page.mouse.move(box["x"] + 19.5 * step, box["y"] + 20, steps=4)
        page.page.mouse.up()
        history = api(with_history, "traffic?hours=1")
        for chart in ("volume", "duration", "cost"):
            assert page.page.get_attribute(f"#{chart} svg", "viewBox") == "0 0 10 100"
        part = sum(sum(history[kind][10:20]) for kind in ("ok", "failed", "client"))
        assert page.text("#volume .sum").startswith(f"{part} requests")
        page.page.click("#zoom-requests")
        page.wait_for_text("#total", f"{part} requests")
        page.page.go_back()
        page.page.click("#unzoom")
        assert page.page.get_attribute("#volume svg", "viewBox") == "0 0 60 100"

    within_a_minute(look)


def test_times_are_in_the_configured_zone(with_history: Exporter, page: Watched) -> None:
    page.open(address(with_history))
    assert page.text("#zone") == "Europe/Berlin"
    newest = report(with_history)["events"][-1]["ts"]
    script = "ts => new Date(ts + 'Z').toLocaleTimeString('en-GB', {timeZone: 'Europe/Berlin'})"
    assert page.rows("#events")[0][0] == page.page.evaluate(script, newest)


def test_providers_are_in_the_order_of_the_chain(with_history: Exporter, page: Watched) -> None:
    page.open(address(with_history))
    assert list(provider_rows(page)) == list(PROVIDERS)
