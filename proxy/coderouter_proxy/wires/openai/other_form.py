"""A chat completion in the form that was not requested: a whole one as a stream, a stream as a whole one."""

import orjson

from coderouter_proxy.answer import Usage
from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values
from coderouter_proxy.wires.openai.answer_reader import OpenAIReader
from coderouter_proxy.wires.openai.answer_writer import OpenAIWriter
from coderouter_proxy.wires.openai.shape import choices


def streamed(completion: Body) -> list[Body]:
    """Return the chunks of a stream: a message each, how it ended, and the usage."""
    head = {name: value for name, value in completion.items() if name not in ("choices", "usage")}
    head["object"] = "chat.completion.chunk"
    found = choices(completion)
    messages = [
        {**_without(choice, "message"), "delta": _delta(choice), "finish_reason": None} for choice in found
    ]
    ends = [
        {"index": choice.get("index", 0), "delta": {}, "finish_reason": choice.get("finish_reason") or "stop"}
        for choice in found
    ]
    chunks: list[Body] = [{**head, "choices": [each]} for each in (*messages, *ends)]
    if completion.get("usage"):
        chunks.append({**head, "choices": [], "usage": completion["usage"]})
    return chunks


def collected(chunks: list[Body], usage: Usage) -> Body:
    """Return the completion that the chunks of a stream amount to."""
    reader = OpenAIReader()
    deltas = [delta for chunk in chunks for delta in reader.read(chunk)]
    deltas += reader.end()
    head = chunks[0] if chunks else {}
    created = head.get("created")
    writer = OpenAIWriter(
        json_values.words(head.get("id")),
        json_values.words(head.get("model")),
        created if isinstance(created, int) else 0,
        usage_chunk=False,
    )
    completion: Body = orjson.loads(writer.whole(deltas, reader.stop, usage))
    return completion


def _delta(choice: Body) -> Body:
    message = choice.get("message")
    if not isinstance(message, dict):
        return {}
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return message
    indexed = [
        {"index": number, **call} if isinstance(call, dict) else call for number, call in enumerate(calls)
    ]
    return {**message, "tool_calls": indexed}


def _without(value: Body, name: str) -> Body:
    return {key: inner for key, inner in value.items() if key != name}
