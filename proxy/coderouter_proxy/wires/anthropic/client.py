"""Messages as clients see it: requests, error bodies, stream frames, the model list.

Source: the API reference of messages, and what the official SDKs and Claude Code read of it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson

from coderouter_proxy import token_estimate
from coderouter_proxy.errors import HttpError
from coderouter_proxy.request import Body, ClientRequest
from coderouter_proxy.wires import returned_state
from coderouter_proxy.wires.answer_writer import AnswerWriter
from coderouter_proxy.wires.anthropic import others
from coderouter_proxy.wires.anthropic.answer_writer import AnthropicWriter
from coderouter_proxy.wires.anthropic.request_reader import read
from coderouter_proxy.wires.client import ClientWire, Drop, Headers, HostedTools, named_model, schemas
from coderouter_proxy.wires.conversation import Conversation
from coderouter_proxy.wires.tool_names import ToolNames, short

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


class AnthropicClient(ClientWire):
    ingress = "anthropic"
    path = "/v1/messages"
    # Claude Code shows a warning after 20 s of silence and ignores comments.
    ping = b'event: ping\ndata: {"type":"ping"}\n\n'
    shows_reasoning = True

    def conversation(self, body: Body, drop: Drop) -> Conversation:
        return read(others.fitted(body, drop))

    def hosted_tools(self, body: Body) -> HostedTools:
        return others.hosted_tools(body)

    def with_note(self, request: ClientRequest, text: str) -> ClientRequest:
        *before, last = request.body["messages"]
        content = last.get("content")
        if last.get("role") != "user" or not isinstance(content, list):
            return super().with_note(request, text)
        noted = {**last, "content": [*content, {"type": "text", "text": text}]}
        return request._replace(body={**request.body, "messages": [*before, noted]})

    def speaks(self, path: str, headers: Headers) -> bool:
        return b"anthropic-version" in headers or path.startswith(self.path)

    def writer(self, request: ClientRequest, model: str) -> AnswerWriter:
        thinking = shows_thinking(request)
        return AnthropicWriter(
            f"msg_{request.request_id.removeprefix('req_')}",
            # When the model of its answers changes, Claude Code (2.1.332) leaves out all earlier thinking, and with it
            # what providers have to get back.
            named_model(request.body) if thinking else model,
            ToolNames(_given_tools(request.body)),
            thinking=thinking,
            input_tokens=partial(token_estimate.estimate, request.body),
            keeps_blocks=thinking and returned_state.keeps_blocks(request.body["messages"]),
        )

    def tools(self, request: ClientRequest) -> dict[str, Body]:
        return {short(name): schema for name, schema in _given_tools(request.body).items()}

    def models(self, names: Sequence[str], created: int) -> bytes:
        data = [_model(name, created) for name in names]
        ends = {"first_id": names[0], "last_id": names[-1]} if names else {"first_id": None, "last_id": None}
        return orjson.dumps({"data": data, "has_more": False, **ends})

    def model(self, name: str, created: int) -> bytes:
        return orjson.dumps(_model(name, created))

    def status(self, error: HttpError) -> int:
        """Return the status on this wire, which has one of its own for providers that are overloaded."""
        return 529 if error.code == "providers_overloaded" else error.status

    def error_body(self, error: HttpError, request_id: str) -> bytes:
        return orjson.dumps({**self._error(error), "request_id": request_id})

    def error_frame(self, error: HttpError, request_id: str) -> bytes:
        return b"event: error\ndata: %b\n\n" % self.error_body(error, request_id)

    def _error(self, error: HttpError) -> dict[str, Any]:
        kind = ERROR_TYPES.get(
            self.status(error), "invalid_request_error" if error.status < 500 else "api_error"
        )
        return {"type": "error", "error": {"type": kind, "message": error.message}}


def _model(name: str, created: int) -> Body:
    created_at = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": created_at,
        "lifecycle": "active",
    }


def shows_thinking(request: ClientRequest) -> bool:
    """Return whether the client requested thinking, and so gets blocks of it."""
    thinking = request.body.get("thinking")
    return request.shows_thinking or (isinstance(thinking, dict) and thinking.get("type") != "disabled")


def _given_tools(body: Body) -> dict[str, Body]:
    tools = body.get("tools")
    given = tools if isinstance(tools, list) else []
    return schemas([tool for tool in given if isinstance(tool, dict)], "input_schema")
