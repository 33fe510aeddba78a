"""Answers of a provider that speaks the Responses API: whole, and as events."""

import json
from collections.abc import Iterator
from itertools import count

from real_agents.providers.conversation import Body, Usage
from support.proxy.openai_answers import MODEL
from support.proxy.upstream import Script, stream

PIECE_CHARS = 7
CREATED_AT = 1_795_599_000


def response(response_id: str, request: Body, output: list[Body], usage: Usage) -> Body:
    """Return the complete response, which says again what the request said."""
    tokens_in = usage.input + usage.cache_read
    echoed = (
        "instructions",
        "max_output_tokens",
        "previous_response_id",
        "prompt_cache_key",
        "safety_identifier",
    )
    return {
        **dict.fromkeys(("error", "incomplete_details", "max_tool_calls", "user")),
        **{name: request.get(name) for name in echoed},
        "id": response_id,
        "object": "response",
        "created_at": CREATED_AT,
        "completed_at": CREATED_AT + 1,
        "status": "completed",
        "background": False,
        "model": MODEL,
        "output": output,
        "parallel_tool_calls": request.get("parallel_tool_calls", True),
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": request.get("store", True),
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": request.get("tool_choice") or "auto",
        "tools": request.get("tools") or [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "truncation": "disabled",
        "metadata": {},
        "usage": {
            "input_tokens": tokens_in,
            "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": 0},
            "output_tokens": usage.output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": tokens_in + usage.output,
        },
    }


def streamed(ended: Body) -> Script:
    """Return the events of a response."""
    begun = {**ended, "status": "in_progress", "completed_at": None, "output": [], "usage": None}
    events: list[Body] = [
        {"type": f"response.{name}", "response": begun} for name in ("created", "in_progress")
    ]
    for index, item in enumerate(ended["output"]):
        events += ({**event, "output_index": index} for event in _item_events(item))
    events.append({"type": "response.completed", "response": ended})
    number = count()
    return stream(*(_event({**event, "sequence_number": next(number)}) for event in events))


def _event(event: Body) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def _item_events(item: Body) -> Iterator[Body]:
    open_item = {**item, "status": "in_progress"}
    match item["type"]:
        case "reasoning":
            begun, events = {**item, "summary": []}, _reasoning_events(item)
        case "message":
            begun, events = {**open_item, "content": []}, _message_events(item)
        case "function_call":
            begun, events = (
                {**open_item, "arguments": ""},
                _call_events(item, "function_call_arguments", "arguments"),
            )
        case "custom_tool_call":
            begun, events = {**open_item, "input": ""}, _call_events(item, "custom_tool_call_input", "input")
        case _:
            begun, events = open_item, iter(())
    yield {"type": "response.output_item.added", "item": begun}
    yield from events
    yield {"type": "response.output_item.done", "item": item}


def _reasoning_events(item: Body) -> Iterator[Body]:
    [part] = item["summary"]
    at = {"item_id": item["id"], "summary_index": 0}
    yield {"type": "response.reasoning_summary_part.added", **at, "part": {**part, "text": ""}}
    for piece in _pieces(part["text"]):
        yield {"type": "response.reasoning_summary_text.delta", **at, "delta": piece}
    yield {"type": "response.reasoning_summary_text.done", **at, "text": part["text"]}
    yield {"type": "response.reasoning_summary_part.done", **at, "part": part}


def _message_events(item: Body) -> Iterator[Body]:
    [part] = item["content"]
    at = {"item_id": item["id"], "content_index": 0}
    yield {"type": "response.content_part.added", **at, "part": {**part, "text": ""}}
    for piece in _pieces(part["text"]):
        yield {"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []}
    yield {"type": "response.content_part.done", **at, "part": part}


def _call_events(item: Body, event: str, field: str) -> Iterator[Body]:
    for piece in _pieces(item[field]):
        yield {"type": f"response.{event}.delta", "item_id": item["id"], "delta": piece}
    named = {"name": item["name"]} if field == "arguments" else {}
    yield {"type": f"response.{event}.done", "item_id": item["id"], field: item[field], **named}


def _pieces(text: str) -> list[str]:
    return [text[cut : cut + PIECE_CHARS] for cut in range(0, len(text), PIECE_CHARS)]
