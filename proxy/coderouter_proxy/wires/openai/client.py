"""The OpenAI wire as clients see it: chat completion requests, error bodies, stream frames.

Source: the API reference of chat completions and what the official SDKs read of it.
"""

from typing import Any, Literal

import orjson

from coderouter_proxy.answer import Answer
from coderouter_proxy.errors import HttpError
from coderouter_proxy.request import Body, Call
from coderouter_proxy.wires import client
from coderouter_proxy.wires.client import Headers

INGRESS: Literal["openai"] = "openai"
PING = b": ping\n\n"
DONE = b"data: [DONE]\n\n"

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
}


def decode(request_id: str, raw: bytes, headers: Headers) -> Call:
    """Return the call that a chat completion body holds.

    Raises:
        HttpError: it is no chat completion request; the message says what is wrong and what to send.
    """
    body = client.decoded_object(raw)
    client.check_messages(body)
    stream = client.checked_stream(body)
    return Call(request_id=request_id, ingress=INGRESS, body=body, raw=raw, headers=headers, stream=stream)


def status(refusal: HttpError) -> int:
    return refusal.status


def error_body(refusal: HttpError, request_id: str) -> bytes:
    """Return the JSON that the SDKs turn into an APIStatusError."""
    del request_id  # on this wire it stands in the header only
    return orjson.dumps({"error": _error(refusal)})


def error_frame(refusal: HttpError, request_id: str) -> bytes:
    """Return the event that ends a stream in failure; the SDKs raise an APIError at it."""
    return b"data: %b\n\n" % error_body(refusal, request_id)


def models(names: list[str], created: int) -> bytes:
    """Return the answer of `GET /v1/models`."""
    data = [{"id": name, "object": "model", "created": created, "owned_by": "coderouter"} for name in names]
    return orjson.dumps({"object": "list", "data": data})


def wants_usage(body: Body) -> bool:
    """Return whether the client asked for the extra chunk that ends a stream with its usage."""
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def with_system(messages: list[Any], directive: str | None) -> list[Any]:
    """Return the messages with the directive at the end of the system message, or as a new first one."""
    if not directive:
        return messages
    for index, message in enumerate(messages):
        if message.get("role") in ("system", "developer"):
            content = message.get("content")
            if isinstance(content, list):
                extended: Any = [*content, {"type": "text", "text": directive}]
            elif isinstance(content, str) and content:
                extended = f"{content}\n\n{directive}"
            else:
                extended = content or directive
            return [*messages[:index], {**message, "content": extended}, *messages[index + 1 :]]
    return [{"role": "system", "content": directive}, *messages]


def note_usage(answer: Answer, usage: object) -> None:
    """Put the counts of a `usage` object into the answer; input tokens without the cached ones."""
    if not isinstance(usage, dict):
        return
    prompt, completion = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    details = usage.get("prompt_tokens_details")
    cached, written = _count(details, "cached_tokens"), _count(details, "cache_write_tokens")
    if prompt is not None:
        answer.usage.input_tokens = max(0, prompt - (cached or 0) - (written or 0))
    if completion is not None:
        answer.usage.output_tokens = completion
    answer.usage.cache_read_tokens = cached
    answer.usage.cache_creation_tokens = written


def _count(usage: object, field: str) -> int | None:
    value = usage.get(field) if isinstance(usage, dict) else None
    return value if isinstance(value, int) else None


def _error(refusal: HttpError) -> dict[str, Any]:
    kind = ERROR_TYPES.get(
        refusal.status, "invalid_request_error" if refusal.status < 500 else "server_error"
    )
    return {"message": refusal.message, "type": kind, "param": refusal.param, "code": refusal.code}
