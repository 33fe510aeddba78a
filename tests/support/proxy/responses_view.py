"""What a client of the Responses API sees: every event and object held against the types of the official SDK."""

import json
from dataclasses import dataclass
from typing import Any, get_args

from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel

from support.proxy.client import Exchange
from support.proxy.client_view import event_data
from support.proxy.process import Proxy

Body = dict[str, Any]

LAST = {"response.completed", "response.incomplete", "response.failed"}
PING = b": keepalive\n\n"


def _event_types() -> dict[str, type[BaseModel]]:
    [union, *_] = get_args(ResponseStreamEvent)
    return {get_args(each.model_fields["type"].annotation)[0]: each for each in get_args(union)}


EVENT_TYPES = _event_types()
# Fields of the object that clients in other languages require; the SDK's types have defaults for some.
REQUIRED = {
    "id",
    "object",
    "created_at",
    "completed_at",
    "status",
    "background",
    "error",
    "incomplete_details",
    "instructions",
    "model",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "output",
    "parallel_tool_calls",
    "previous_response_id",
    "user",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "truncation",
    "usage",
}


def checked_response(response: Body) -> Body:
    """Return the object, after asserting that it has all fields, of the types of the SDK."""
    assert response.keys() >= REQUIRED, REQUIRED - response.keys()
    error = response["error"]
    known = {**error, "code": "server_error"} if error is not None else None  # clients accept more codes
    Response.model_validate({**response, "error": known}, strict=True)
    assert (response["status"] == "incomplete") == (response["incomplete_details"] is not None)
    assert (response["status"] == "completed") == (response["completed_at"] is not None)
    assert (response["status"] == "failed") == (error is not None)
    if usage := response["usage"]:
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert len({item["id"] for item in response["output"]}) == len(response["output"])
    return response


def checked_events(raw: bytes) -> list[Body]:
    """Return the events, after asserting that each is of its type, named by it, and numbered."""
    events = event_data(raw)
    names = [line[7:] for line in raw.decode().splitlines() if line.startswith("event: ")]
    assert names == [event["type"] for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    for event in events:
        given = event
        if (response := event.get("response")) is not None:
            checked_response(response)
            known = {**response["error"], "code": "server_error"} if response["error"] else None
            given = {**event, "response": {**response, "error": known}}
        EVENT_TYPES[event["type"]].model_validate(given, strict=True)
    return events


def checked_stream(raw: bytes) -> Body:
    """Return the object that ends a stream, after asserting that its events are in order and agree with it."""
    created, in_progress, *between, last = checked_events(raw)
    assert (created["type"], in_progress["type"]) == ("response.created", "response.in_progress")
    assert created["response"] == in_progress["response"]
    assert created["response"]["output"] == []
    assert created["response"]["status"] == "in_progress"
    assert last["type"] in LAST
    assert last["type"] == f"response.{last['response']['status']}"
    for name in ("id", "model", "created_at", "tools", "text", "store"):
        assert last["response"][name] == created["response"][name]
    items: dict[int, list[Body]] = {}
    for event in between:
        items.setdefault(event["output_index"], []).append(event)
    assert list(items) == list(range(len(items)))
    finished = [_item(events) for events in items.values()]
    assert last["response"]["output"] == finished
    return Body(last["response"])


def _item(events: list[Body]) -> Body:
    """Return an item, after asserting that its events say the same piece by piece, in the end, and whole."""
    added, *between, done = events
    assert (added["type"], done["type"]) == ("response.output_item.added", "response.output_item.done")
    begun, item = added["item"], done["item"]
    assert begun["status"] == "in_progress"
    assert item["status"] in ("completed", "incomplete")
    for name in ("type", "id", "call_id", "name", "namespace"):
        assert begun.get(name) == item.get(name)
    assert all(event["item_id"] == item["id"] for event in between)
    kinds = [event["type"].removeprefix("response.") for event in between]
    match item["type"]:
        case "message":
            _check_message(item, between, kinds)
        case "reasoning":
            text = _joined(between, "reasoning_summary_text.delta")
            expected = ["reasoning_summary_part.added", *["reasoning_summary_text.delta"] * (len(kinds) - 3)]
            expected += ["reasoning_summary_text.done", "reasoning_summary_part.done"]
            assert kinds == (expected if kinds else [])
            assert "".join(part["text"] for part in item["summary"]) == text
            assert all(event["text"] == text for event in between if event["type"].endswith("text.done"))
        case "function_call":
            assert set(kinds[:-1]) == {"function_call_arguments.delta"}
            assert kinds[-1] == "function_call_arguments.done"
            said = (item["arguments"], item["name"])
            assert (between[-1]["arguments"], between[-1]["name"]) == said
            assert _joined(between, "function_call_arguments.delta") == item["arguments"]
        case "custom_tool_call":
            assert set(kinds[:-1]) <= {"custom_tool_call_input.delta"}
            assert kinds[-1] == "custom_tool_call_input.done"
            assert between[-1]["input"] == item["input"]
            assert item["input"].startswith(_joined(between, "custom_tool_call_input.delta"))
        case "tool_search_call":
            assert not between
            assert isinstance(item["arguments"], dict)
        case other:
            raise AssertionError(f"an item of type {other}")
    return Body(item)


def _check_message(item: Body, between: list[Body], kinds: list[str]) -> None:
    for index, part in enumerate(item["content"]):
        events = [event for event in between if event["content_index"] == index]
        kind = "output_text" if part["type"] == "output_text" else "refusal"
        name = "text" if kind == "output_text" else "refusal"
        assert events[0]["type"] == "response.content_part.added"
        assert events[-1]["part"] == part
        assert events[-2]["type"] == f"response.{kind}.done"
        assert events[-2][name] == part[name]
        assert _joined(events, f"{kind}.delta") == part[name]
    assert kinds.count("content_part.done") == len(item["content"]) > 0
    assert item["content"][0].get("text", "x").strip()


def _joined(events: list[Body], kind: str) -> str:
    return "".join(event["delta"] for event in events if event["type"] == f"response.{kind}")


@dataclass(frozen=True)
class ResponsesClient:
    """A client of the API, for tests that have one of each; see `client_view`."""

    name: str = "responses"
    ping: bytes = PING

    def stream(self, proxy: Proxy, headers: dict[str, str], **body: Any) -> Exchange:
        if "tools" in body:
            body["tools"] = [
                {"type": "function", "name": tool["name"], "parameters": tool["input_schema"]}
                for tool in body["tools"]
            ]
        return proxy.responses(headers, stream=True, **body)

    def text(self, raw: bytes) -> str:
        return _joined(event_data(raw), "output_text.delta")

    def calls(self, raw: bytes) -> list[tuple[str, Any]]:
        done = [event["item"] for event in event_data(raw) if event["type"] == "response.output_item.done"]
        return [
            (item["name"], json.loads(item["arguments"])) for item in done if item["type"] == "function_call"
        ]

    def error(self, raw: bytes) -> str | None:
        events = checked_events(raw)
        failed = events[-1]["response"]["error"] if events[-1]["type"] == "response.failed" else None
        return None if failed is None else str(failed["message"])

    def is_complete(self, raw: bytes) -> bool:
        return bool(checked_stream(raw)["status"] == "completed")
