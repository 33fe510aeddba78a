"""The API: filters, order, pages, formats, and what it says about what it does not understand."""

import base64
import csv
import io
import json
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from coderouter_exporter.http.api.table import ENDPOINTS, PREFIX
from support.exporter.process import Exporter, append, line, running_exporter
from support.exporter.sample_events import startup, utc
from support.processes import eventually


@cache
def now() -> float:
    """Return when the tests of this file began, which may be long after they were collected."""
    return time.time()


BUDGET = {
    "name": "paid",
    "kind": "anthropic",
    "model": "m",
    "paid": True,
    "base_url": "x",
    "monthly_budget_usd": 1.0,
}


def story(number: int, **more: object) -> Iterator[bytes]:
    """Yield the lines of a request: one provider fails, the next one answers."""
    ended = now() - 600 + number
    named: dict[str, object] = {"writer": "w", "request_id": f"req_{number}"}
    steps: list[tuple[str, float, dict[str, object]]] = [
        ("try-provider", 2.0, {"provider": "ollama", "stream": True}),
        ("provider-failed", 1.5, {"provider": "ollama", "status": 500, "retryable": True, "error_type": "upstream_5xx",
                                  "error": f"Straße {number} BROKEN", "duration_s": 0.5}),
        ("try-provider", 1.5, {"provider": "openrouter-free", "stream": True}),
        ("provider-ok", 1.0, {"provider": "openrouter-free", "stream": True, "duration_s": 0.5}),
        ("request-finished", 0.0, {
            "ingress": "openai", "profile": "coding", "stream": True, "outcome": "ok", "status": 200,
            "provider": "openrouter-free", "model": "m", "attempts": 2, "duration_s": 2.0, "ttft_s": 1.0,
            "overhead_s": 0.001, "input_tokens": 10 * number, "output_tokens": 11, "cache_read_tokens": 90,
            "cache_creation_tokens": None, "cost_usd": number / 100, "stop_reason": "stop", "agent": "codex",
            "request_class": "main", "requested_model": "=cmd()", "tool_calls": 0, "had_tools": False,
            "session": f"s{number % 2}", "waited_s": 0.25, "key_index": 1, **more}),
    ]  # fmt: skip
    for at, (msg, before_s, fields) in enumerate(steps, 1):
        yield line(msg, ts=utc(ended - before_s), seq=number * 10 + at, **named, **fields)


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    folder = tmp_path_factory.mktemp("api")
    events = folder / "events.jsonl"
    append(events, startup(now() - 700, "w", catalog=[BUDGET]))
    for number in range(1, 6):
        append(events, *story(number))
    append(
        events,
        *story(6, outcome="exhausted", status=502, provider=None, model=None, cost_usd=None, ttft_s=None),
    )
    append(
        events,
        line(
            "try-provider",
            ts=utc(now()),
            writer="w",
            seq=99,
            request_id="req_open",
            provider="ollama",
            stream=False,
        ),
    )
    with running_exporter(events, state=folder / "exporter.db") as exporter:
        yield exporter


def get(exporter: Exporter, path: str, **parameters: object) -> Any:
    response, body = exporter.get(f"{PREFIX}{path}?{urlencode(parameters, doseq=True)}")
    return json.loads(body) if response.status == 200 else (response.status, json.loads(body)["error"])


