"""What the SDKs of each client wire require of an answer."""

import json
from collections.abc import Callable
from typing import Any

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
        assert not chunk.get("error"), "events after an error"
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
    """Return how the stream ended: `ok` or `error`. The JSON of a call is the model's, and may be anything."""
    events = data_of(raw)
    last = events[-1]
    assert all(event["type"] != "error" for event in events[:-1]), "events after an error"
    if last["type"] == "error":
        assert isinstance(last["error"]["message"], str)
        assert last["error"]["message"], "an error without words"
        return "error"
    first, *rest = (event for event in events if event["type"] != "ping")
    assert first["type"] == "message_start"
    assert first["message"]["content"] == [], "a message that begins with content"
    assert rest[-1]["type"] == "message_stop", f"the last event is {rest[-1]['type']}"
    assert any(event["delta"].get("stop_reason") for event in rest if event["type"] == "message_delta"), (
        "no reason"
    )
    block: Body | None = None
    blocks = 0
    for event in rest:
        match event["type"]:
            case "content_block_start":
                assert block is None, "a block in a block"
                block = event["content_block"]
                assert event["index"] == blocks, "a block with a wrong index"
                blocks += 1
                _check_block(block)
            case "content_block_delta":
                assert block is not None, "a delta without a block"
                assert event["index"] == blocks - 1, "a delta with a wrong index"
                _check_delta(event["delta"], block["type"])
            case "content_block_stop":
                assert block is not None, "the end of no block"
                assert event["index"] == blocks - 1, "the end of another block"
                block = None
            case "message_start":
                raise AssertionError("a message in a message")
            case "message_delta" | "message_stop":
                assert block is None, "a block without an end"
    return "ok"


FIELDS = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
DELTAS = {
    "text": {"text_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "tool_use": {"input_json_delta"},
}


def _check_block(block: Any) -> None:
    match block["type"]:
        case "text":
            assert isinstance(block["text"], str), "a text that is none"
        case "thinking":
            assert isinstance(block["thinking"], str), "thinking that is no text"
        case "tool_use":
            assert block["id"], "a call without an id"
            assert block["name"], "a call without a name"
            assert isinstance(block["input"], dict), "input that is no object"


def _check_delta(delta: Any, block_type: str) -> None:
    kind = delta["type"]
    if block_type in DELTAS and kind in {name for names in DELTAS.values() for name in names}:
        assert kind in DELTAS[block_type], f"{kind} in {block_type}"
    field = "partial_json" if kind == "input_json_delta" else FIELDS.get(kind)
    assert field is None or isinstance(delta[field], str), f"{field} is no text"


def openai_whole(raw: bytes) -> str:
    message = _object(raw.decode())["choices"][0]["message"]
    assert isinstance(message.get("content"), str | None), "content that is no text"
    for call in message.get("tool_calls") or []:
        assert call["id"], "a call without an id"
        assert call["function"]["name"], "a call without a name"
        assert isinstance(call["function"]["arguments"], str), "arguments that are no text"
    return "ok"


def anthropic_whole(raw: bytes) -> str:
    for block in _object(raw.decode())["content"]:
        _check_block(block)
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
