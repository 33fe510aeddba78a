"""A request goes to no provider whose context it exceeds; where it exceeds all of them, its agent learns that."""

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proxy.conftest import serving_soundly
from support.events import read
from support.processes import eventually, free_port
from support.proxy import openai_answers as says
from support.proxy import process
from support.proxy.client import Exchange
from support.proxy.process import Proxy, serving, workers_of
from support.proxy.upstream import HANG, Provider, Upstream, whole
from support.run_command import coderouter

LONG = [{"role": "user", "content": "word " * 2000}]  # about 2,700 tokens
PROPS = {"default_generation_settings": {"n_ctx": 2000}}
READ = "provider a: its server has a context of {} tokens"


@pytest.fixture(autouse=True)
def _fresh(upstream_server: Upstream) -> None:
    upstream_server.forget()


def provider(fake: Provider, window: int | None = None, **more: object) -> dict[str, object]:
    capabilities = {} if window is None else {"max_context_tokens": window}
    name = fake.base_url.rsplit("/", 2)[1]
    return process.provider(name, fake.base_url, capabilities=capabilities, **more)


def with_usage(prompt_tokens: int) -> Any:
    return says.answer(usage={"prompt_tokens": prompt_tokens, "completion_tokens": 3})


def skipped(served: Proxy) -> list[tuple[str, int]]:
    return [
        (each["provider"], each["window_tokens"]) for each in read(served.events_path, "skip-short-context")
    ]


def answered_by(served: Proxy, messages: Any = LONG) -> object:
    return served.finished(served.chat(messages=messages).rest().request_id)["provider"]


def test_a_provider_with_too_small_a_context_is_skipped(tmp_path: Path, a: Provider, b: Provider) -> None:
    a.plays(says.answer())
    b.plays(says.answer())
    with serving_soundly(tmp_path, process.config([provider(a, 2000), provider(b)])) as served:
        assert answered_by(served) == "b"
        assert answered_by(served, process.HELLO) == "a"
        [event] = read(served.events_path, "skip-short-context")
    assert (event["provider"], event["window_tokens"], len(a.requests)) == ("a", 2000, 1)
    assert 2500 < event["needed_tokens"] < 3000


REFUSED: list[tuple[Callable[..., Exchange], str, Callable[[Any], Any]]] = [
    (Proxy.chat, "messages", lambda error: error["code"]),
    (Proxy.messages, "messages", lambda _: "context_length_exceeded"),
    (Proxy.responses, "input", lambda error: error["code"]),
]


@pytest.mark.parametrize(("ask", "field", "code"), REFUSED)
def test_where_all_are_too_small_the_client_learns_by_how_much(
    ask: Callable[..., Exchange],
    field: str,
    code: Callable[[Any], Any],
    tmp_path: Path,
    a: Provider,
    b: Provider,
) -> None:
    paid = process.provider("paid", a.base_url, paid=True)
    with serving_soundly(tmp_path, process.config([provider(a, 1000), provider(b, 2000), paid])) as served:
        refused = ask(served, **{field: LONG}).rest()
        finished = served.finished(refused.request_id)
    error = refused.json["error"]
    assert (refused.status, error["type"], code(error)) == (
        400,
        "invalid_request_error",
        "context_length_exceeded",
    )
    assert re.fullmatch(r"prompt is too long: \d+ tokens > 2000 maximum", error["message"])
    assert refused.headers["x-should-retry"] == "false"
    assert (finished["outcome"], finished["attempts"]) == ("client_error", 0)


def test_the_flag_for_the_long_context_of_claude_counts(tmp_path: Path, a: Provider) -> None:
    a.plays(whole({"type": "error", "error": {"type": "api_error", "message": "down"}}, status=500))
    claude = provider(a, kind="anthropic", model="claude-sonnet-4-5") | {
        "capabilities": {"max_context_tokens": 2000}
    }
    with serving_soundly(tmp_path, process.config([claude])) as served:
        assert served.messages(messages=LONG).rest().status == 400
        flag = {"anthropic-beta": "oauth-2025-04-20,context-1m-2025-08-07"}
        assert served.messages(flag, messages=LONG).rest().status == 502


@pytest.mark.parametrize(
    ("path", "report"),
    [
        ("/props", PROPS),
        ("/v1/models", {"data": [{"id": "a-model", "max_model_len": 2000}]}),
        ("/api/show", {"parameters": "num_ctx 2000"}),
    ],
)
@pytest.mark.parametrize("kind", ["openai_compat", "anthropic"])
def test_the_context_of_a_local_server_is_read(
    path: str, report: object, kind: str, tmp_path: Path, a: Provider, b: Provider
) -> None:
    a.reports = {path: whole(report)}
    b.plays(says.answer())
    with serving_soundly(tmp_path, process.config([provider(a, kind=kind), provider(b)])) as served:
        served.command.wait_for_output(READ.format(2000))
        assert answered_by(served) == "b"