def cursor(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def ids(answer: Any) -> list[str]:
    return [row["request_id"].removeprefix("req_") for row in answer["requests"]]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, ["open", "6", "5", "4", "3", "2", "1"]),
        ({"sort": "time"}, ["1", "2", "3", "4", "5", "6", "open"]),
        ({"sort": "-cost", "outcome": "ok"}, ["5", "4", "3", "2", "1"]),
        ({"sort": "cost"}, ["1", "2", "3", "4", "5", "6", "open"]),
        ({"sort": "tokens", "limit": 2}, ["1", "2"]),
        ({"failed": 1}, ["6"]),
        ({"outcome": ["exhausted", "open"]}, ["open", "6"]),
        ({"provider": ""}, ["open", "6"]),
        ({"error": "straSSE 3"}, ["3"]),
        ({"error": "upstream_5xx: straSSE 3"}, ["3"]),
        ({"error": "100%"}, []),
        ({"session": "s1"}, ["5", "3", "1"]),
        ({"since": "5m"}, ["open"]),
        ({"until": "5m", "limit": 1}, ["6"]),
        ({"agent": "codex", "class": "main", "ingress": "openai", "model": "m", "limit": 1}, ["5"]),
    ],
)  # fmt: skip
def test_requests_are_filtered_and_sorted(
    exporter: Exporter, parameters: dict[str, object], expected: list[str]
) -> None:
    assert ids(get(exporter, "/requests", **parameters)) == expected


def test_since_is_a_time_with_a_zone(exporter: Exporter) -> None:
    assert ids(get(exporter, "/requests", since=utc(now() - 600 + 5), until=utc(now() - 1))) == ["6", "5"]


@pytest.mark.parametrize("sort", ["time", "-time", "duration", "-ttft", "cost", "-cost", "-tokens"])
def test_pages_continue_each_other(exporter: Exporter, sort: str) -> None:
    whole = ids(get(exporter, "/requests", sort=sort))
    found, cursor = list[str](), None
    while cursor is not None or not found:
        page = get(exporter, "/requests", sort=sort, limit=2, **({"cursor": cursor} if cursor else {}))
        assert page["total"] == 7
        found += ids(page)
        cursor = page["next"]
    assert found == whole
    assert len(set(found)) == 7


def test_a_request_has_its_story(exporter: Exporter) -> None:
    row = get(exporter, "/requests/req_3")
    assert (row["waited_s"], row["key_index"], row["session"], row["cost_usd"]) == (0.25, 1, "s1", 0.03)
    assert row["ts"].endswith("Z")
    assert [(entry["provider"], entry["at_s"], entry["result"]) for entry in row["tries"]] == [
        ("ollama", 0.0, "failed"),
        ("openrouter-free", 0.5, "ok"),
    ]
    assert [(step["what"], step["at_s"]) for step in row["steps"]] == [
        ("try", 0.0), ("failed", 0.5), ("try", 0.5), ("ok", 1.0), ("finished", 2.0),
    ]  # fmt: skip


def test_a_story_says_what_was_skipped_for_its_length_what_was_waited_for_and_a_loop(tmp_path: Path) -> None:
    named: dict[str, object] = {"request_id": "req_long", "writer": "w", "provider": "ollama"}
    steps: list[tuple[str, dict[str, object]]] = [
        ("skip-short-context", {"needed_tokens": 9000, "window_tokens": 8192}),
        ("tool-loop-detected", {"repeats": 5, "action": "warn"}),
        ("provider-queued", {"waited_s": 1.5, "result": "place"}),
    ]
    events = tmp_path / "events.jsonl"
    append(
        events,
        *(line(msg, ts=utc(now()), seq=seq, **named, **more) for seq, (msg, more) in enumerate(steps, 1)),
    )
    with running_exporter(events, state=tmp_path / "exporter.db") as exporter:
        row = get(exporter, "/requests/req_long")
        skipped, loop, queued = row["steps"]
        assert (skipped["what"], skipped["reason"], skipped["needed_tokens"]) == ("skipped", "context", 9000)
        assert (loop["what"], loop["repeats"], loop["action"]) == ("tool_loop", 5, "warn")
        assert (queued["what"], queued["waited_s"], queued["result"]) == ("queued", 1.5, "place")
        assert [entry["reason"] for entry in row["tries"]] == ["context"]


