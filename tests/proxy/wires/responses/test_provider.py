"""A provider that speaks Responses itself, with a client of each wire."""

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.wires.conftest import Side
from support.proxy import responses_answers as answers
from support.proxy.client import Response
from support.proxy.client_view import Client, event_data
from support.proxy.process import Proxy
from support.proxy.responses_view import checked_response, checked_stream
from support.proxy.upstream import CUT, stream, whole

Body = dict[str, Any]

DATA = Path(__file__).parent / "data"
WEATHER = {"name": "weather", "input_schema": {"type": "object", "properties": {"city": {}}}}
FUNCTION = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}
HELLO = {"role": "user", "content": "Say hello."}
CALLS = [("call_1", "weather", {"city": "Ōsaka"}), ("call_2", "weather", {})]


def body_of(script: tuple[Any, ...]) -> bytes:
    data = script[-1]
    assert isinstance(data, bytes)
    return data


def recorded(name: str) -> list[bytes]:
    """Return the events of an answer that codex, the AI SDK and openai-agents accept."""
    lines = (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [f"event: {json.loads(line)['type']}\ndata: {line}\n\n".encode() for line in lines]


def posted(wires: Proxy, side: Side, **body: object) -> Response:
    return wires.responses(side.header, **body).rest()


def test_text_reaches_a_client_of_each_wire(wires: Proxy, r: Side, client: Client) -> None:
    r.provider.plays(answers.streamed("Hel", "lo."))
    response = client.stream(wires, r.header).rest()
    assert client.text(response.body) == "Hello."
    assert client.is_complete(response.body)
    finished = wires.finished(response.request_id)
    tokens = (finished["input_tokens"], finished["cache_read_tokens"], finished["output_tokens"])
    assert (finished["outcome"], finished["stop_reason"], *tokens) == ("ok", "completed", 10, 2, 3)


def test_calls_reach_a_client_of_each_wire(wires: Proxy, r: Side, client: Client) -> None:
    r.provider.plays(answers.streamed_calling(*CALLS))
    raw = client.stream(wires, r.header, tools=[WEATHER]).rest().body
    assert client.calls(raw) == [("weather", {"city": "Ōsaka"}), ("weather", {})]
    assert client.is_complete(raw)


@pytest.mark.parametrize("name", ["function_call", "custom_tool_call"])
def test_recorded_answers_reach_a_client_of_each_wire(
    name: str, wires: Proxy, r: Side, client: Client
) -> None:
    r.provider.plays(stream(*recorded(name)))
    raw = client.stream(wires, r.header).rest().body
    assert client.text(raw) == "Let me look."
    assert client.is_complete(raw)


def test_calls_in_parallel_are_put_in_sequence(wires: Proxy, r: Side, client: Client) -> None:
    event = answers.Writer()
    items = [answers.call(*call) for call in CALLS]
    parts = [list(answers.item_events(event, index, item)) for index, item in enumerate(items)]
    mixed = [part for pair in zip(*(each[:3] for each in parts), strict=True) for part in pair]
    mixed += [part for each in parts for part in each[3:]]
    r.provider.plays(stream(*answers.begun(answers.Writer()), *mixed, answers.events(*items)[-1]))
    raw = client.stream(wires, r.header, tools=[WEATHER]).rest().body
    assert client.calls(raw) == [("weather", {"city": "Ōsaka"}), ("weather", {})]


@pytest.mark.parametrize("name", ["function_call", "custom_tool_call"])
def test_a_sound_stream_passes_byte_by_byte(name: str, wires: Proxy, r: Side) -> None:
    raw = b"".join(recorded(name))
    r.provider.plays(stream(raw))
    assert posted(wires, r, stream=True).body == raw


def test_a_sound_whole_answer_passes_byte_by_byte(wires: Proxy, r: Side) -> None:
    script = answers.answer("Hi.")
    r.provider.plays(script)
    assert posted(wires, r).body == body_of(script)


def test_a_request_passes_with_the_model_of_the_provider(wires: Proxy, r: Side) -> None:
    r.provider.plays(answers.answer())
    sent = {
        "input": [HELLO],
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "metadata": {"a": "b"},
    }
    posted(wires, r, **sent)
    assert r.provider.request.json == {**sent, "model": "r-model"}
    assert r.provider.request.path == "/r/v1/responses"


LESS: dict[str, Any] = {
    "no sequence numbers": lambda event: {k: v for k, v in event.items() if k != "sequence_number"},
    "objects with few fields": lambda event: (
        {**event, "response": {k: event["response"][k] for k in ("id", "status", "output", "usage")}}
        if "response" in event
        else event
    ),
    "no parts": lambda event: event if "part" not in event["type"] else None,
    "no deltas": lambda event: event if "delta" not in event["type"] else None,
    "no ends": lambda event: event if ".done" not in event["type"] else None,
    "only the end": lambda event: event if "completed" in event["type"] else None,
    "no item ids": lambda event: {k: v for k, v in event.items() if k != "item_id"},
    "no usage": lambda event: (
        {**event, "response": {**event["response"], "usage": None}} if "response" in event else event
    ),
}


@pytest.mark.parametrize("less", LESS)
def test_what_a_server_leaves_out_no_client_lacks(less: str, wires: Proxy, r: Side, client: Client) -> None:
    items = [answers.reasoning("Hm.", None), answers.message("Look."), answers.call(*CALLS[0])]
    given = [json.loads(event.split(b"data: ")[1]) for event in answers.events(*items)]
    kept = [event for each in given if (event := LESS[less](each)) is not None]
    r.provider.plays(stream(*(b"data: %b\n\n" % json.dumps(event).encode() for event in kept)))
    raw = client.stream(wires, r.header, tools=[WEATHER]).rest().body
    assert client.text(raw) == "Look."
    assert client.calls(raw) == [("weather", {"city": "Ōsaka"})]
    assert client.is_complete(raw)


def test_usage_without_details_is_completed(wires: Proxy, r: Side) -> None:
    usage = {"input_tokens": 12, "input_tokens_details": {}, "output_tokens": 3}
    message = answers.message("Hi.")
    r.provider.plays(stream(*answers.events(message, usage=usage)), answers.answer(usage=usage))
    streamed = checked_stream(posted(wires, r, stream=True).body)
    assert streamed["usage"]["input_tokens_details"]["cached_tokens"] == 0
    assert checked_response(posted(wires, r).json)["usage"]["total_tokens"] == 15


def test_a_stream_that_was_not_requested_becomes_a_whole_answer(wires: Proxy, r: Side) -> None:
    r.provider.plays(answers.streamed_thoughtful("Hm.", "Hi."), answers.streamed_thoughtful("Hm.", "Hi."))
    thought, said = checked_response(posted(wires, r).json)["output"]
    assert (thought["type"], said["content"][0]["text"]) == ("reasoning", "Hi.")
    assert wires.chat(r.header).rest().json["choices"][0]["message"]["content"] == "Hi."


def test_a_whole_answer_becomes_a_stream(wires: Proxy, r: Side, client: Client) -> None:
    r.provider.plays(whole(answers.response(answers.reasoning("Hm."), answers.message("Hi."))))
    raw = client.stream(wires, r.header).rest().body
    assert client.text(raw) == "Hi."
    assert client.is_complete(raw)


def test_a_failed_response_before_any_content_is_a_failure_of_the_provider(wires: Proxy, r: Side) -> None:
    error = {"code": "rate_limit_exceeded", "message": "Please try again in 2s"}
    [*_, failed] = answers.events(status="failed", error=error)
    begun = answers.begun(answers.Writer())
    r.provider.plays(stream(*begun, failed), whole(answers.response(status="failed", error=error)))
    for streamed in (True, False):
        response = posted(wires, r, stream=streamed)
        assert (response.status, response.json["error"]["code"]) == (429, "rate_limit_exceeded")
        assert response.headers["retry-after"] == "2"


def test_a_stream_that_breaks_ends_in_a_failed_response(wires: Proxy, r: Side, client: Client) -> None:
    steps = answers.streamed("Hel", CUT)
    r.provider.plays(steps)
    response = client.stream(wires, r.header).rest()
    assert client.text(response.body) == "Hel"
    assert (client.error(response.body) or "").startswith("responses failed")
    assert wires.finished(response.request_id)["outcome"] == "midstream"


def test_an_incomplete_answer_is_reported_as_that(wires: Proxy, r: Side) -> None:
    r.provider.plays(always=answers.streamed_items(answers.message("Hi."), status="incomplete"))
    chat = event_data(wires.chat(r.header, stream=True).rest().body)
    assert [each["choices"][0]["finish_reason"] for each in chat[:-1] if each["choices"]][-1] == "length"
    messages = event_data(wires.messages(r.header, stream=True).rest().body)
    assert messages[-2]["delta"]["stop_reason"] == "max_tokens"
    assert checked_stream(posted(wires, r, stream=True).body)["status"] == "incomplete"


def test_tool_calls_written_as_text_are_repaired(wires: Proxy, r: Side, client: Client) -> None:
    text = '<tool_call>\n{"name": "weather", "arguments": {"city": "Kyōto"}}\n</tool_call>'
    r.provider.plays(answers.streamed(*(text[at : at + 7] for at in range(0, len(text), 7))))
    raw = client.stream(wires, r.header, tools=[WEATHER]).rest().body
    assert client.calls(raw) == [("weather", {"city": "Kyōto"})]
    assert client.is_complete(raw)


def test_output_filters_are_applied(wires: Proxy, r: Side, client: Client) -> None:
    r.provider.plays(answers.streamed("<think>Hm.", "</think>Hi."))
    raw = client.stream(wires, r.profile("filtered-")).rest().body
    assert client.text(raw).strip() == "Hi."
    assert client.is_complete(raw)


CODEX_TOOLS: list[Body] = [
    {"type": "custom", "name": "apply_patch", "format": {"type": "text"}},
    {
        "type": "namespace",
        "name": "mcp__calc",
        "description": "",
        "tools": [{"type": "function", "name": "add"}],
    },
    {"type": "web_search"},
]


def test_tools_that_only_openai_knows_are_functions_and_come_back_as_what_they_are(
    wires: Proxy, r: Side
) -> None:
    made: list[answers.Call] = [("c1", "apply_patch", {"input": "x\n"}), ("c2", "mcp__calc__add", {"a": 1})]
    r.provider.plays(answers.streamed_calling(*made), answers.streamed())
    response = posted(wires, r, tools=CODEX_TOOLS, input=[HELLO], stream=True)

    patch, add = checked_stream(response.body)["output"]
    assert (patch["type"], patch["input"]) == ("custom_tool_call", "x\n")
    assert (add["name"], add["namespace"]) == ("add", "mcp__calc")
    sent = r.provider.request.json["tools"]
    assert [(tool["type"], tool["name"]) for tool in sent] == [
        ("function", "apply_patch"),
        ("function", "mcp__calc__add"),
    ]
    [degraded] = [each for each in wires.story(response.request_id) if each["msg"] == "capability-degraded"]
    assert degraded["dropped"] == ["web_search"]

    results = [
        {"type": "custom_tool_call_output", "call_id": "c1", "output": "done"},
        {"type": "function_call_output", "call_id": "c2", "output": "1"},
    ]
    posted(wires, r, tools=CODEX_TOOLS, input=[HELLO, patch, add, *results], stream=True)
    _, *items = r.provider.request.json["input"]
    assert [(item["type"], item["call_id"]) for item in items] == [
        ("function_call", "c1"),
        ("function_call", "c2"),
        ("function_call_output", "c1"),
        ("function_call_output", "c2"),
    ]
    assert json.loads(items[0]["arguments"]) == {"input": "x\n"}
    assert items[1]["name"] == "mcp__calc__add"


def test_a_request_of_another_wire_is_written_on_this_one(wires: Proxy, r: Side) -> None:
    r.provider.plays(answers.answer())
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    messages = [
        {"role": "system", "content": "Be brief."},
        HELLO,
        {"role": "assistant", "content": "Look.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
    ]
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    more: Body = {
        "max_tokens": 9,
        "stop": ["x"],
        "tool_choice": "required",
        "response_format": {"type": "json_object"},
    }
    response = wires.chat(r.header, messages=messages, tools=[tool], **more).rest()
    sent = r.provider.request.json
    assert sent["instructions"] == "Be brief."
    assert sent["input"] == [
        {"type": "message", **HELLO},
        {"type": "message", "role": "assistant", "content": "Look."},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "sunny"},
    ]
    assert sent["tools"] == [FUNCTION]
    fields = (sent["max_output_tokens"], sent["tool_choice"], sent["text"])
    assert fields == (9, "required", {"format": {"type": "json_object"}})
    assert sent["store"] is False
    [degraded] = [each for each in wires.story(response.request_id) if each["msg"] == "capability-degraded"]
    assert degraded["dropped"] == ["stop_sequences"]


def test_a_stream_without_whole_items_is_collected(wires: Proxy, r: Side) -> None:
    r.provider.plays(stream(answers.text("Hel"), answers.text("lo"), answers.ended()))
    response = posted(wires, r)
    assert [part["text"] for part in checked_response(response.json)["output"][0]["content"]] == ["Hello"]


def test_calls_with_the_same_id_get_different_ones(wires: Proxy, r: Side) -> None:
    r.provider.plays(answers.streamed_calling(*[("call_1", name, {}) for name in ("weather", "other")]))
    answer = wires.chat(r.header, tools=[{"type": "function", "function": FUNCTION}]).rest().json
    calls = answer["choices"][0]["message"]["tool_calls"]
    assert [call["function"]["name"] for call in calls] == ["weather", "other"]
    assert calls[0]["id"] != calls[1]["id"]
