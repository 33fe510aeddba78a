from typing import Any

import pytest

from coderouter_proxy.wires.anthropic.answer_reader import AnthropicReader
from coderouter_proxy.wires.deltas import (
    Arguments,
    Delta,
    Opaque,
    Reader,
    Signature,
    Stop,
    Text,
    Thinking,
    ToolCall,
)
from coderouter_proxy.wires.openai.answer_reader import OpenAIReader
from support.proxy.deltas import joined

Body = dict[str, Any]


def read(reader: Reader, *chunks: Body) -> list[Delta]:
    return joined([delta for chunk in chunks for delta in reader.read(chunk)] + reader.end())


def chunk(finish_reason: str | None = None, **delta: object) -> Body:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


def part(arguments: object = None, name: str | None = None, **more: object) -> Body:
    function = {"name": name} if name else {}
    return {**more, "function": {**function, **({} if arguments is None else {"arguments": arguments})}}


def calls(*parts: Body) -> Body:
    return chunk(tool_calls=list(parts))


LS: list[Delta] = [ToolCall("1", "ls"), Arguments('{"a":1}')]
RM: list[Delta] = [ToolCall("2", "rm"), Arguments('{"b":[2]}')]
ENDED = chunk("tool_calls")

TOOL_STREAMS: dict[str, tuple[list[Body], list[Delta]]] = {
    "as OpenAI does": (
        [calls(part("", "ls", index=0, id="1")), calls(part('{"a"', index=0)), calls(part(":1}", index=0))],
        LS,
    ),
    "one after the other": (
        [
            calls(part("", "ls", index=0, id="1")),
            calls(part('{"a":1}', index=0)),
            calls(part("", "rm", index=1, id="2")),
            calls(part('{"b":[2]}', index=1)),
        ],
        LS + RM,
    ),
    "all in one chunk": (
        [calls(part('{"a":1}', "ls", index=0, id="1"), part('{"b":[2]}', "rm", index=1, id="2"))],
        LS + RM,
    ),
    "interleaved": (
        [
            calls(part("", "ls", index=0, id="1"), part("", "rm", index=1, id="2")),
            calls(part('{"b":', index=1)),
            calls(part('{"a":', index=0)),
            calls(part("[2]}", index=1)),
            calls(part("1}", index=0)),
        ],
        LS + RM,
    ),
    "the second one first": (
        [calls(part('{"b":[2]}', "rm", index=1, id="2")), calls(part('{"a":1}', "ls", index=0, id="1"))],
        RM + LS,
    ),
    "without index": (
        [
            calls(part('{"a"', "ls", id="1")),
            calls(part(":1}")),
            calls(part('{"b":', "rm", id="2")),
            calls(part("[2]}", id="2")),
        ],
        LS + RM,
    ),
    "with index 0 for every call": (
        [
            calls(part("", "ls", index=0, id="1")),
            calls(part('{"a":1}', index=0)),
            calls(part("", "rm", index=0, id="2")),
            calls(part('{"b":', index=0)),
            calls(part("[2]}", index=0)),
        ],
        LS + RM,
    ),
    "cumulative arguments": (
        [
            calls(part('{"a', "ls", index=0, id="1")),
            calls(part('{"a":', index=0)),
            calls(part('{"a":1}', index=0)),
            calls(part('{"a":1}', index=0)),
        ],
        LS,
    ),
    "arguments as an object": ([calls(part({"a": 1}, "ls", index=0, id="1"))], LS),
    "id and name in every chunk": (
        [calls(part('{"a"', "ls", index=0, id="1")), calls(part(":1}", "ls", index=0, id="1"))],
        LS,
    ),
    "the name after the arguments": (
        [calls(part('{"a":', index=0, id="1")), calls(part("1}", "ls", index=0))],
        LS,
    ),
    "no arguments": ([calls(part(None, "ls", index=0, id="1"))], [ToolCall("1", "ls")]),
    "words before": (
        [chunk(content="I look."), calls(part('{"a":1}', "ls", index=0, id="1"))],
        [Text("I look."), *LS],
    ),
    "words amid the arguments": (
        [
            calls(part('{"a":', "ls", index=0, id="1")),
            chunk(content="Wait"),
            calls(part("1}", index=0)),
            chunk(content=" for it."),
        ],
        [*LS, Text("Wait for it.")],
    ),
    "more after words that followed a complete call": (
        [
            calls(part('{"a":1}', "ls", index=0, id="1")),
            chunk(content="Done."),
            calls(part("\n", index=0)),
            calls(part('{"b":[2]}', "rm", index=1, id="2")),
        ],
        [*LS, Text("Done."), *RM],
    ),
    "without a name": ([calls(part('{"a":1}', index=0, id="1"))], []),
    "no calls": ([chunk(tool_calls=[], content="Hi"), chunk(tool_calls=None)], [Text("Hi")]),
}


