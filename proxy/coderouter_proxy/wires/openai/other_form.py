"""A chat completion in the form that was not requested: a whole one as a stream, a stream as a whole one."""

from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values
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


def writer_like(chunks: list[Body]) -> OpenAIWriter:
    head = chunks[0] if chunks else {}
    created = head.get("created")
    return OpenAIWriter(
        json_values.words(head.get("id")),
        json_values.words(head.get("model")),
        created if isinstance(created, int) else 0,
        usage_chunk=False,
    )


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
