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


def responses_stream(raw: bytes) -> str:
    """Return how the stream ended: `ok` or `error`."""
    events = data_of(raw)
    names = [line[7:] for line in raw.decode().split("\n") if line.startswith("event: ")]
    assert names == [event["type"] for event in events], "an event that is not named as it is"
    last = events[-1]
    assert last["type"] in ("response.completed", "response.incomplete", "response.failed"), "no end"
    items: list[Body] = []
    for number, event in enumerate(events):
        if len(events) > 1:
            assert event["sequence_number"] == number, "a wrong number"
            assert (event["type"] == "response.created") == (number == 0)
        assert (event is last) == (event["type"] == last["type"]), "events after the end"
        match event["type"]:
            case "response.output_item.added":
                assert event["output_index"] == len(items), "an item with a wrong index"
                _check_item(event["item"])
                items.append({**event["item"], "open": True, "parts": 0})
            case "response.output_item.done":
                item = items[event["output_index"]]
                assert item["open"], "the end of no item"
                assert event["item"]["id"] == item["id"], "another id"
                _check_item(event["item"])
                item["open"] = False
            case "response.content_part.added":
                item = items[event["output_index"]]
                assert event["content_index"] == item["parts"], "a part with a wrong index"
                item["parts"] += 1
            case "response.output_text.delta":
                item = items[event["output_index"]]
                assert item["open"], "a delta of a closed item"
                assert event["item_id"] == item["id"], "a delta of another item"
                assert event["content_index"] < item["parts"], "a delta of no part"
                assert isinstance(event["delta"], str), "a delta that is no text"
    response = last["response"]
    assert isinstance(response["output"], list), "no output"
    if last["type"] == "response.failed":
        assert response["error"]["message"], "an error without words"
        return "error"
    _check_response(response)
    return "ok"


def _check_response(response: Body) -> None:
    assert isinstance(response["id"], str)
    for item in response["output"]:
        _check_item(item)
    if (usage := response["usage"]) is not None:
        assert isinstance(usage["input_tokens_details"]["cached_tokens"], int), "usage without details"


def _check_item(item: Any) -> None:
    assert item["id"], "an item without an id"
    match item["type"]:
        case "message":
            assert isinstance(item["content"], list), "content that is no list"
        case "function_call":
            assert item["call_id"], "a call without an id"
            assert item["name"], "a call without a name"
            assert isinstance(item["arguments"], str), "arguments that are no text"


def responses_whole(raw: bytes) -> str:
    _check_response(_object(raw.decode()))
    return "ok"


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
    ("responses", True): responses_stream,
    ("responses", False): responses_whole,
}
"""By the client's wire, and whether it asked for a stream."""
