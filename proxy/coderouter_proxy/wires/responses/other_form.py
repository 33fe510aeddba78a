"""A response in the form that was not requested: a whole one as a stream, a stream as a whole one."""

import time
from collections.abc import Iterator
from typing import Any, Final

from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values
from coderouter_proxy.wires.ids import new_id
from coderouter_proxy.wires.responses import shape
from coderouter_proxy.wires.responses.answer_writer import ResponsesWriter
from coderouter_proxy.wires.responses.response import Response
from coderouter_proxy.wires.responses.tools import Catalogue

_PARTS: Final = {"output_text": ("output_text", "text"), "refusal": ("refusal", "refusal")}
"""By type of a message's part: what its events are called, and its field with the text."""
_WHOLE: Final = {
    "function_call": ("function_call_arguments", "arguments"),
    "custom_tool_call": ("custom_tool_call_input", "input"),
}
"""By type of a call, the same."""
_EMPTY: Final[Body] = {"content": [], "summary": [], "arguments": "", "input": ""}


def streamed(response: Body) -> list[Body]:
    """Return the events of a stream."""
    begun = {**response, "status": "in_progress", "output": [], "usage": None, "completed_at": None}
    begun |= {"incomplete_details": None}
    status = json_values.words(response.get("status"))
    last = status if status in shape.STATUSES else "completed"
    events: list[Body] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    for index, item in enumerate(response["output"]):
        if isinstance(item, dict):
            events += _item(index, item)
    events.append({"type": f"response.{last}", "response": {**response, "status": last}})
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def collected(chunks: list[Body]) -> Body | None:
    """Return the response in the events of a stream, with the items that were in them whole; None if none was.

    Some servers end with only a part of those items.
    """
    last = _last(chunks)
    output: Any = last.get("output")
    done = [chunk.get("item") for chunk in chunks if chunk.get("type") == "response.output_item.done"]
    items = [item for item in done if isinstance(item, dict)]
    if isinstance(output, list) and output and len(output) >= len(items):
        return last
    return {**last, "output": items} if items else None


def writer_like(chunks: list[Body]) -> ResponsesWriter:
    last = _last(chunks)
    response = Response(
        json_values.words(last.get("id")) or new_id("resp_"),
        last,
        model=json_values.words(last.get("model")),
        created_at=int(time.time()),
        stored=False,
    )
    tools = Catalogue.of({"input": []})
    return ResponsesWriter(response, tools, shows_thinking=True, keep=None, input_tokens=lambda: 0)


def _last(chunks: list[Body]) -> Body:
    found = [response for chunk in chunks if (response := shape.response_in(chunk))]
    return found[-1] if found else {}


def _item(index: int, item: Body) -> Iterator[Body]:
    emptied = {name: empty for name, empty in _EMPTY.items() if type(item.get(name)) is type(empty)}
    place: Body = {"output_index": index}
    at: Body = {**place, "item_id": item.get("id")}
    yield {
        "type": "response.output_item.added",
        **place,
        "item": {**item, **emptied, "status": "in_progress"},
    }
    kind = json_values.words(item.get("type"))
    if kind == "message":
        yield from _message(at, item.get("content"))
    elif kind == "reasoning":
        yield from _summary(at, item.get("summary"))
    elif kind in _WHOLE:
        name, field = _WHOLE[kind]
        if text := json_values.words(item.get(field)):
            yield {"type": f"response.{name}.delta", **at, "delta": text}
        named = {"name": item.get("name")} if kind == "function_call" else {}
        yield {"type": f"response.{name}.done", **at, **named, field: text}
    yield {"type": "response.output_item.done", **place, "item": item}


def _message(at: Body, content: object) -> Iterator[Body]:
    for index, part in enumerate(content if isinstance(content, list) else []):
        kind = json_values.words(part.get("type")) if isinstance(part, dict) else ""
        if kind in _PARTS:
            name, field = _PARTS[kind]
            more: Body = {"logprobs": []} if field == "text" else {}
            here, text = {**at, "content_index": index}, part.get(field)
            yield {"type": "response.content_part.added", **here, "part": {**part, field: ""}}
            yield {"type": f"response.{name}.delta", **here, "delta": text, **more}
            yield {"type": f"response.{name}.done", **here, field: text, **more}
            yield {"type": "response.content_part.done", **here, "part": part}


def _summary(at: Body, summary: object) -> Iterator[Body]:
    for index, part in enumerate(summary if isinstance(summary, list) else []):
        if isinstance(part, dict) and isinstance(text := part.get("text"), str):
            here = {**at, "summary_index": index}
            yield {"type": "response.reasoning_summary_part.added", **here, "part": {**part, "text": ""}}
            yield {"type": "response.reasoning_summary_text.delta", **here, "delta": text}
            yield {"type": "response.reasoning_summary_text.done", **here, "text": text}
            yield {"type": "response.reasoning_summary_part.done", **here, "part": part}
