"""A client of the same wire gets no chunk that it cannot read, whatever stands between its provider's chunks."""

import json
from typing import Any

import pytest

from fuzz.well_formed import CHECKS, data_of
from proxy.wires.conftest import Side
from support.proxy import anthropic_answers as anthropic
from support.proxy import openai_answers as openai
from support.proxy import responses_answers as responses
from support.proxy.process import Proxy
from support.proxy.upstream import stream

TEXT = "Hello"
PIECES: dict[str, tuple[list[bytes], bytes, list[bytes]]] = {
    "openai": (
        [openai.ROLE, *[openai.text(TEXT)] * 12],
        openai.text(TEXT),
        [openai.text(TEXT), openai.STOP, openai.DONE],
    ),
    "anthropic": (
        [
            anthropic.MESSAGE_START,
            anthropic.start({"type": "text", "text": ""}),
            *[anthropic.content(TEXT)] * 12,
        ],
        anthropic.content(TEXT),
        [anthropic.content(TEXT), anthropic.stop(), anthropic.ended()],
    ),
    "responses": (
        [*responses.message_begun(), *[responses.text(TEXT)] * 12],
        responses.text(TEXT),
        [responses.text(TEXT), *responses.message_ended(TEXT * 13), responses.ended()],
    ),
}
"""By wire: the events before the malformed one, a sound one to damage, and those after it."""


def with_text(raw: bytes) -> Any:
    return lambda event: event.replace(f'"{TEXT}"'.encode(), raw)


def instead(raw: bytes) -> Any:
    return lambda _: raw


MALFORMED: dict[str, Any] = {
    "cut": lambda event: event[: len(event) // 2] + b"\n\n",
    "cut in its text": lambda event: event[: event.index(TEXT.encode()) + 2] + b"\n\n",
    "without its last brace": lambda event: event.rstrip()[:-1] + b"\n\n",
    "with a brace too many": lambda event: event.rstrip() + b"}\n\n",
    "twice in a line": lambda event: event.rstrip() + event.rstrip() + b"\n\n",
    "bytes that are not UTF-8": with_text(b'"Hel\xff\xfelo"'),
    "half a character": with_text(b'"Hel\xf0\x9f"'),
    "an escape that is none": with_text(b'"Hel\\xlo"'),
    "half an escape": with_text(b'"Hel\\u00"'),
    "half a surrogate": with_text(b'"Hel\\ud83d"'),
    "a control character": with_text(b'"Hel\x01lo"'),
    "a NUL": with_text(b'"Hel\x00lo"'),
    "a tab": with_text(b'"Hel\tlo"'),
    "a quote": with_text(b'"Hel"lo"'),
    "not a number": with_text(b"NaN"),
    "infinite": with_text(b"-Infinity"),
    "a word": with_text(b"undefined"),
    "a number": with_text(b"5"),
    "null": with_text(b"null"),
    "a list": with_text(b"[1]"),
    "an object": with_text(b'{"x": 1}'),
    "single quotes": with_text(b"'Hello'"),
    "a trailing comma": lambda event: event.rstrip()[:-1] + b",}\n\n",
    "deeply nested": with_text(b"[" * 2000 + b"]" * 2000),
    "HTML": instead(b"data: <html>502 Bad Gateway</html>\n\n"),
    "HTML without data": instead(b"<html>502 Bad Gateway</html>\n\n"),
    "words": instead(b"data: upstream connect error\n\n"),
    "a bare list": instead(b"data: [1, 2]\n\n"),
    "a bare number": instead(b"data: 5\n\n"),
    "a bare text": instead(b'data: "Hello"\n\n'),
    "bare null": instead(b"data: null\n\n"),
    "true": instead(b"data: true\n\n"),
    "an empty object": instead(b"data: {}\n\n"),
    "no data": instead(b"data:\n\n"),
    "another event's name": lambda event: b"event: nonsense\n" + event,
    "a name of bytes": lambda event: b"event: \xff\n" + event,
    "a field that is none": lambda event: b"dat: x\n" + event,
    "another case": lambda event: event.replace(b"data:", b"Data:"),
    "a type that is a number": instead(b'data: {"type": 5, "choices": 5, "object": 5}\n\n'),
    "a type with a line break": instead(b'data: {"type": "a\\n\\nb", "choices": []}\n\n'),
    "choices that are objects": instead(b'data: {"choices": {"delta": {"content": "x"}}}\n\n'),
    "its envelope": lambda event: event.replace(b'"chatcmpl-1"', b"[]").replace(b"1700000000", b'"x"'),
    "its usage": lambda event: event.replace(b'"usage": null', b'"usage": "many"'),
    "parts of its usage": lambda event: event.replace(b'"usage": null', b'"usage": {"prompt_tokens": []}'),
}


def read(event: Any) -> None:
    """Read an event as typed clients do; what they do not know they skip."""
    if event == "[DONE]":
        return
    assert isinstance(event, dict)
    if "choices" not in event:
        assert isinstance(event.get("type"), str) or "error" in event
        return
    assert isinstance(event.get("id"), str)
    assert isinstance(event.get("model"), str)
    assert type(event.get("created")) is int
    assert event.get("object") == "chat.completion.chunk"
    usage = event.get("usage")
    assert usage is None or all(type(usage[name]) is int for name in openai.USAGE if name.endswith("tokens"))
    for choice in event["choices"]:
        assert type(choice["index"]) is int
        assert isinstance(choice["delta"].get("content"), str | None)


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "with others"])
@pytest.mark.parametrize("damage", MALFORMED.values(), ids=MALFORMED)
def test_every_chunk_before_the_end_can_be_read(
    damage: Any, alone: bool, wires: Proxy, each_side: Side
) -> None:
    before, event, after = PIECES[each_side.name]
    damaged = damage(event)
    pieces = [*before, damaged, *after] if alone else [b"".join([*before, damaged, *after])]
    each_side.provider.plays(stream(*pieces))
    ask = {"openai": wires.chat, "anthropic": wires.messages, "responses": wires.responses}[each_side.name]
    response = ask(each_side.header, stream=True).rest()
    assert response.status == 200
    raw = response.body
    assert CHECKS[each_side.name, True](raw) in ("ok", "error")
    for each in data_of(raw):
        read(each)
    assert raw.count(TEXT.encode()) >= 12, "what came before is not lost"
    json.dumps(raw.decode())
