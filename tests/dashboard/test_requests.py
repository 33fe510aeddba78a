"""The list of requests, one request, sessions and spend show what the API returns, and can be used by keyboard."""

import csv
import io
import time
from pathlib import Path
from typing import Any

import pytest

from dashboard.conftest import address, api
from support.browser.chromium import Watched
from support.exporter.process import Exporter, append, line, running_exporter
from support.exporter.sample_events import startup, utc
from support.processes import eventually

MINUTE_S = 60
ENTRY = "navigation.currentEntry.key"
"""Identifies an entry of the browser's history."""


def request(number: int, ts: float, outcome: str = "ok", session: str = "s1", **more: object) -> list[bytes]:
    """Return the lines of a request: ollama fails with each third one, and claude answers."""
    named: dict[str, object] = {"request_id": f"req_{number:03}", "writer": "w"}
    seq = 10 * number + 2
    lines = [line("try-provider", ts=utc(ts - 2), seq=seq, provider="ollama", stream=True, **named)]
    fails = number % 3 == 0
    if fails:
        error = {
            "error_type": "connect",
            "error": f"cannot connect, try {number}",
            "retryable": True,
            "status": None,
        }
        lines += [
            line(
                "provider-failed",
                ts=utc(ts - 1.5),
                seq=seq + 1,
                provider="ollama",
                duration_s=0.5,
                **error,
                **named,
            ),
            line("try-provider", ts=utc(ts - 1.5), seq=seq + 2, provider="claude", stream=True, **named),
        ]
    provider = "claude" if fails else "ollama"
    lines.append(
        line(
            "provider-ok",
            ts=utc(ts - 1),
            seq=seq + 3,
            provider=provider,
            stream=True,
            duration_s=0.5,
            **named,
        )
    )
    end: dict[str, object] = {
        "outcome": outcome, "status": 200, "provider": provider, "model": f"{provider}-model", "attempts": 1 + fails,
        "duration_s": 2.0 + number / 100, "ttft_s": 1.0, "input_tokens": 1000 + number, "output_tokens": 10,
        "cache_read_tokens": 500, "cost_usd": 0.01 if fails else 0.0, "agent": "codex", "session": session,
        "ingress": "responses", "profile": "coding", "stream": True, "requested_model": "any",
    }  # fmt: skip
    return [*lines, line("request-finished", ts=utc(ts), seq=seq + 4, **named, **(end | more))]


@pytest.fixture
def counted(tmp_path: Path) -> Any:
    """An exporter that has counted thirty requests, of which two broke off, in two sessions."""
    now = time.time()
    lines = [startup(now - 3000, "w")]
    for number in range(30):
        outcome = "midstream" if number in (7, 9) else "ok"
        lines += request(
            number, now - (31 - number) * MINUTE_S, outcome, session="s1" if number < 20 else "s2"
        )
    append(tmp_path / "events.jsonl", *lines)
    with running_exporter(tmp_path / "events.jsonl", state=tmp_path / "exporter.db") as exporter:
        yield exporter


def ids(page: Watched) -> list[str]:
    return [row[-1] for row in page.rows("#request-rows") if len(row) > 1]


def opened(page: Watched, exporter: Exporter, hash_: str = "#requests") -> None:
    page.open(address(exporter) + hash_)
    page.page.wait_for_selector("#request-rows tbody tr")


