"""Chat Completions as clients see it: requests, error bodies, stream frames, the model list.

Source: the API reference of chat completions and what the official SDKs read of it.
"""

import time
from collections.abc import Sequence
from typing import Any

import orjson

from coderouter_events.closed_sets import Ingress
from coderouter_proxy.errors import HttpError
from coderouter_proxy.request import Body, ClientRequest
from coderouter_proxy.wires.answer_writer import AnswerWriter
from coderouter_proxy.wires.client import ClientWire, Drop, Headers, schemas
from coderouter_proxy.wires.conversation import Conversation
from coderouter_proxy.wires.openai.answer_writer import OpenAIWriter
from coderouter_proxy.wires.openai.functions import uses_functions
from coderouter_proxy.wires.openai.others import with_one_system_message
from coderouter_proxy.wires.openai.request_reader import read

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    405: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
}


class OpenAIClient(ClientWire):
    ingress: Ingress = "openai"
    path = "/v1/chat/completions"
    ping = b": ping\n\n"
    shows_reasoning = False

    def conversation(self, body: Body, drop: Drop) -> Conversation:
        return read({**body, "messages": with_one_system_message(body["messages"])})

    def speaks(self, path: str, headers: Headers) -> bool:
        return path == self.path

    def writer(self, request: ClientRequest, model: str) -> AnswerWriter:
        return OpenAIWriter(
            f"chatcmpl-{request.request_id}",
            model,
            int(time.time()),
            usage_chunk=wants_usage(request.body),
            function_call=uses_functions(request.body),
        )

    def tools(self, request: ClientRequest) -> dict[str, Body]:
        tools = request.body.get("tools")
        functions = [
            tool.get("function")
            for tool in (tools if isinstance(tools, list) else [])
            if isinstance(tool, dict)
        ]
        return schemas([function for function in functions if isinstance(function, dict)], "parameters")

    def models(self, names: Sequence[str], created: int) -> bytes:
        return orjson.dumps({"object": "list", "data": [_model(name, created) for name in names]})

    def model(self, name: str, created: int) -> bytes:
        return orjson.dumps(_model(name, created))

    def error_body(self, error: HttpError, request_id: str) -> bytes:
        del request_id  # on this wire only a header has it
        return orjson.dumps({"error": _error(error)})

    def error_frame(self, error: HttpError, request_id: str) -> bytes:
        return b"data: %b\n\n" % self.error_body(error, request_id)


def wants_usage(body: Body) -> bool:
    """Return whether the client requested the extra chunk that ends a stream with its usage."""
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def _model(name: str, created: int) -> Body:
    return {"id": name, "object": "model", "created": created, "owned_by": "coderouter"}


def _error(error: HttpError) -> dict[str, Any]:
    kind = ERROR_TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "server_error")
    return {"message": error.message, "type": kind, "param": error.param, "code": error.code}
