"""Answers of a provider that speaks OpenAI's Responses API, with every event that its reference has."""

import json
from collections.abc import Iterator
from typing import Any

from support.proxy.upstream import Script, Step, stream, whole

MODEL = "test-model"
SEALED = "gAAAAABo-sealed-by-the-vendor"
USAGE = {
    "input_tokens": 12,
    "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
    "output_tokens": 3,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 15,
}
Item = dict[str, Any]
Call = tuple[str, str, dict[str, Any]]


def response(*output: Item, status: str = "completed", **more: object) -> Item:
    ended = status != "in_progress"
    return {
        "id": "resp_theirs",
        "object": "response",
        "created_at": 1_700_000_000,
        "completed_at": 1_700_000_001 if status == "completed" else None,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "model": MODEL,
        "output": list(output),
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "truncation": "disabled",
        "usage": USAGE if ended else None,
        "user": None,
        "metadata": {},
        **more,
    }


def part(words: str) -> Item:
    return {"type": "output_text", "text": words, "annotations": [], "logprobs": []}


def message(words: str, item_id: str = "msg_theirs") -> Item:
    return {
        "type": "message",
        "id": item_id,
        "role": "assistant",
        "status": "completed",
        "content": [part(words)],
    }


def reasoning(thought: str, sealed: str | None = SEALED) -> Item:
    item: Item = {"type": "reasoning", "id": "rs_theirs", "status": "completed", "summary": []}
    if thought:
        item["summary"] = [{"type": "summary_text", "text": thought}]
    return item if sealed is None else {**item, "encrypted_content": sealed}


def call(call_id: str, name: str, arguments: dict[str, Any]) -> Item:
    return {
        "type": "function_call",
        "id": f"fc_{call_id}",
        "call_id": call_id,
        "name": name,
        "arguments": json.dumps(arguments),
        "status": "completed",
    }


def answer(words: str = "Hello there.", **more: Any) -> Script:
    return whole(response(message(words), **more))


def calling(*calls: Call) -> Script:
    return whole(response(*(call(*each) for each in calls)))


def thoughtful(thought: str, words: str) -> Script:
    return whole(response(reasoning(thought), message(words)))


def error(message: str, status: int, headers: dict[str, str] | None = None) -> Script:
    body = {"error": {"message": message, "type": "test", "param": None, "code": None}}
    return whole(body, status, headers)


def error_event(words: str) -> bytes:
    event = {"type": "error", "code": "server_is_overloaded", "message": words, "param": None}
    return b"event: error\ndata: %b\n\n" % json.dumps({**event, "sequence_number": 2}).encode()


class Writer:
    """Numbers the events of one stream."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, kind: str, **fields: object) -> bytes:
        name = f"response.{kind}"
        data = json.dumps({"type": name, "sequence_number": self.number, **fields})
        self.number += 1
        return f"event: {name}\ndata: {data}\n\n".encode()


def begun(event: Writer) -> list[bytes]:
    in_progress = response(status="in_progress")
    return [event("created", response=in_progress), event("in_progress", response=in_progress)]


def _pieces(text: str, chars: int = 4) -> list[str]:
    return [text[cut : cut + chars] for cut in range(0, len(text), chars)]


def item_events(event: Writer, index: int, item: Item) -> Iterator[bytes]:
    at: Item = {"item_id": item["id"], "output_index": index}
    match item["type"]:
        case "message":
            text = item["content"][0]["text"]
            yield from _message_begun(event, index, item)
            for piece in _pieces(text):
                yield text_delta(event, piece, at)
            yield from _message_ended(event, index, item)
        case "reasoning":
            begun = {**item, "status": "in_progress", "summary": []}
            yield event("output_item.added", output_index=index, item=begun)
            for number, summary in enumerate(item["summary"]):
                here = {**at, "summary_index": number}
                yield event("reasoning_summary_part.added", **here, part={**summary, "text": ""})
                for piece in _pieces(summary["text"]):
                    yield event("reasoning_summary_text.delta", **here, delta=piece)
                yield event("reasoning_summary_text.done", **here, text=summary["text"])
                yield event("reasoning_summary_part.done", **here, part=summary)
            yield event("output_item.done", output_index=index, item=item)
        case "function_call":
            begun = {**item, "status": "in_progress", "arguments": ""}
            yield event("output_item.added", output_index=index, item=begun)
            for piece in _pieces(item["arguments"]):
                yield event("function_call_arguments.delta", **at, delta=piece)
            named = {"name": item["name"], "arguments": item["arguments"]}
            yield event("function_call_arguments.done", **at, **named)
            yield event("output_item.done", output_index=index, item=item)


def text_delta(event: Writer, words: str, at: Item) -> bytes:
    return event("output_text.delta", **at, content_index=0, delta=words, logprobs=[])


def _message_begun(event: Writer, index: int, item: Item) -> Iterator[bytes]:
    yield event(
        "output_item.added", output_index=index, item={**item, "status": "in_progress", "content": []}
    )
    at: Item = {"item_id": item["id"], "output_index": index}
    yield event("content_part.added", **at, content_index=0, part=part(""))


def _message_ended(event: Writer, index: int, item: Item) -> Iterator[bytes]:
    at: Item = {"item_id": item["id"], "output_index": index, "content_index": 0}
    text = item["content"][0]["text"]
    yield event("output_text.done", **at, text=text, logprobs=[])
    yield event("content_part.done", **at, part=item["content"][0])
    yield event("output_item.done", output_index=index, item=item)


def events(*items: Item, status: str = "completed", **more: object) -> list[bytes]:
    """Return the events of a stream with these items."""
    event = Writer()
    parts = begun(event)
    for index, item in enumerate(items):
        parts += item_events(event, index, item)
    return [*parts, event(status, response=response(*items, status=status, **more))]


def streamed_items(*items: Item, status: str = "completed") -> Script:
    return stream(*events(*items, status=status))


def streamed(*texts: str | Step) -> Script:
    """Return a complete stream of one text; other steps may come between its pieces."""
    event = Writer()
    given = texts or ("Hello", " there.")
    item = message("".join(step for step in given if isinstance(step, str)))
    at = {"item_id": item["id"], "output_index": 0}
    before = [*begun(event), *_message_begun(event, 0, item)]
    steps = [text_delta(event, step, at) if isinstance(step, str) else step for step in given]
    after = [*_message_ended(event, 0, item), event("completed", response=response(item))]
    return stream(*before, *steps, *after)


def streamed_calling(*calls: Call) -> Script:
    return streamed_items(*(call(*each) for each in calls))


def streamed_thoughtful(thought: str, words: str) -> Script:
    return streamed_items(reasoning(thought), message(words))


AT: Item = {"item_id": "msg_theirs", "output_index": 0}
DONE = b"data: [DONE]\n\n"


def text(words: str) -> bytes:
    """Return the event of a piece of a message; its number is not the right one."""
    return text_delta(Writer(), words, AT)


def message_begun() -> list[bytes]:
    """Return the events up to the first text of a message."""
    event = Writer()
    return [*begun(event), *_message_begun(event, 0, message(""))]


def message_ended(words: str = "Hel") -> list[bytes]:
    """Return the events that end a message with these words."""
    return list(_message_ended(Writer(), 0, message(words)))


def ended(*items: Item, status: str = "completed", **more: object) -> bytes:
    return Writer()(status, response=response(*items, status=status, **more))


def hello(*, as_stream: bool) -> Script:
    """Return the usual answer, streamed or whole."""
    return streamed() if as_stream else answer()