def test_each_request_is_a_row_newest_first(counted: Exporter, page: Watched) -> None:
    opened(page, counted)
    listed = api(counted, "requests")["requests"]
    assert (
        ids(page)
        == [row["request_id"] for row in listed]
        == [f"req_{number:03}" for number in range(29, -1, -1)]
    )
    assert page.text("#total") == "30 requests"
    [newest] = [row for row in page.rows("#request-rows") if row[-1] == "req_029"]
    assert newest[1:-1] == [
        "OK", "ollama ollama-model", "1", "codex", "s2", "coding", "any", "1 s", "2.29 s", "1,029 / 10", "$0.00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("select[name=outcome]", "failed", ["req_009", "req_007"]),
        ("select[name=outcome]", "midstream", ["req_009", "req_007"]),
        ("select[name=provider]", "claude", [f"req_{number:03}" for number in range(27, -1, -3)]),
        ("input[name=error]", "TRY 27", ["req_027"]),
        ("input[name=session]", "s2", [f"req_{number:03}" for number in range(29, 19, -1)]),
    ],
)
def test_filters_are_in_the_address_and_in_the_exports(
    counted: Exporter, page: Watched, field: str, value: str, expected: list[str]
) -> None:
    opened(page, counted)
    if field.startswith("select"):
        page.page.select_option(f"#filters {field}", value)
    else:
        page.page.fill(f"#filters {field}", value)
    page.wait_for_text("#total", f"{len(expected)} request")
    assert ids(page) == expected
    assert value.replace(" ", "+") in page.page.url or "failed=1" in page.page.url
    page.page.reload()
    page.wait_for_text("#total", f"{len(expected)} request")
    assert page.page.input_value(f"#filters {field}") == value
    for link in ("#as-csv", "#as-json"):
        path = page.page.get_attribute(link, "href")
        _, body = counted.get(f"/{path}")
        rows = list(csv.DictReader(io.StringIO(body.decode()))) if link == "#as-csv" else body.splitlines()
        assert len(rows) == len(expected)
    page.page.click("#clear")
    page.wait_for_text("#total", "30 requests")


def test_a_header_sorts_and_says_so(counted: Exporter, page: Watched) -> None:
    opened(page, counted)
    page.page.click("#request-rows th:has-text('Duration') button")
    page.page.wait_for_selector("#request-rows th[aria-sort=descending]:has-text('Duration')")
    assert ids(page)[0] == "req_029"
    page.page.click("#request-rows th:has-text('Duration') button")
    page.page.wait_for_selector("#request-rows th[aria-sort=ascending]:has-text('Duration')")
    assert ids(page)[0] == "req_000"


def test_a_request_shows_its_tries_steps_and_values_by_its_link(counted: Exporter, page: Watched) -> None:
    page.open(f"{address(counted)}#req_027")
    page.page.wait_for_selector("#request:not(.loading)")
    tries = page.page.locator("#waterfall li")
    assert [tries.nth(at).inner_text().split("\n")[0] for at in range(tries.count())] == ["ollama", "claude"]
    assert "cannot connect, try 27" in page.text("#waterfall")
    steps = api(counted, "requests/req_027")["steps"]
    assert page.page.locator("#steps li").count() == len(steps) >= 5
    assert "500 ms" in page.text("#waterfall")
    assert "1,027" in page.text("#request-fields")
    page.page.click("#request-close")
    page.page.wait_for_selector("#request", state="hidden")
    assert page.page.url.endswith("#requests")


def test_a_request_that_is_not_kept_is_named(counted: Exporter, page: Watched) -> None:
    page.open(f"{address(counted)}#req_nothing")
    page.wait_for_text("#request-outcome", "req_nothing")
    page.forgive("404")


def test_the_keyboard_moves_opens_closes_searches_and_helps(counted: Exporter, page: Watched) -> None:
    opened(page, counted)
    press = page.page.keyboard.press
    for key in ("j", "j", "k", "j", "Enter"):
        press(key)
    page.wait_for_text("#request-id", "req_028")
    press("j")
    page.wait_for_text("#request-id", "req_027")
    press("Escape")
    page.page.wait_for_selector("#request", state="hidden")
    press("/")
    assert page.evaluate("document.activeElement.name") == "error"
    press("Escape")
    press("?")
    assert page.page.is_visible("#keys")
    press("Escape")
    press("3")
    page.page.wait_for_selector("#sessions:not([hidden])")