def test_a_request_that_is_not_kept_is_not_found(exporter: Exporter) -> None:
    status, error = get(exporter, "/requests/req_none")
    assert (status, "req_none" in error) == (404, True)


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/requests", "outcom=ok", "unknown parameter 'outcom'; known parameters: outcome, "),
        ("/status", "hours=1", "unknown parameter 'hours'; known parameters: none"),
        ("/requests", "outcome=fine", "outcome=fine: must be ok, "),
        ("/requests", "sort=name", "sort=name: must be time, "),
        ("/requests", "limit=1001", "limit=1001: must be 1 to 1000"),
        ("/requests", "limit=1&limit=2", "limit is given 2 times; at most 1 is allowed"),
        ("/requests", "since=yesterday", "since=yesterday: must be a time such as "),
        ("/requests", "cursor=x", "cursor: must be `next` of an answer"),
        ("/requests", f"cursor={cursor(5)}", "cursor: must be `next` of an answer"),
        ("/requests", f"cursor={cursor(['-time', 1, 1 << 63])}", "cursor: must be `next` of an answer"),
        ("/requests", f"cursor={cursor(['-time', 1 << 63, 1])}", "cursor: must be `next` of an answer"),
        ("/requests", f"cursor={cursor(['time', 1, 1])}", "cursor: must be `next` of an answer with the same"),
        ("/requests", "error=" + "x" * 501, "must be at most 500 characters"),
        ("/sessions", "format=xml", "format=xml: must be json, csv, jsonl"),
        ("/spend", "by=day,day", "by=day,day: must be some of day, month, "),
        ("/traffic", "hours=2", "hours=2: must be 1, 6, 24, 168, 720"),
    ],
)  # fmt: skip
def test_an_error_names_the_parameter_and_what_is_allowed(
    exporter: Exporter, path: str, query: str, expected: str
) -> None:
    response, body = exporter.get(f"{PREFIX}{path}?{query}")
    assert response.status == 400
    assert expected in json.loads(body)["error"]


def test_what_is_allowed_is_named_once(exporter: Exporter) -> None:
    _, error = get(exporter, "/requests", agent="unheard-of")
    allowed = error.partition("must be ")[2].split(", ")
    assert sorted(set(allowed)) == sorted(allowed)


def test_an_unknown_path_names_those_of_the_api(exporter: Exporter) -> None:
    response, body = exporter.get(f"{PREFIX}/requets")
    assert response.status == 404
    assert all(endpoint.address in json.loads(body)["error"] for endpoint in ENDPOINTS)


def test_csv_has_all_that_match_and_no_formula(exporter: Exporter) -> None:
    response, body = exporter.get(f"{PREFIX}/requests?format=csv&outcome=ok&limit=1")
    assert response.getheader("content-disposition") == 'attachment; filename="coderouter-requests.csv"'
    rows = list(csv.DictReader(io.StringIO(body.decode())))
    assert [row["request_id"] for row in rows] == [f"req_{number}" for number in (5, 4, 3, 2, 1)]
    assert {row["requested_model"] for row in rows} == {"'=cmd()"}
    assert json.loads(rows[0]["tries"])[0]["provider"] == "ollama"


def test_jsonl_has_a_row_on_each_line(exporter: Exporter) -> None:
    _, body = exporter.get(f"{PREFIX}/requests?format=jsonl&session=s0")
    assert [json.loads(text)["request_id"] for text in body.splitlines()] == ["req_6", "req_4", "req_2"]


def test_sessions_are_summed_up(exporter: Exporter) -> None:
    answer = get(exporter, "/sessions", sort="cost")
    assert answer["total"] == 2
    first, second = answer["sessions"]
    assert (first["session"], first["requests"], first["failed"], first["cost_usd"]) == ("s0", 3, 1, 0.06)
    assert (second["session"], second["input_tokens"], second["fallbacks"]) == ("s1", 90, 3)
    assert second["cache_share"] == pytest.approx(270 / 360)
    page = get(exporter, "/sessions", sort="cost", limit=1)
    assert [
        entry["session"] for entry in get(exporter, "/sessions", sort="cost", cursor=page["next"])["sessions"]
    ] == ["s1"]


