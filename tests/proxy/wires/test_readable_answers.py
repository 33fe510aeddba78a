"""Nothing kills an answer that can be read, for a client of each wire and a provider of each wire."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from proxy.wires.conftest import Side
from support.proxy import anthropic_answers as anthropic
from support.proxy import openai_answers as openai
from support.proxy import responses_answers as responses
from support.proxy.client import Response
from support.proxy.client_view import Client
from support.proxy.process import Proxy
from support.proxy.upstream import stream, whole

WEATHER = {"name": "weather", "input_schema": {"type": "object", "properties": {"city": {}}}}
SAID = re.compile(rb'"delta": "([^"]*)"')
CALLS = [("toolu_1", "weather", {"city": "Osaka"}), ("toolu_2", "weather", {"city": "Kyōto"})]


@pytest.fixture
def side(each_side: Side) -> Side:
    return each_side


def words(side: Side, escaped: str) -> bytes:
    """Return the event of a text that is a part of a JSON string already."""
    written: dict[str, Callable[[str], bytes]] = {
        "openai": openai.text,
        "anthropic": anthropic.content,
        "responses": responses.text,
    }
    return written[side.name]("@").replace(b"@", escaped.encode())


def stream_of(side: Side, *events: bytes) -> list[bytes]:
    if side.name == "openai":
        return [openai.ROLE, *events, openai.STOP, openai.DONE]
    if side.name == "responses":
        said = b"".join(SAID.findall(b"".join(events)))
        whole_text = [*responses.message_ended("@"), responses.ended(responses.message("@"))]
        return [*responses.message_begun(), *events, *(event.replace(b"@", said) for event in whole_text)]
    start = [anthropic.MESSAGE_START, anthropic.start(anthropic.text(""))]
    return [*start, *events, anthropic.stop(), anthropic.ended()]


def body_of(side: Side, text: str) -> bytes:
    body = side.says.answer(text)[-1]
    assert isinstance(body, bytes)
    return body


def assert_says(text: str, raw: bytes, client: Client) -> None:
    assert client.text(raw) == text
    assert client.is_complete(raw)


TEXTS = {
    "a character in two chunks": (["x\\ud83d", "\\ude00y"], "x😀y"),
    "the same in capitals": (["x\\uD83D", "\\uDE00y"], "x😀y"),
    "two of them": (["\\ud83d", "\\ude00\\ud83d", "\\ude01"], "😀😁"),
    "half a character": (["x\\ud83d", "y"], "x\ufffdy"),
    "half a character at the end": (["x", "\\ud83d"], "x\ufffd"),
    "the second half alone": (["x", "\\ude00y"], "x\ufffdy"),
    "a control character": (["x\0\1", "y"], "x\1y"),
    "a long text": (["x" * 300_000, "y"], "x" * 300_000 + "y"),
}


@pytest.mark.parametrize(("pieces", "text"), TEXTS.values(), ids=TEXTS)
def test_texts_that_not_every_parser_reads(
    pieces: list[str], text: str, wires: Proxy, side: Side, client: Client
) -> None:
    side.provider.plays(stream(*stream_of(side, *(words(side, piece) for piece in pieces))))
    assert_says(text, client.stream(wires, side.header).rest().body, client)


def test_bytes_that_are_not_utf8_are_replaced(wires: Proxy, side: Side, client: Client) -> None:
    event = words(side, "x@y").replace(b"@", b"\xff")
    side.provider.plays(stream(*stream_of(side, event)))
    assert_says("x\ufffdy", client.stream(wires, side.header).rest().body, client)


def test_numbers_that_are_not_json_are_null(wires: Proxy, side: Side, client: Client) -> None:
    events = [words(side, text).replace(b"{", b'{"x": NaN, "y": [-Infinity], ', 1) for text in ("H", "i")]
    side.provider.plays(stream(*stream_of(side, *events)))
    assert_says("Hi", client.stream(wires, side.header).rest().body, client)


FRAMES = {
    "a byte order mark": lambda raw: b"\xef\xbb\xbf" + raw,
    "CRLF": lambda raw: raw.replace(b"\n", b"\r\n"),
    "CR": lambda raw: raw.replace(b"\n", b"\r"),
    "no space after the colon": lambda raw: raw.replace(b"data: ", b"data:"),
    "empty data": lambda raw: raw.replace(b"\n\n", b"\n\ndata:\n\ndata: \n\ndata\n\n"),
    "more fields": lambda raw: raw.replace(b"data: {", b"id: 1\nretry: 5\ndata: {"),
    "events of other fields": lambda raw: raw.replace(b"\n\n", b"\n\nid: 1\n\nretry: 5\n\nevent: x\n\n"),
    "comments": lambda raw: raw.replace(b"\n\n", b"\n\n: wait\n\n"),
    "comments that are not UTF-8": lambda raw: raw.replace(b"\n\n", b"\n\n: \xff\n\n"),
    "comments within events": lambda raw: b": one\n" + raw.replace(b"\n\n", b"\n\n: two\n"),
    "more blank lines": lambda raw: raw.replace(b"\n\n", b"\n\n\n\n\n"),
    "no blank line at the end": lambda raw: raw.removesuffix(b"\n\n"),
    "data on several lines": lambda raw: raw.replace(b"data: {", b"data: {\ndata: "),
}


@pytest.mark.parametrize("cut", ["at once", "byte by byte"])
@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_any_framing_of_events_is_understood(
    frame: Any, cut: str, wires: Proxy, side: Side, client: Client
) -> None:
    raw = frame(b"".join(stream_of(side, words(side, "Hé"), words(side, "llo"))))
    side.provider.plays(stream(*([raw] if cut == "at once" else [bytes([byte]) for byte in raw])))

    body = client.stream(wires, side.header).rest().body

    assert_says("Héllo", body, client)
    odd = [line for line in body.split(b"\n") if not line.startswith((b"data: ", b"event: ", b":"))]
    assert not any(odd)


def events_without_names(raw: bytes) -> bytes:
    return b"".join([line + b"\n" for line in raw.split(b"\n") if not line.startswith(b"event:")])


def test_events_that_are_not_named_are_named_for_the_client(wires: Proxy, n: Side, client: Client) -> None:
    n.provider.plays(stream(events_without_names(b"".join(stream_of(n, words(n, "Hi"))))))
    assert_says("Hi", client.stream(wires, n.header).rest().body, client)


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream", "text/plain"])
def test_a_whole_answer_is_streamed_to_a_client_that_requested_a_stream(
    kind: str, wires: Proxy, side: Side, client: Client
) -> None:
    side.provider.plays(whole(body_of(side, "Hi"), headers={"Content-Type": kind}))

    response = client.stream(wires, side.header).rest()

    assert response.headers["content-type"].startswith("text/event-stream")
    assert_says("Hi", response.body, client)
    assert wires.finished(response.request_id)["output_tokens"] == 3


def test_whole_calls_are_streamed(wires: Proxy, side: Side, client: Client) -> None:
    side.provider.plays(side.says.calling(*CALLS))

    body = client.stream(wires, side.header, tools=[WEATHER]).rest().body

    assert client.calls(body) == [(name, arguments) for _, name, arguments in CALLS]
    assert client.is_complete(body)


def test_a_whole_answer_that_is_printed_on_many_lines_is_streamed(
    wires: Proxy, side: Side, client: Client
) -> None:
    body = json.dumps(json.loads(body_of(side, "Hi")), indent=2).replace("\n", "\r\n\r\n")
    side.provider.plays(stream(b" \n", *(bytes([byte]) for byte in body.encode())))
    assert_says("Hi", client.stream(wires, side.header).rest().body, client)


def test_chunks_on_lines_of_their_own_are_streamed(wires: Proxy, o: Side, client: Client) -> None:
    lines = [event.removeprefix(b"data: ") for event in (openai.text("Hel"), openai.text("lo"), openai.STOP)]
    o.provider.plays(stream(*(line.replace(b"\n\n", b"\n") for line in lines)))
    assert_says("Hello", client.stream(wires, o.header).rest().body, client)


def whole_answer(client: Client, served: Proxy, headers: dict[str, str], **body: Any) -> Response:
    if client.name == "anthropic":
        return served.messages(headers, **body).rest()
    body = {name: [{"type": "function", "function": {"name": "weather"}}] for name in body}
    return served.chat(headers, **body).rest()


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b": wait\n\n", b"retry: 5\n"])
def test_a_stream_is_collected_for_a_client_that_requested_none(
    before: bytes, wires: Proxy, side: Side, client: Client
) -> None:
    script = side.says.streamed("Hel", "lo")
    side.provider.plays((script[0], b"%x\r\n%b\r\n" % (len(before), before) if before else b"", *script[1:]))

    response = whole_answer(client, wires, side.header)

    answer = response.json
    said = (
        answer["content"][0]["text"]
        if client.name == "anthropic"
        else answer["choices"][0]["message"]["content"]
    )
    assert said == "Hello"
    finished = wires.finished(response.request_id)
    assert (finished["outcome"], finished["output_tokens"], finished["cache_read_tokens"]) == ("ok", 3, 2)


def test_streamed_calls_are_collected(wires: Proxy, side: Side, client: Client) -> None:
    side.provider.plays(side.says.streamed_calling(*CALLS))

    answer = whole_answer(client, wires, side.header, tools=[WEATHER]).json

    if client.name == "anthropic":
        calls = [(block["name"], block["input"]) for block in answer["content"]]
        assert answer["stop_reason"] == "tool_use"
    else:
        functions = [call["function"] for call in answer["choices"][0]["message"]["tool_calls"]]
        calls = [(function["name"], json.loads(function["arguments"])) for function in functions]
        assert answer["choices"][0]["finish_reason"] == "tool_calls"
    assert calls == [(name, arguments) for _, name, arguments in CALLS]


def test_a_stream_that_breaks_off_is_no_whole_answer(wires: Proxy, side: Side, client: Client) -> None:
    side.provider.plays(stream(*stream_of(side, words(side, "Hel"))[:-2]))
    assert whole_answer(client, wires, side.header).status == 502


def test_a_whole_answer_that_is_not_quite_json_is_read(wires: Proxy, side: Side, client: Client) -> None:
    odd = body_of(side, "@").replace(b"@", b"x\\ud83dy\xff").replace(b"{", b'{"x": NaN, ', 1)
    side.provider.plays(whole(odd))
    assert "x\ufffdy\ufffd" in json.dumps(whole_answer(client, wires, side.header).json, ensure_ascii=False)


def test_a_stream_of_lines_is_collected(wires: Proxy, o: Side, client: Client) -> None:
    o.provider.plays(whole(b"\n".join(event[6:].strip() for event in stream_of(o, words(o, "Hello"))[:-1])))
    assert b'"Hello"' in whole_answer(client, wires, o.header).body