def test_new_requests_are_added_at_the_top_or_announced_while_the_list_is_read(
    tmp_path: Path, counted: Exporter, page: Watched
) -> None:
    opened(page, counted)
    append(tmp_path / "events.jsonl", *request(30, time.time()))
    page.wait_for_text("#request-rows", "req_030", 5)
    assert ids(page)[0] == "req_030"

    page.page.mouse.wheel(0, 400)
    eventually(lambda: page.evaluate("scrollY > 0"))
    place = "document.querySelector('#request-rows tbody tr:nth-child(12)').getBoundingClientRect().top"
    before = page.evaluate(place)
    append(tmp_path / "events.jsonl", *request(31, time.time()))
    page.wait_for_text("#news", "Show 1 new request", 5)
    assert page.evaluate(place) == before
    assert "req_031" not in ids(page)
    page.page.click("#news")
    page.wait_for_text("#request-rows", "req_031")
    assert page.page.is_hidden("#news")


def test_more_than_a_page_is_loaded_on_request(tmp_path: Path, counted: Exporter, page: Watched) -> None:
    now = time.time()
    append(tmp_path / "events.jsonl", *(each for number in range(40, 240) for each in request(number, now)))
    opened(page, counted)
    page.wait_for_text("#more", "Show more (100 of 230)")
    page.page.click("#more")
    page.wait_for_text("#more", "Show more (200 of 230)")
    page.page.click("#more")
    page.page.wait_for_selector("#more", state="hidden")
    assert len(set(ids(page))) == 230


def test_sessions_add_up_and_link_to_their_requests(counted: Exporter, page: Watched) -> None:
    page.open(f"{address(counted)}#sessions")
    page.page.wait_for_selector("#session-rows tbody tr")
    listed = api(counted, "sessions")["sessions"]
    shown = {row[0]: row for row in page.rows("#session-rows")}
    assert {row["session"]: row["requests"] for row in listed} == {"s1": 20, "s2": 10}
    assert [shown[name][5] for name in ("s1", "s2")] == ["20", "10"]
    assert shown["s1"][6] == "2"
    page.page.click("#session-rows a:has-text('s2')")
    page.wait_for_text("#total", "10 requests")


def test_spend_adds_up_to_the_days(counted: Exporter, page: Watched) -> None:
    page.open(f"{address(counted)}#spend")
    page.page.wait_for_selector("#spend-rows tbody tr")
    days = api(counted, "spend?by=day,provider&since=30d")["spend"]
    cost = {
        name: sum(day["cost_usd"] for day in days if day["provider"] == name) for name in ("ollama", "claude")
    }
    shown = {row[0]: row for row in page.rows("#spend-rows")}
    assert shown["claude"][1:3] == ["100 %", f"${cost['claude']:.4f}"]
    assert shown["ollama"][2] == "$0.00"
    assert page.text("#spend-sum").startswith(f"${cost['claude']:.4f}, 30 requests")
    page.page.select_option("#spend [name=by]", "agent")
    page.wait_for_text("#spend-rows", "codex")
    page.page.select_option("#spend [name=measure]", "requests")
    page.page.select_option("#spend [name=days]", "90")
    page.page.wait_for_selector('#spent svg[viewBox="0 0 90 100"]', state="attached")


def test_closing_a_request_goes_back_to_where_it_was_opened(counted: Exporter, page: Watched) -> None:
    opened(page, counted)
    page.page.goto(f"{address(counted)}#sessions")
    page.page.goto(f"{address(counted)}#requests")
    page.page.wait_for_selector("#request-rows tbody tr")
    entry = page.evaluate(ENTRY)
    for by_key in (True, False):
        page.page.click("#request-rows tbody tr:nth-child(3) td:nth-child(1) a")
        page.page.wait_for_selector("#request:not([hidden])")
        page.page.keyboard.press("j")
        page.page.keyboard.press("Escape") if by_key else page.page.click("#request-close")
        page.page.wait_for_selector("#request", state="hidden")
        page.page.wait_for_function(f"{ENTRY} === '{entry}'")
    page.page.go_back()
    page.page.wait_for_selector("#sessions:not([hidden])")


def test_closing_a_request_that_was_the_first_page_leaves_no_entry_of_it(
    counted: Exporter, page: Watched
) -> None:
    page.open(f"{address(counted)}#req_003")
    entry = page.evaluate(ENTRY)
    page.page.keyboard.press("Escape")
    page.page.wait_for_selector("#request", state="hidden")
    assert page.page.url.endswith("#requests")
    assert page.evaluate(ENTRY) == entry