def test_sessions_are_exported_whole_whatever_the_limit_of_a_page(exporter: Exporter) -> None:
    sessions = get(exporter, "/sessions", sort="cost")["sessions"]
    response, body = exporter.get(f"{PREFIX}/sessions?format=csv&sort=cost&limit=1")
    assert response.getheader("content-disposition") == 'attachment; filename="coderouter-sessions.csv"'
    rows = list(csv.DictReader(io.StringIO(body.decode())))
    assert rows[0].keys() == sessions[0].keys()
    assert [(row["session"], float(row["cost_usd"])) for row in rows] == [
        (entry["session"], entry["cost_usd"]) for entry in sessions
    ]
    _, body = exporter.get(f"{PREFIX}/sessions?format=jsonl&sort=cost")
    assert [json.loads(text) for text in body.splitlines()] == sessions
    _, body = exporter.get(f"{PREFIX}/sessions?format=jsonl&failed=1")
    assert [json.loads(text)["session"] for text in body.splitlines()] == ["s0"]


def test_spend_is_by_what_is_asked_for(exporter: Exporter) -> None:
    answer = get(exporter, "/spend", by="provider,agent")
    assert answer["zone"] == "Europe/Berlin"
    by_provider = {entry["provider"]: entry for entry in answer["spend"]}
    assert by_provider["openrouter-free"]["cost_usd"] == 0.15
    assert (by_provider[None]["requests"], by_provider[None]["failed"]) == (1, 1)
    assert get(exporter, "/spend", by="month", until="2d")["spend"] == []


def test_the_columns_of_a_provider_add_up(exporter: Exporter) -> None:
    answer = get(exporter, "/providers", hours=6)
    by_name = {entry["name"]: entry for entry in answer["providers"]}
    assert [entry["name"] for entry in answer["providers"]][:3] == ["ollama", "openrouter-free", "claude"]
    ollama, free = by_name["ollama"], by_name["openrouter-free"]
    assert (ollama["tries"], ollama["failed"], ollama["unfinished"], ollama["success"]) == (6, 6, 1, 0.0)
    assert (free["ok"], free["share"], free["tokens_per_s"], free["cost_usd"]) == (6, 1.0, 10.0, 0.15)


def test_traffic_has_a_value_for_each_step(exporter: Exporter) -> None:
    answer = get(exporter, "/traffic", hours=1)
    assert (answer["total"]["requests"], answer["total"]["answered"], answer["total"]["failed"]) == (6, 5, 1)
    assert len(answer["ok"]) == len(answer["cost_usd"]) == 60
    assert (sum(answer["ok"]), round(sum(answer["cost_usd"]), 6)) == (5, 0.15)


def test_the_status_has_what_else_the_page_shows(exporter: Exporter) -> None:
    answer = get(exporter, "/status")
    assert answer["proxy"]["last_event_at"] == utc(now())
    assert answer["today"]["timezone"] == "Europe/Berlin"
    assert answer["today"]["answered"] < answer["today"]["requests"], "one of them failed"
    assert answer["config"]["default_profile"] == "coding"
    assert answer["in_progress"] == 1


def test_what_is_written_before_a_request_is_in_its_answer(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    events.touch()
    with running_exporter(events, state=tmp_path / "exporter.db") as exporter:
        eventually(exporter.is_ready)
        for number in range(1, 20):
            append(events, *story(number))
            assert get(exporter, f"/requests/{quote(f'req_{number}')}")["outcome"] == "ok"


def test_no_requests_are_kept_without_room(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    append(events, *story(1))
    with running_exporter(
        events, state=tmp_path / "exporter.db", options=("--requests-max", "0")
    ) as exporter:
        assert get(exporter, "/requests")["total"] == 0
        assert get(exporter, "/spend")["spend"][0]["requests"] == 1