@pytest.mark.parametrize(("chunks", "deltas"), TOOL_STREAMS.values(), ids=TOOL_STREAMS)
def test_tool_calls_of_any_server_are_read_one_after_another(chunks: list[Body], deltas: list[Delta]) -> None:
    reader = OpenAIReader()
    assert read(reader, *chunks, ENDED) == deltas
    has_called = any(isinstance(delta, ToolCall) for delta in deltas)
    assert reader.stop.reason == ("tool_use" if has_called else "end_turn")


def test_calls_without_ids_get_new_ids() -> None:
    reader = OpenAIReader()
    chunks = [calls(part('{"a":1}', "ls")), calls(part('{"a":1}', "ls"))]
    first, _, second, _ = read(reader, *chunks)
    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert (first.name, second.name) == ("ls", "ls")
    assert first.id != second.id
    assert first.id.startswith("call_")


def test_the_first_of_two_interleaved_calls_is_read_live() -> None:
    reader = OpenAIReader()
    reader.read(calls(part("", "ls", index=0, id="1"), part("", "rm", index=1, id="2")))
    assert reader.read(calls(part('{"a":', index=0))) == [Arguments('{"a":')]
    assert reader.read(calls(part('{"b":', index=1))) == []


def test_a_function_call_of_the_old_api_is_a_call() -> None:
    chunks = [
        chunk(function_call={"name": "ls", "arguments": '{"a":'}),
        chunk(function_call={"arguments": "1}"}),
    ]
    [call, arguments] = read(OpenAIReader(), *chunks, chunk("function_call"))
    assert isinstance(call, ToolCall)
    assert arguments == Arguments('{"a":1}')


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_under_either_name_is_thinking_and_comes_first(field: str) -> None:
    both: Body = {field: "Hm.", "content": "Hi"}
    assert read(OpenAIReader(), chunk(**both)) == [Thinking("Hm."), Text("Hi")]


def test_a_refusal_is_text() -> None:
    assert read(OpenAIReader(), chunk(refusal="I will not.")) == [Text("I will not.")]


@pytest.mark.parametrize(
    ("reason", "more", "stop"),
    [
        ("stop", {}, Stop("end_turn")),
        ("length", {}, Stop("max_tokens")),
        ("content_filter", {}, Stop("content_filter")),
        ("something new", {}, Stop("end_turn")),
        ("stop", {"stop_reason": "END"}, Stop("stop_sequence", "END")),
        ("stop", {"stop_reason": 128009}, Stop("end_turn")),
        (["odd"], {}, Stop(None)),
    ],
)
def test_finish_reasons(reason: Any, more: Body, stop: Stop) -> None:
    reader = OpenAIReader()
    ended = chunk(reason, content="Hi")
    ended["choices"][0] |= more
    read(reader, ended)
    assert reader.stop == stop


@pytest.mark.parametrize(("reason", "stop"), [("stop", "tool_use"), ("length", "max_tokens")])
def test_tool_calls_override_the_stop_reason_unless_the_answer_was_truncated(reason: str, stop: str) -> None:
    reader = OpenAIReader()
    read(reader, calls(part('{"a', "ls", index=0, id="1")), chunk(reason))
    assert reader.stop.reason == stop


def test_only_the_first_of_several_answers_is_read() -> None:
    second = {"choices": [{"index": 1, "delta": {"content": "other"}, "finish_reason": "length"}]}
    reader = OpenAIReader()
    assert read(reader, chunk(content="Hi"), second) == [Text("Hi")]
    assert reader.stop.reason is None