def test_only_local_servers_without_a_declared_context_are_asked(
    tmp_path: Path, a: Provider, b: Provider, c: Provider
) -> None:
    before = (a.context_reads, b.context_reads)
    reads_of_c = c.context_reads
    providers = [provider(a, 2000), provider(b, paid=True), provider(c)]
    with serving_soundly(tmp_path, process.config(providers)):
        c.wait_for_reads(reads_of_c + 3)
    assert (a.context_reads, b.context_reads) == before


def test_a_server_that_does_not_report_delays_nothing(tmp_path: Path, a: Provider, b: Provider) -> None:
    a.reports = dict.fromkeys(("/props", "/v1/models"), (HANG,))
    a.plays(says.answer())
    dead = process.provider("dead", f"http://127.0.0.1:{free_port()}/v1")
    with serving_soundly(tmp_path, process.config([provider(a), dead])) as served:
        a.wait_for_reads(1)
        assert answered_by(served) == "a"


def test_a_server_is_asked_again_after_a_failure(tmp_path: Path, a: Provider, b: Provider) -> None:
    too_long = {"error": {"message": "the request exceeds the available context size", "code": 400}}
    a.reports = {"/props": whole({"default_generation_settings": {"n_ctx": 9000}})}
    a.plays(whole(too_long, status=400))
    b.plays(says.answer(), says.answer())
    with serving_soundly(tmp_path, process.config([provider(a), provider(b)])) as served:
        served.command.wait_for_output(READ.format(9000))
        a.reports = {"/props": whole(PROPS)}
        assert answered_by(served) == "b"
        served.command.wait_for_output(READ.format(2000))
        assert answered_by(served) == "b"
        assert skipped(served) == [("a", 2000)]


def test_a_reload_reads_again(tmp_path: Path, a: Provider, b: Provider) -> None:
    a.reports = {"/props": whole(PROPS)}
    b.plays(says.answer())
    with serving_soundly(tmp_path, process.config([provider(b)])) as served:
        process.write_config(tmp_path, process.config([provider(a), provider(b)]))
        served.command.signal(signal.SIGHUP)
        served.command.wait_for_output(READ.format(2000))
        assert answered_by(served) == "b"


def test_what_answers_report_corrects_the_estimate(tmp_path: Path, a: Provider, b: Provider) -> None:
    a.plays(with_usage(5400))
    b.plays(says.answer(), says.answer())
    config = process.config([provider(a, 4000), provider(b, 4000)])
    with serving_soundly(tmp_path, config) as served:
        assert answered_by(served) == "a"
        assert answered_by(served) == "b", "a counts twice as many tokens as estimated"
        [skip] = read(served.events_path, "skip-short-context")
        assert skip["needed_tokens"] == 5400
        counted = served.post(
            json.dumps({"model": "a", "messages": LONG}).encode(),
            {"anthropic-version": "2023-06-01"},
            "/v1/messages/count_tokens",
        ).rest()
        assert counted.json == {"input_tokens": 5400}
    with serving(tmp_path, config) as served:
        assert answered_by(served) == "b", "it is known after a restart"


def test_workers_share_what_they_learn_and_a_killed_one_loses_nothing_that_is_written(
    tmp_path: Path, a: Provider, b: Provider
) -> None:
    a.plays(always=with_usage(5400))
    b.plays(always=says.answer())
    path = tmp_path / "contexts.json"
    with serving(tmp_path, process.config([provider(a, 4000), provider(b)]), "--workers", "2") as served:
        assert answered_by(served) == "a"
        eventually(path.exists)
        for worker in workers_of(served):
            os.kill(worker, signal.SIGKILL)
        eventually(lambda: read(served.events_path, "coderouter-startup")[2:])
        eventually(lambda: answered_by(served) == "b")


def test_explain_route_and_check_config_know_the_same(tmp_path: Path, a: Provider, b: Provider) -> None:
    a.reports = {"/props": whole(PROPS)}
    b.plays(says.answer())
    events = ("--events", str(tmp_path / "events.jsonl"))
    with serving_soundly(tmp_path, process.config([provider(a), provider(b, 9000)])) as served:
        served.command.wait_for_output(READ.format(2000))
        eventually((tmp_path / "contexts.json").exists)
    (tmp_path / "request").write_text(json.dumps({"model": "m", "messages": LONG}))
    explained = json.loads(coderouter(tmp_path, "explain-route", "request", *events, "--json").stdout)
    assert [(each["provider"], each["tried"]) for each in explained["providers"]] == [
        ("a", False),
        ("b", True),
    ]
    assert re.fullmatch(
        r"skipped: the request is longer than its context: about 2,\d{3} of 2,000 tokens",
        explained["providers"][0]["remarks"][0],
    )
    assert 2500 < explained["estimated_tokens"] < 3000
    shown = json.loads(coderouter(tmp_path, "check-config", *events, "--json").stdout)
    assert {name: each["max_context_tokens"] for name, each in shown["contexts"].items()} == {
        "a": 2000,
        "b": 9000,
    }
    assert [each["from"] for each in shown["contexts"].values()] == ["its server", "declared"]
