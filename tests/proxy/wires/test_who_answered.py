"""Who answered is in headers of every answer, in the model that it names, and its tool calls are counted."""

import re
from typing import Any

import pytest

from coderouter_proxy.ingress import who_answered
from proxy.wires.conftest import KINDS, Side
from support.proxy import anthropic_answers, openai_answers
from support.proxy.client import Response
from support.proxy.client_view import Client
from support.proxy.process import Proxy

CALLS: tuple[tuple[str, str, dict[str, Any]], ...] = (("c1", "read", {"a": 1}), ("c2", "read", {"a": 2}))
WIRES = {"openai": Proxy.chat, "anthropic": Proxy.messages, "responses": Proxy.responses}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
TOOLS: dict[str, Any] = {
    "openai": [{"type": "function", "function": {"name": "read", "parameters": SCHEMA}}],
    "anthropic": [{"name": "read", "input_schema": SCHEMA}],
    "responses": [{"type": "function", "name": "read", "parameters": SCHEMA}],
}
MODELS = {"openai": openai_answers.MODEL, "anthropic": anthropic_answers.MODEL}
TEXTUAL = '<tool_call>{"name": "read", "arguments": {"a": 1}}</tool_call>'


def answered(proxy: Proxy, client: Client, headers: dict[str, str], **body: Any) -> Response:
    return WIRES[client.name](proxy, headers, tools=TOOLS[client.name], **body).rest()


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_headers_the_model_and_the_calls(
    streamed: bool, client: Client, each_side: Side, wires: Proxy
) -> None:
    calling = each_side.says.streamed_calling if streamed else each_side.says.calling
    each_side.provider.plays(calling(*CALLS))

    response = answered(wires, client, each_side.header, stream=streamed)

    model = KINDS[each_side.name][2]
    said = {name: value for name, value in response.headers.items() if name.startswith("x-coderouter-")}
    assert said == {
        "x-coderouter-provider": each_side.name,
        "x-coderouter-model": model,
        "x-coderouter-attempts": "1",
        "x-coderouter-profile": each_side.name,
    }
    passed = client.name == each_side.name != "responses"  # which is written again where calls may be text
    named = set(re.findall(r'"model": ?"([^"]+)"', response.body.decode()))
    assert named == {MODELS[each_side.name] if passed else model}
    finished = wires.finished(response.request_id)
    assert (finished["tool_calls"], finished["had_tools"]) == (2, True)


def test_an_answer_with_thinking_names_the_model_of_the_request_on_the_wire_of_claude_code(
    wires: Proxy, o: Side
) -> None:
    o.provider.plays(o.says.answer())
    response = wires.messages(o.header, model="claude-x", thinking={"type": "adaptive"}).rest()
    assert (response.json["model"], response.headers["x-coderouter-model"]) == ("claude-x", "o-model")


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_call_that_was_text_counts(streamed: bool, client: Client, o: Side, wires: Proxy) -> None:
    o.provider.plays(o.says.streamed(TEXTUAL) if streamed else o.says.answer(TEXTUAL))
    response = answered(wires, client, o.header, stream=streamed)
    assert wires.finished(response.request_id)["tool_calls"] == 1


def test_an_answer_without_calls_counts_none(client: Client, each_side: Side, wires: Proxy) -> None:
    each_side.provider.plays(each_side.says.streamed("Hello."))
    response = answered(wires, client, each_side.header, stream=True)
    assert wires.finished(response.request_id)["tool_calls"] == 0


def test_an_error_says_how_many_were_tried_and_names_none(
    client: Client, o: Side, n: Side, wires: Proxy
) -> None:
    for side in (o, n):
        side.provider.plays(always=side.says.error("busy", 503))
    response = answered(wires, client, {"X-CodeRouter-Profile": "both-openai"})
    assert response.status >= 500
    assert response.headers["x-coderouter-attempts"] == "2"
    assert response.headers["x-coderouter-profile"] == "both-openai"
    assert "x-coderouter-provider" not in response.headers
    refused = answered(wires, client, {"X-CodeRouter-Profile": "none"})
    assert (refused.headers["x-coderouter-attempts"], "x-coderouter-profile" in refused.headers) == (
        "0",
        False,
    )


def test_the_provider_that_answered_is_named_after_a_fallback(
    client: Client, o: Side, n: Side, wires: Proxy
) -> None:
    o.provider.plays(o.says.error("busy", 503))
    n.provider.plays(n.says.answer())
    response = answered(wires, client, {"X-CodeRouter-Profile": "both-openai"})
    assert response.headers["x-coderouter-provider"] == "anthropic"
    assert response.headers["x-coderouter-attempts"] == "2"


def test_a_model_that_is_listed_chooses_its_profile_or_provider(wires: Proxy, n: Side, o: Side) -> None:
    o.provider.plays(always=o.says.answer())
    n.provider.plays(always=n.says.answer())
    listed = [
        each["id"] for each in wires.get("/v1/models", {"anthropic-version": "2023-06-01"}).json["data"]
    ]
    for model, profile, provider in (
        ("anthropic", "anthropic", "anthropic"),
        ("both-anthropic", "both-anthropic", "anthropic"),
        ("claude-plain-openai", "plain-openai", "plain-openai"),
    ):
        assert model in listed
        response = wires.chat(model=model).rest()
        assert response.headers["x-coderouter-profile"] == profile
        assert response.headers["x-coderouter-provider"] == provider
        assert wires.get(f"/v1/models/{model}").json["id"] == model
    assert wires.chat(model="any").rest().headers["x-coderouter-provider"] == "openai"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ollama", b"ollama"),
        ("qwen2.5-coder:7b", b"qwen2.5-coder:7b"),
        ("a b\r\nx: y", b"a b%0D%0Ax: y"),
        ("ラマ", b"%E3%83%A9%E3%83%9E"),
        ("\x00\x7f", b"%00%7F"),
        ("x" * 999, b"x" * who_answered.VALUE_CHARS_MAX),
    ],
)
def test_a_name_never_breaks_the_headers(name: str, value: bytes) -> None:
    assert who_answered.value(name) == value
