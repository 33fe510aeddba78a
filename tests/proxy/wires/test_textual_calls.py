"""Tool calls that a model writes as text become tool calls on the client's wire."""

import json
from typing import Any

import pytest

from coderouter_proxy.wires.tool_names import short
from proxy.wires.conftest import Side
from support.proxy import openai_answers as openai
from support.proxy.claude_code import LONG_TOOL
from support.proxy.client_view import AnthropicClient, Client, OpenAIClient
from support.proxy.process import Proxy
from support.proxy.upstream import Script, stream

NAMES = ("read", "write", LONG_TOOL)
TOOLS = [{"name": name, "input_schema": {"type": "object"}} for name in NAMES]
READ = '{"name": "read", "arguments": {"path": "/a"}}'
WRITE = '<tool_call>{"name": "write", "arguments": {"path": "/b"}}</tool_call>'
UNKNOWN = '{"name": "rm", "arguments": {"path": "/a"}}'


def streamed_text(*texts: str, reasoning: str = "") -> Script:
    """Return a stream of the texts, four characters at a time."""
    pieces = [text[cut : cut + 4] for text in texts for cut in range(0, len(text), 4)]
    thoughts = [openai.chunk({"reasoning_content": reasoning})] if reasoning else []
    return stream(
        openai.ROLE, *thoughts, *map(openai.text, pieces), openai.STOP, openai.USAGE_CHUNK, openai.DONE
    )


def repaired(wires: Proxy, request_id: str) -> list[int]:
    return [event["count"] for event in wires.story(request_id) if event["msg"] == "tool-call-repaired"]


def test_calls_between_text_become_tool_calls_in_a_stream(wires: Proxy, o: Side, client: Client) -> None:
    o.provider.plays(streamed_text("I look.\n\n", READ, "\n", WRITE, "\nDone."))

    response = client.stream(wires, o.header, tools=TOOLS).rest()

    assert client.calls(response.body) == [("read", {"path": "/a"}), ("write", {"path": "/b"})]
    assert client.text(response.body).split() == ["I", "look.", "Done."]
    assert client.is_complete(response.body)
    reported = {
        "openai": b'"finish_reason":"tool_calls"',
        "anthropic": b'"tool_use"',
        "responses": b'"completed"',
    }
    assert reported[client.name] in response.body
    assert repaired(wires, response.request_id) == [2]


def test_a_call_after_thinking_becomes_a_tool_call(wires: Proxy, o: Side, client: Client) -> None:
    o.provider.plays(streamed_text(READ, reasoning="Hm."))
    body: dict[str, Any] = {"thinking": {"type": "adaptive"}} if isinstance(client, AnthropicClient) else {}

    response = client.stream(wires, o.header, tools=TOOLS, **body).rest()

    assert client.calls(response.body) == [("read", {"path": "/a"})]
    assert b"Hm." in response.body
    assert repaired(wires, response.request_id) == [1]


def test_a_call_after_a_real_tool_call_becomes_the_next_one(wires: Proxy, o: Side, client: Client) -> None:
    real = [openai.call_chunk(0, "", "call_1", "write"), openai.call_chunk(0, '{"path": "/b"}')]
    o.provider.plays(stream(openai.text("So:\n"), *real, openai.text(READ), openai.STOP, openai.DONE))

    response = client.stream(wires, o.header, tools=TOOLS).rest()

    assert client.calls(response.body) == [("write", {"path": "/b"}), ("read", {"path": "/a"})]
    assert repaired(wires, response.request_id) == [1]


def test_a_call_by_a_shortened_name_has_the_clients_name(wires: Proxy, o: Side) -> None:
    client = AnthropicClient()
    call = json.dumps({"name": short(LONG_TOOL), "arguments": {"q": 1}})
    o.provider.plays(streamed_text(call))
    response = client.stream(wires, o.header, tools=TOOLS).rest()
    assert client.calls(response.body) == [(LONG_TOOL, {"q": 1})]


@pytest.mark.parametrize("tools", [TOOLS, []], ids=["another name", "no tools"])
def test_a_call_of_an_unknown_tool_stays_text(
    tools: list[dict[str, Any]], wires: Proxy, o: Side, client: Client
) -> None:
    text = UNKNOWN if tools else READ
    o.provider.plays(streamed_text(text))
    response = client.stream(wires, o.header, tools=tools).rest()
    assert client.text(response.body) == text
    assert client.calls(response.body) == []
    assert repaired(wires, response.request_id) == []


def test_whole_answers_are_repaired_as_well(wires: Proxy, o: Side) -> None:
    o.provider.plays(openai.answer(f"I look.\n{READ}"), openai.answer(f"I look.\n{READ}"))

    message = wires.messages(o.header, tools=TOOLS).rest()
    text, use = message.json["content"]
    assert (text["text"].strip(), use["name"], use["input"]) == ("I look.", "read", {"path": "/a"})
    assert message.json["stop_reason"] == "tool_use"

    functions = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in NAMES]
    completion = wires.chat(o.header, tools=functions).rest()
    [choice] = completion.json["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == "I look."
    [call] = choice["message"]["tool_calls"]
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == ("read", {"path": "/a"})
    for response in (message, completion):
        assert repaired(wires, response.headers["request-id"]) == [1]


def test_text_that_cannot_become_a_call_is_not_held_back(wires: Proxy, o: Side) -> None:
    o.provider.plays(streamed_text("Plain words, {not} a call."))
    response = OpenAIClient().stream(wires, o.header, tools=TOOLS).rest()
    assert OpenAIClient().text(response.body) == "Plain words, {not} a call."
