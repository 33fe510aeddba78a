"""The Anthropic wire as clients see it: messages requests, error bodies, stream frames, the model list.

Source: the API reference of messages, and what the official SDKs and Claude Code read of it.
"""

from typing import Any, Literal

import orjson

from coderouter_proxy.answer import Answer
from coderouter_proxy.errors import HttpError
from coderouter_proxy.request import Call
from coderouter_proxy.wires import client
from coderouter_proxy.wires.client import Headers

INGRESS: Literal["anthropic"] = "anthropic"
# Claude Code shows a warning after 20 s of silence and ignores comments.
PING = b'event: ping\ndata: {"type":"ping"}\n\n'
VERSION = "2023-06-01"

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
STATUSES = {name: status for status, name in ERROR_TYPES.items()} | {
    "invalid_request_error": 400,
    "api_error": 500,
}


def decode(request_id: str, raw: bytes, headers: Headers) -> Call:
    """Return the call that a messages body holds.

    Raises:
        HttpError: it is no messages request; the message says what is wrong and what to send.
    """
    body = client.decoded_object(raw)
    client.check_messages(body)
    stream = client.checked_stream(body)
    return Call(request_id=request_id, ingress=INGRESS, body=body, raw=raw, headers=headers, stream=stream)


def status(refusal: HttpError) -> int:
    """Return the status on this wire, which has one of its own for providers that are overloaded."""
    return 529 if refusal.code == "providers_overloaded" else refusal.status


def error_body(refusal: HttpError, request_id: str) -> bytes:
    """Return the JSON that the SDKs turn into an APIStatusError."""
    return orjson.dumps({**_error(refusal), "request_id": request_id})


def error_frame(refusal: HttpError, request_id: str) -> bytes:
    """Return the event that ends a stream in failure; the SDKs raise at its name."""
    return b"event: error\ndata: %b\n\n" % error_body(refusal, request_id)


def models(names: list[str], created: str) -> bytes:
    """Return the answer of `GET /v1/models` to a client that sends `anthropic-version`; `created` is RFC 3339."""
    data = [{"type": "model", "id": name, "display_name": name, "created_at": created} for name in names]
    ends = {"first_id": names[0], "last_id": names[-1]} if names else {"first_id": None, "last_id": None}
    return orjson.dumps({"data": data, "has_more": False, **ends})


def note_usage(answer: Answer, usage: object) -> None:
    """Put the counts of a `usage` object into the answer; a later one adds to and corrects an earlier one."""
    if not isinstance(usage, dict):
        return
    told = answer.usage
    for field, name in (
        ("input_tokens", "input_tokens"),
        ("output_tokens", "output_tokens"),
        ("cache_read_tokens", "cache_read_input_tokens"),
        ("cache_creation_tokens", "cache_creation_input_tokens"),
    ):
        if isinstance(count := usage.get(name), int):
            setattr(told, field, count)


def _error(refusal: HttpError) -> dict[str, Any]:
    kind = ERROR_TYPES.get(status(refusal), "invalid_request_error" if refusal.status < 500 else "api_error")
    return {"type": "error", "error": {"type": kind, "message": refusal.message}}