def test_the_only_answer_is_read_whatever_its_number() -> None:
    choice = {"index": 1, "delta": {"role": "assistant", "content": "Hi"}, "finish_reason": "length"}
    reader = OpenAIReader()
    assert read(reader, {"choices": [choice]}) == [Text("Hi")]
    assert reader.stop.reason == "max_tokens"
    whole = {"index": 1, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    assert read(OpenAIReader(), {"choices": [whole]}) == [Text("Hi")]


def test_a_stop_behind_the_reason_does_not_count() -> None:
    reader = OpenAIReader()
    read(reader, chunk("length", content="Hi"), chunk("stop"))
    assert reader.stop.reason == "max_tokens"


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"choices": None},
        {"choices": ["x"]},
        chunk(content=5),
        chunk(content=[{"type": "text"}, 5, {"text": ""}]),
        chunk(tool_calls=["x", {"function": "x"}, {"index": [], "function": {"name": 5}}]),
        chunk(tool_calls={"index": 0}),
        chunk(reasoning=5, refusal=[]),
    ],
)
def test_invalid_chunks_are_read_as_nothing(odd: Body) -> None:
    assert read(OpenAIReader(), odd) == []


def test_content_in_parts_is_text() -> None:
    assert read(OpenAIReader(), chunk(content=[{"type": "text", "text": "H"}, "i"])) == [Text("Hi")]


def block(index: int, start: Body, *deltas: Body) -> list[Body]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def json_delta(piece: str) -> Body:
    return {"type": "input_json_delta", "partial_json": piece}


MESSAGE = [
    {"type": "message_start", "message": {}},
    *block(
        0,
        {"type": "thinking", "thinking": ""},
        {"type": "thinking_delta", "thinking": "Hm."},
        {"type": "signature_delta", "signature": "s"},
    ),
    {"type": "ping"},
    *block(1, {"type": "text", "text": ""}, {"type": "text_delta", "text": "I look."}),
    *block(2, {"type": "server_tool_use", "id": "9", "name": "web_search"}, json_delta('{"q":1}')),
    *block(3, {"type": "web_search_tool_result", "content": []}),
    *block(
        4, {"type": "tool_use", "id": "1", "name": "ls", "input": {}}, json_delta(""), json_delta('{"a":1}')
    ),
    *block(5, {"type": "tool_use", "id": "2", "name": "rm", "input": {}}, json_delta("")),
    {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}},
    {"type": "message_stop"},
]


def test_a_stream_of_anthropic_is_read_without_server_side_tools() -> None:
    reader = AnthropicReader()
    assert read(reader, *MESSAGE) == [
        Thinking("Hm."),
        Signature("s"),
        Text("I look."),
        *LS,
        ToolCall("2", "rm"),
        Arguments("{}"),
    ]
    assert reader.stop == Stop("tool_use", None)


def test_tool_calls_override_the_stop_reason_on_the_anthropic_wire_too() -> None:
    reader = AnthropicReader()
    use = {"type": "tool_use", "id": "1", "name": "ls", "input": {"a": 1}}
    assert read(reader, {"type": "message", "content": [use], "stop_reason": "end_turn"}) == LS
    assert reader.stop == Stop("tool_use")


def test_a_whole_message_of_anthropic_is_read() -> None:
    content = [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "1", "name": "ls", "input": {"a": 1}},
        {"type": "tool_use", "id": "2", "name": "rm", "input": {}},
    ]
    reader = AnthropicReader()
    whole = {"type": "message", "content": content, "stop_reason": "stop_sequence", "stop_sequence": "END"}
    assert read(reader, whole) == [
        Thinking("Hm."),
        Signature("s"),
        Opaque("redacted_thinking", "x"),
        Text("I look."),
        *LS,
        ToolCall("2", "rm"),
        Arguments("{}"),
    ]
    assert reader.stop == Stop("stop_sequence", "END")


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"type": []},
        {"type": "content_block_delta"},
        {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": "{"}},
        {"type": "content_block_start", "content_block": "x"},
        {"type": "message_delta", "delta": {"stop_reason": ["x"]}},
        {"type": "message", "content": [5, {"type": "text", "text": ""}]},
    ],
)
def test_invalid_events_of_anthropic_are_read_as_nothing(odd: Body) -> None:
    assert read(AnthropicReader(), odd) == []
