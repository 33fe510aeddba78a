"""What the SDKs of each client wire require of an answer."""

import json
from collections.abc import Callable
from typing import Any

from support.proxy.client_view import ordered_blocks

Body = dict[str, Any]


def data_of(raw: bytes) -> list[Any]:
    """Return the data of the events of a stream as the official SDKs read it, line by line."""
    assert raw.endswith(b"\n\n"), "the last event does not end"
    found: list[Any] = []
    for event in raw.decode().removesuffix("\n\n").split("\n\n"):
        data = [line[5:].removeprefix(" ") for line in event.split("\n") if line.startswith("data:")]
        if data:
            text = "\n".join(data)
            found.append(text if text == "[DONE]" else _object(text))
    return found


def _object(text: str) -> Body:
    decoded = json.loads(text, parse_constant=_refuse)
    assert isinstance(decoded, dict), f"an event that is no object: {text[:80]}"
    return decoded


def _refuse(constant: str) -> float:
    raise AssertionError(f"{constant} is not JSON")


def openai_stream(raw: bytes) -> str:
    """Return how the stream ended: `ok` or `error`."""
    *before, last = data_of(raw)
    assert "[DONE]" not in before, "events after the end"
    calls: dict[int, str] = {}
    finished = False
    for chunk in before:
        assert not isinstance(chunk.get("error"), dict), "events after an error"
        for choice in chunk["choices"]:
            if choice.get("index", 0) != 0:
                continue
            assert choice["delta"] is None or isinstance(choice["delta"], dict)
            for call in (choice["delta"] or {}).get("tool_calls") or []:
                function = call.get("function") or {}
                if call["index"] not in calls:
                    assert call["id"], "a call without an id"
                    assert function["name"], "a call without a name"
                    calls[call["index"]] = ""
                else:
                    assert not function.get("name"), "a name again"
                calls[call["index"]] += function.get("arguments") or ""
            finished = finished or bool(choice.get("finish_reason"))
    if last == "[DONE]":
        assert finished, "complete, but without a finish_reason"
        return "ok"
    assert isinstance(last["error"]["message"], str), "no end"
    assert last["error"]["message"], "an error without words"
    return "error"


def anthropic_stream(raw: bytes) -> str:
    """Return how the stream ended: `ok` or `error`."""
    events = data_of(raw)
    last = events[-1]
    assert all(event["type"] != "error" for event in events[:-1]), "events after an error"
    if last["type"] == "error":
        assert isinstance(last["error"]["message"], str)
        assert last["error"]["message"], "an error without words"
        return "error"
    for block in ordered_blocks(events):
        if block["type"] == "tool_use":
            assert block["id"], "a call without an id"
            assert block["name"], "a call without a name"
            assert isinstance(block["input"], dict), "input that is no object"
    return "ok"


def openai_whole(raw: bytes) -> str:
    message = _object(raw.decode())["choices"][0]["message"]
    assert isinstance(message["content"], str | None)
    for call in message.get("tool_calls") or []:
        assert call["id"]
        assert call["function"]["name"]
        assert isinstance(call["function"]["arguments"], str)
    return "ok"


def anthropic_whole(raw: bytes) -> str:
    for block in _object(raw.decode())["content"]:
        if block["type"] == "text":
            assert isinstance(block["text"], str)
        if block["type"] == "tool_use":
            assert block["id"]
            assert block["name"]
            assert isinstance(block["input"], dict)
    return "ok"


def error_body(raw: bytes) -> str:
    assert _object(raw.decode())["error"]["message"], "an error without words"
    return "refused"


CHECKS: dict[tuple[str, bool], Callable[[bytes], str]] = {
    ("openai", True): openai_stream,
    ("openai", False): openai_whole,
    ("anthropic", True): anthropic_stream,
    ("anthropic", False): anthropic_whole,
}
"""By the client's wire, and whether it asked for a stream."""
