"""Answers of a provider that speaks OpenAI's Chat Completions API."""

import json
from typing import Any

from support.proxy.upstream import Script, Step, stream, whole

MODEL = "test-model"
DONE = b"data: [DONE]\n\n"
USAGE = {
    "prompt_tokens": 12,
    "completion_tokens": 3,
    "total_tokens": 15,
    "prompt_tokens_details": {"cached_tokens": 2},
}


def completion(text: str = "Hello there.", **more: object) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": USAGE,
        **more,
    }


def answer(text: str = "Hello there.", **more: object) -> Script:
    return whole(completion(text, **more))


def calling(*calls: tuple[str, str, dict[str, Any]]) -> Script:
    message = {"role": "assistant", "content": None, "tool_calls": [call(*each) for each in calls]}
    return answer(choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}])


def thoughtful(thought: str, words: str) -> Script:
    message = {"role": "assistant", "content": words, "reasoning_content": thought}
    return answer(choices=[{"index": 0, "message": message, "finish_reason": "stop"}])


def call(call_id: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": call_id, "type": "function", "function": function}


def event(data: object) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
    return event(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": MODEL,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
            "usage": None,
        }
    )


ROLE = chunk({"role": "assistant", "content": ""})
STOP = chunk({}, "stop")
USAGE_CHUNK = event(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": MODEL,
        "choices": [],
        "usage": USAGE,
    }
)


def text(content: str) -> bytes:
    return chunk({"content": content})


def streamed(*texts: str | Step) -> Script:
    """Return a complete stream: role, texts (other steps may come between them), stop, usage, [DONE]."""
    steps = [text(step) if isinstance(step, str) else step for step in texts or ("Hello", " there.")]
    return stream(ROLE, *steps, STOP, USAGE_CHUNK, DONE)


def hello(*, as_stream: bool) -> Script:
    """Return the usual answer, streamed or whole."""
    return streamed() if as_stream else answer()


def call_chunk(index: int, arguments: str, call_id: str | None = None, name: str | None = None) -> bytes:
    """Return a chunk with part of a tool call; the first part has the call's id and name."""
    first = {"id": call_id, "type": "function"} if call_id else {}
    function = {"arguments": arguments, **({"name": name} if name else {})}
    return chunk({"tool_calls": [{"index": index, **first, "function": function}]})


def streamed_calling(*calls: tuple[str, str, dict[str, Any]], piece_chars: int = 4) -> Script:
    parts: list[bytes] = []
    for index, (call_id, name, given) in enumerate(calls):
        arguments = json.dumps(given)
        parts.append(call_chunk(index, "", call_id, name))
        parts += [
            call_chunk(index, arguments[cut : cut + piece_chars])
            for cut in range(0, len(arguments), piece_chars)
        ]
    return stream(ROLE, *parts, chunk({}, "tool_calls"), USAGE_CHUNK, DONE)


def streamed_thoughtful(thought: str, words: str) -> Script:
    thoughts = [chunk({"reasoning_content": piece}) for piece in (thought[:3], thought[3:])]
    return stream(ROLE, *thoughts, text(words), STOP, USAGE_CHUNK, DONE)


def error_event(words: str) -> bytes:
    return event({"error": {"message": words, "type": "server_error", "code": 529}})


def error(message: str, status: int, headers: dict[str, str] | None = None) -> Script:
    return whole({"error": {"message": message, "type": "test", "code": None}}, status, headers)
