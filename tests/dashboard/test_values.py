"""The page shows what /metrics.json reports, after real traffic through a real proxy."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from signal import SIGHUP
from typing import Any

import pytest

from dashboard.conftest import address, report
from support.browser.chromium import Watched
from support.exporter.process import Exporter
from support.exporter.sample_events import PROVIDERS
from support.proxy import openai_answers, upstream
from support.proxy.process import Proxy, config, provider, serving

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
        page.wait_for_text("#requests .sum", "4 requests")
        reported = report(exporter)
        assert page.text("#proxy .word") == "Running"
        assert page.text("#answering .word") == reported["answering"]["provider"] == "first"
        assert page.text("#fallbacks .word") == "1 of 4"
        assert reported["history"]["total"]["fallbacks"] == 1
        cause = reported["moved_on"]
        assert (cause["provider"], cause["error_type"]) == ("first", "overloaded")
        assert "last from first (overloaded)" in page.text("#fallbacks .more")
        assert page.text("#gate .word") == "Closed"
        assert page.text("#gate .more") == "excludes paid, 1 request blocked"
        assert page.text("#counting .word") == "Exact"
        assert page.text("#today .word") == f"${reported['today']['cost_usd']:.4f}"
        assert page.text("#today .more") == _tokens(reported["today"])
        assert page.text("#zone") == "Asia/Calcutta"
        _compare_providers(page, reported)
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


def _compare_providers(page: Watched, reported: Any) -> None:
    shown = {row[1].split()[0]: [int(cell) for cell in row[3:7]] for row in page.rows("#providers")}
    counters = reported["counters"]
    outcomes = ("ok", "failed", "failed_midstream")
    assert shown == {
        name: [
            counters["provider_attempts"][name],
            *(counters["provider_outcomes"][name][o] for o in outcomes),
        ]
        for name in ("first", "second", "paid")
    }
    assert shown == {"first": [3, 2, 1, 1], "second": [1, 1, 0, 0], "paid": [0, 0, 0, 0]}
    states = {row[1].split()[0]: row[2] for row in page.rows("#providers")}
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


@pytest.mark.parametrize(("hours", "steps"), [(1, 60), (6, 72), (24, 96)])
def test_the_charts_draw_the_columns_of_the_report(
    with_history: Exporter, page: Watched, hours: int, steps: int
) -> None:
    page.open(address(with_history))
    page.page.check(f"#hours [value='{hours}']", force=True)
    page.wait_for_text("#traffic-title", f"last {hours} hours" if hours > 1 else "last hour")
    history = report(with_history, hours)["history"]
    assert len(history["ok"]) == steps
    kinds = ("ok", "failed", "client")
    drawn = {kind: page.page.locator(f"#requests rect.{kind}").count() for kind in kinds}
    assert drawn == {kind: sum(number > 0 for number in history[kind]) for kind in kinds}
    for name in ("duration", "first_token"):
        known = sum(value is not None for value in history[f"{name}_p50_s"])
        assert page.page.locator(f"#{name} rect.median").count() == known > 0


def test_the_arrow_keys_read_single_steps(with_history: Exporter, page: Watched) -> None:
    page.open(address(with_history))
    page.page.focus("#requests .plot")
    page.page.keyboard.press("Home")
    page.page.keyboard.press("ArrowRight")
    history = report(with_history)["history"]
    assert f": {history['ok'][1]} answered" in page.text("#requests .readout")
    page.page.keyboard.press("Escape")
    assert page.text("#requests .readout") == ""


def test_times_are_in_the_configured_zone(with_history: Exporter, page: Watched) -> None:
    page.open(address(with_history))
    assert page.text("#zone") == "Europe/Berlin"
    newest = report(with_history)["events"][-1]["ts"]
    script = "ts => new Date(ts + 'Z').toLocaleTimeString('en-GB', {timeZone: 'Europe/Berlin'})"
    assert page.rows("#events")[0][0] == page.page.evaluate(script, newest)


def test_providers_are_in_the_order_of_the_chain(with_history: Exporter, page: Watched) -> None:
    page.open(address(with_history))
    assert [row[1].split()[0] for row in page.rows("#providers")] == list(PROVIDERS)
