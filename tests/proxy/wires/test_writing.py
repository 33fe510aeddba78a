import json
from typing import Any

import pytest

from coderouter_proxy.answer import Usage
from coderouter_proxy.wires.anthropic.answer_writer import AnthropicWriter
from coderouter_proxy.wires.deltas import Arguments, Delta, Signature, Stop, Text, Thinking, ToolCall
from coderouter_proxy.wires.openai.answer_writer import OpenAIWriter
from coderouter_proxy.wires.tool_names import ToolNames, short

Body = dict[str, Any]

DELTAS: list[Delta] = [
    Thinking("H"),
    Thinking("m."),
    Text("I "),
    Text("look."),
    ToolCall("call.1", "ls"),
    Arguments('{"a"'),
    Arguments(":1}"),
    ToolCall("2", "rm"),
    Text("Done."),
]
USAGE = Usage(input_tokens=10, output_tokens=3, cache_read_tokens=2, cache_creation_tokens=1)


def anthropic_writer(*names: str, thinking: bool = True) -> AnthropicWriter:
    return AnthropicWriter("msg_1", "claude-x", ToolNames(names), thinking=thinking, input_tokens=lambda: 77)


def openai_writer(*, usage_chunk: bool = True) -> OpenAIWriter:
    return OpenAIWriter("chatcmpl-1", "gpt-x", 1_700_000_000, usage_chunk=usage_chunk)


def events(raw: bytes) -> list[Body]:
    """Return the data of Anthropic events, after asserting that their names agree with it."""
    parsed = []
    for event in raw.decode().removesuffix("\n\n").split("\n\n"):
        name, data = event.split("\n")
        parsed.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {parsed[-1]['type']}"
    return parsed


def test_blocks_open_and_close_as_the_kind_changes() -> None:
    writer = anthropic_writer()
    raw = writer.begin() + writer.write(DELTAS) + writer.end(Stop("tool_use"), USAGE)
    started, *between, message_delta, stopped = events(raw)

    assert started["message"]["usage"] == {"input_tokens": 77, "output_tokens": 0}
    assert (started["message"]["id"], started["message"]["model"]) == ("msg_1", "claude-x")
    shapes = [
        (event["type"].removeprefix("content_block_"), event["index"], *_said(event)) for event in between
    ]
    assert shapes == [
        ("start", 0, {"type": "thinking", "thinking": "", "signature": ""}),
        ("delta", 0, {"type": "thinking_delta", "thinking": "H"}),
        ("delta", 0, {"type": "thinking_delta", "thinking": "m."}),
        ("stop", 0),
        ("start", 1, {"type": "text", "text": ""}),
        ("delta", 1, {"type": "text_delta", "text": "I "}),
        ("delta", 1, {"type": "text_delta", "text": "look."}),
        ("stop", 1),
        ("start", 2, {"type": "tool_use", "id": "call_1", "name": "ls", "input": {}}),
        ("delta", 2, {"type": "input_json_delta", "partial_json": '{"a"'}),
        ("delta", 2, {"type": "input_json_delta", "partial_json": ":1}"}),
        ("stop", 2),
        ("start", 3, {"type": "tool_use", "id": "2", "name": "rm", "input": {}}),
        ("stop", 3),
        ("start", 4, {"type": "text", "text": ""}),
        ("delta", 4, {"type": "text_delta", "text": "Done."}),
        ("stop", 4),
    ]
    assert message_delta["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    assert message_delta["usage"] == {
        "input_tokens": 10,
        "output_tokens": 3,
        "cache_read_input_tokens": 2,
        "cache_creation_input_tokens": 1,
    }
    assert stopped == {"type": "message_stop"}


def _said(event: Body) -> list[Body]:
    return [event[name] for name in ("content_block", "delta") if name in event]


def test_a_whole_message_has_the_same_blocks() -> None:
    message = json.loads(anthropic_writer().whole(DELTAS, Stop("stop_sequence", "END"), Usage()))
    assert message["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": ""},
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "call_1", "name": "ls", "input": {"a": 1}},
        {"type": "tool_use", "id": "2", "name": "rm", "input": {}},
        {"type": "text", "text": "Done."},
    ]
    assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", "END")
    assert message["usage"] == {"input_tokens": 77, "output_tokens": 0}


def test_thinking_is_written_only_for_a_client_that_requested_it() -> None:
    writer = anthropic_writer(thinking=False)
    deltas: list[Delta] = [Thinking("Hm."), Signature("s"), Text("Hi")]
    assert b"Hm." not in writer.write(deltas)
    assert len(json.loads(writer.whole(deltas, Stop(), Usage()))["content"]) == 1


def test_shortened_names_become_the_clients_own_again() -> None:
    long = "x" * 100
    writer = anthropic_writer(long)
    assert f'"name":"{long}"'.encode() in writer.write([ToolCall("1", short(long))])


def test_chunks_of_openai() -> None:
    writer = openai_writer()
    raw = writer.begin() + writer.write(DELTAS) + writer.end(Stop("tool_use"), USAGE)
    *lines, done = raw.decode().removesuffix("\n\n").split("\n\n")
    assert done == "data: [DONE]"
    first, *between, last, usage = [json.loads(line.removeprefix("data: ")) for line in lines]

    assert {key: first[key] for key in ("id", "object", "created", "model")} == {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "gpt-x",
    }
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}

    def function(index: int, arguments: str, **more: object) -> Body:
        named = {"name": more.pop("name"), "arguments": arguments} if more else {"arguments": arguments}
        return {"tool_calls": [{"index": index, **more, "function": named}]}

    assert [chunk["choices"][0]["delta"] for chunk in between] == [
        {"reasoning_content": "H"},
        {"reasoning_content": "m."},
        {"content": "I "},
        {"content": "look."},
        function(0, "", id="call.1", type="function", name="ls"),
        function(0, '{"a"'),
        function(0, ":1}"),
        function(1, "", id="2", type="function", name="rm"),
        {"content": "Done."},
    ]
    assert last["choices"][0]["finish_reason"] == "tool_calls"
    assert usage["choices"] == []
    assert usage["usage"] == {
        "prompt_tokens": 13,
        "completion_tokens": 3,
        "total_tokens": 16,
        "prompt_tokens_details": {"cached_tokens": 2},
    }


def test_usage_is_a_chunk_only_for_a_client_that_requested_it() -> None:
    assert b'"usage"' not in openai_writer(usage_chunk=False).end(Stop(), USAGE)


def test_a_whole_completion() -> None:
    completion = json.loads(openai_writer().whole(DELTAS, Stop("max_tokens"), USAGE))
    [choice] = completion["choices"]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["content"] == "I look.Done."
    assert choice["message"]["reasoning_content"] == "Hm."
    functions = [call["function"] for call in choice["message"]["tool_calls"]]
    assert functions == [{"name": "ls", "arguments": '{"a":1}'}, {"name": "rm", "arguments": "{}"}]
    assert completion["usage"]["total_tokens"] == 16


@pytest.mark.parametrize(
    ("reason", "finish_reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("something new", "stop"),
        (None, "stop"),
    ],
)
def test_stop_reasons(reason: str | None, finish_reason: str) -> None:
    completion = json.loads(openai_writer().whole([], Stop(reason), Usage()))
    assert completion["choices"][0]["finish_reason"] == finish_reason
    assert completion["choices"][0]["message"]["content"] == ""
