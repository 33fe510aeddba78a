"""Properties of any answer, any conversation and any way to cut a stream."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderouter_proxy.answer import Usage
from coderouter_proxy.wires.anthropic import request_writer as anthropic_writer
from coderouter_proxy.wires.anthropic.answer_reader import AnthropicReader
from coderouter_proxy.wires.anthropic.answer_writer import AnthropicWriter
from coderouter_proxy.wires.clients import CLIENT_WIRES
from coderouter_proxy.wires.deltas import Arguments, Delta, Reader, Stop, Text, Thinking, ToolCall
from coderouter_proxy.wires.losses import losses
from coderouter_proxy.wires.openai import request_writer as openai_writer
from coderouter_proxy.wires.openai.answer_reader import OpenAIReader
from coderouter_proxy.wires.openai.answer_writer import OpenAIWriter
from coderouter_proxy.wires.tool_names import ToolNames
from support.proxy import anthropic_answers as anthropic
from support.proxy import openai_answers as openai
from support.proxy.client_view import event_data
from support.proxy.deltas import joined
from support.proxy.drive_relay import PROVIDER_WIRES, request_of, streamed
from support.proxy.upstream import Script

pytestmark = pytest.mark.slow

Body = dict[str, Any]

words = (
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
    .map(str.strip)
    .filter(bool)
)
keys = st.text("abcé_", min_size=1, max_size=4)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=5,
)
arguments = st.dictionaries(keys, values, max_size=3)
tool_names = st.sampled_from(["ls", "read_file", "a-b"])


@st.composite
def cut(draw: st.DrawFn, text: str) -> list[str]:
    places = sorted(draw(st.sets(st.integers(0, len(text)), max_size=4)))
    pieces = [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]
    return [piece for piece in pieces if piece]


@st.composite
def answers(draw: st.DrawFn) -> list[Delta]:
    """Return the deltas of an answer, in pieces of any size."""
    deltas: list[Delta] = []
    for number, kind in enumerate(draw(st.lists(st.sampled_from("txc"), min_size=1, max_size=5))):
        if kind == "c":
            deltas.append(ToolCall(f"call_{number}", draw(tool_names)))
            deltas += [Arguments(piece) for piece in draw(cut(json.dumps(draw(arguments))))]
        else:
            made = Text if kind == "t" else Thinking
            deltas += [made(piece) for piece in draw(cut(draw(words)))]
    return deltas


usages = st.builds(
    Usage,
    input_tokens=st.integers(0, 10**6),
    output_tokens=st.integers(0, 10**6),
    cache_read_tokens=st.integers(0, 10**6),
    cache_creation_tokens=st.just(0),
)


def written(wire: str, deltas: list[Delta], stop: Stop, usage: Usage, *, stream: bool) -> list[Body]:
    """Return what a writer makes of the deltas: its events, or one whole answer."""
    writer: AnthropicWriter | OpenAIWriter
    if wire == "anthropic":
        writer = AnthropicWriter("msg_1", "m", ToolNames([]), thinking=True, input_tokens=lambda: 1)
    else:
        writer = OpenAIWriter("chatcmpl-1", "m", 1, usage_chunk=True)
    if not stream:
        return [json.loads(writer.whole(deltas, stop, usage))]
    raw = writer.begin() + writer.write(deltas) + writer.end(stop, usage)
    return [data for data in event_data(raw) if data != "[DONE]"]


def read(wire: str, chunks: list[Body]) -> tuple[list[Delta], Stop]:
    reader: Reader = AnthropicReader() if wire == "anthropic" else OpenAIReader()
    deltas = [delta for chunk in chunks for delta in reader.read(chunk)] + reader.end()
    return joined(deltas), reader.stop


def decoded(deltas: list[Delta]) -> Iterator[object]:
    """Yield the deltas with decoded arguments; a call without any has an empty object."""
    whole = joined(deltas)
    for delta, following in zip(whole, [*whole[1:], None], strict=True):
        yield json.loads(delta.text) if isinstance(delta, Arguments) else delta
        if isinstance(delta, ToolCall) and not isinstance(following, Arguments):
            yield {}


def by_kind(deltas: list[Delta]) -> tuple[str, str, list[object]]:
    """Return text, thinking and calls; a whole completion does not keep their order."""
    text = "".join(delta.text for delta in deltas if isinstance(delta, Text))
    thinking = "".join(delta.text for delta in deltas if isinstance(delta, Thinking))
    calls = [item for item in decoded(deltas) if not isinstance(item, (Text, Thinking))]
    return text, thinking, calls


@pytest.mark.parametrize("wires", [("openai", "anthropic"), ("anthropic", "openai")], ids=str)
@given(deltas=answers(), usage=usages)
def test_a_streamed_answer_survives_both_wires(
    wires: tuple[str, str], deltas: list[Delta], usage: Usage
) -> None:
    stop = Stop("tool_use" if any(isinstance(delta, ToolCall) for delta in deltas) else "max_tokens")
    there, stopped = read(wires[0], written(wires[0], deltas, stop, usage, stream=True))
    assert stopped == stop
    back, stopped = read(wires[1], written(wires[1], there, stopped, usage, stream=True))
    assert stopped == stop
    assert list(decoded(back)) == list(decoded(deltas))


@pytest.mark.parametrize("wires", [("openai", "anthropic"), ("anthropic", "openai")], ids=str)
@given(deltas=answers(), usage=usages)
def test_a_whole_answer_survives_both_wires(
    wires: tuple[str, str], deltas: list[Delta], usage: Usage
) -> None:
    there, stop = read(wires[0], written(wires[0], deltas, Stop("refusal"), usage, stream=False))
    back, stop = read(wires[1], written(wires[1], there, stop, usage, stream=False))
    assert stop == Stop("content_filter" if wires[1] == "openai" else "refusal")
    assert by_kind(back) == by_kind(deltas)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("wire", ["openai", "anthropic"])
@given(usage=usages)
def test_usage_survives_a_wire(wire: str, stream: bool, usage: Usage) -> None:
    reported = Usage()
    for chunk in written(wire, [Text("Hi")], Stop("end_turn"), usage, stream=stream):
        reported = PROVIDER_WIRES[wire].usage(chunk, reported)
    assert (reported.input_tokens, reported.output_tokens) == (usage.input_tokens, usage.output_tokens)
    assert reported.cache_read_tokens == usage.cache_read_tokens


@st.composite
def conversations(draw: st.DrawFn) -> list[Body]:
    """Return the messages of an Anthropic conversation in which every call has its result."""
    messages: list[Body] = []
    for turn in range(draw(st.integers(1, 3))):
        messages.append({"role": "user", "content": [{"type": "text", "text": draw(words)}]})
        calls = [
            {"type": "tool_use", "id": f"toolu_{turn}_{number}", "name": draw(tool_names), "input": given}
            for number, given in enumerate(draw(st.lists(arguments, max_size=2)))
        ]
        texts = [{"type": "text", "text": draw(words)}] if not calls or draw(st.booleans()) else []
        messages.append({"role": "assistant", "content": [*texts, *calls]})
        if calls:
            results = [
                {
                    "type": "tool_result",
                    "tool_use_id": call["id"],
                    "content": [{"type": "text", "text": draw(words)}],
                }
                for call in calls
            ]
            messages += [
                {"role": "user", "content": results},
                {"role": "assistant", "content": [{"type": "text", "text": draw(words)}]},
            ]
    return messages


@given(messages=conversations(), system=words)
def test_a_conversation_survives_translation_there_and_back(messages: list[Body], system: str) -> None:
    body = {"model": "m", "max_tokens": 5, "system": system, "messages": messages}

    there = CLIENT_WIRES["anthropic"].conversation(body, pytest.fail)
    assert losses(there, openai_writer.VOCABULARY) == ()
    again = CLIENT_WIRES["openai"].conversation(openai_writer.write(there), pytest.fail)
    assert losses(again, anthropic_writer.VOCABULARY) == ()
    back = anthropic_writer.write(again)

    assert (back["system"], back["max_tokens"]) == (system, 5)
    assert back["messages"] == messages


STREAMS: dict[tuple[str, str], Script] = {
    ("openai", "words"): openai.streamed("Grüße ", "☃ and 𝄞"),
    ("openai", "calls"): openai.streamed_calling(("call_1", "ls", {"é": 1}), ("call_2", "rm", {})),
    ("openai", "thinking"): openai.streamed_thoughtful("Hm, ☃.", "Hi"),
    ("anthropic", "words"): anthropic.streamed("Grüße ", "☃ and 𝄞"),
    ("anthropic", "calls"): anthropic.streamed_calling(("toolu_1", "ls", {"é": 1}), ("toolu_2", "rm", {})),
    ("anthropic", "thinking"): anthropic.streamed_thoughtful("Hm, ☃.", "Hi"),
}


def raw_of(script: Script) -> bytes:
    """Return the events of a script without the HTTP framing."""
    chunks = [step for step in script[1:-1] if isinstance(step, bytes)]
    return b"".join(chunk.split(b"\r\n", 1)[1].removesuffix(b"\r\n") for chunk in chunks)


def client_call(wire: str, *, tools: bool) -> Any:
    thinking = {"thinking": {"type": "adaptive"}}
    listed: list[Body] = [{"name": "ls"}]
    if wire == "openai":
        listed = [{"type": "function", "function": listed[0]}]
    return request_of(
        wire, {"model": "m", "messages": [{}], "stream": True, **thinking, "tools": listed if tools else []}
    )


@pytest.mark.parametrize("tools", [False, True], ids=["no tools", "tools"])
@pytest.mark.parametrize("wire", ["openai", "anthropic"])
@pytest.mark.parametrize("kind", STREAMS, ids="-".join)
def test_a_stream_may_be_cut_at_any_byte(kind: tuple[str, str], wire: str, tools: bool) -> None:
    raw, provider_wire, call = raw_of(STREAMS[kind]), PROVIDER_WIRES[kind[0]], client_call(wire, tools=tools)
    expected, _ = streamed(provider_wire, call, [raw])
    assert expected
    for place in range(1, len(raw)):
        assert streamed(provider_wire, call, [raw[:place], raw[place:]])[0] == expected
    assert streamed(provider_wire, call, [bytes([byte]) for byte in raw])[0] == expected
    assert streamed(provider_wire, call, [raw.replace(b"\n", b"\r\n")])[0].replace(b"\r\n", b"\n") == expected


@given(kind=st.sampled_from(sorted(STREAMS)), wire=st.sampled_from(["openai", "anthropic"]), data=st.data())
@settings(max_examples=60)
def test_a_stream_may_be_cut_at_many_places(kind: tuple[str, str], wire: str, data: st.DataObject) -> None:
    raw, provider_wire, call = raw_of(STREAMS[kind]), PROVIDER_WIRES[kind[0]], client_call(wire, tools=True)
    places = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=12)))
    pieces = [raw[start:end] for start, end in zip([0, *places], [*places, len(raw)], strict=True)]
    assert streamed(provider_wire, call, pieces)[0] == streamed(provider_wire, call, [raw])[0]
