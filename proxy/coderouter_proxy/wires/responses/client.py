"""Responses as clients see it: requests, error bodies, stream frames, and the state that requests refer to.

Source: the API reference of responses, and what the official SDKs, codex and the AI SDK read of it.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Protocol
from weakref import WeakValueDictionary

import orjson

from coderouter_events.closed_sets import Ingress
from coderouter_proxy import token_estimate
from coderouter_proxy.errors import HttpError
from coderouter_proxy.request import Body, ClientRequest
from coderouter_proxy.senders import session
from coderouter_proxy.wires import json_values
from coderouter_proxy.wires.answer_writer import AnswerWriter
from coderouter_proxy.wires.client import (
    Drop,
    Headers,
    HostedTools,
    checked_stream,
    decoded_object,
)
from coderouter_proxy.wires.conversation import Conversation
from coderouter_proxy.wires.losses import named
from coderouter_proxy.wires.openai.client import OpenAIClient
from coderouter_proxy.wires.responses.answer_writer import ResponsesWriter, failure
from coderouter_proxy.wires.responses.checks import check
from coderouter_proxy.wires.responses.memory import Memory, ProcessMemory
from coderouter_proxy.wires.responses.outline import outline
from coderouter_proxy.wires.responses.references import input_items, resolved
from coderouter_proxy.wires.responses.request_reader import read
from coderouter_proxy.wires.responses.response import Response
from coderouter_proxy.wires.responses.tools import Catalogue

SEALED = "reasoning.encrypted_content"
# codex sends anything but a 400 again, up to 30 times. These it may send again, or SDKs have classes for them.
_OWN_STATUS = frozenset({401, 404, 405, 408, 415, 429})


class Failing(Protocol):
    """Writes or passes on an answer, and can end it."""

    def fail(self, error: HttpError) -> bytes:
        """Return the event that ends a stream that cannot continue."""
        ...


class ResponsesClient(OpenAIClient):
    """Models and error bodies are those of OpenAI's other wire.

    `memory` has the newest responses, and `_writing` the answers in progress, by request.
    """

    ingress: Ingress = "responses"
    path = "/v1/responses"
    aliases = ("/responses",)
    ping = b": keepalive\n\n"
    shows_reasoning = True

    def __init__(self) -> None:
        self.memory: Memory = ProcessMemory()
        self._writing: WeakValueDictionary[str, Failing] = WeakValueDictionary()

    def decode(self, request_id: str, raw: bytes, headers: Headers) -> ClientRequest:
        """Return the request in a body; what its input refers to is in its place, where this process has it."""
        given = decoded_object(raw)
        check(given)
        stream = checked_stream(given)
        items, missed = resolved(given, self.memory)
        body = {**given, "input": items}
        shaped = outline(body)
        return ClientRequest(
            request_id=request_id,
            ingress=self.ingress,
            body=body,
            raw=raw,
            headers=headers,
            stream=stream,
            shaped=shaped,
            given=given,
            missed=missed,
            session=session.of(headers, given, shaped),
        )

    def conversation(self, body: Body, drop: Drop) -> Conversation:
        return read(body)

    def hosted_tools(self, body: Body) -> HostedTools:
        """Return the tools that run at OpenAI; any provider may answer without them."""
        return HostedTools(tuple(map(named, Catalogue.of(body).hosted)))

    def with_note(self, request: ClientRequest, text: str) -> ClientRequest:
        note = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        body = {**request.body, "input": [*request.body["input"], note]}
        given = request.given
        if given is not None:
            given = {**given, "input": [*input_items(given), note]}
        return request._replace(body=body, given=given, shaped=outline(body))

    def speaks(self, path: str, headers: Headers) -> bool:
        return path.startswith((self.path, *self.aliases))

    def writer(self, request: ClientRequest, model: str) -> AnswerWriter:
        body = request.body
        stored = body.get("store") is not False
        response = Response(
            _response_id(request.request_id),
            body,
            model=model,
            created_at=int(time.time()),
            stored=stored,
        )
        previous = json_values.words(body.get("previous_response_id")) or None
        writer = ResponsesWriter(
            response,
            Catalogue.of(body),
            shows_thinking=not stored or _includes(body, SEALED),
            keep=partial(self.memory.keep, response.id, previous, request.raw) if stored else None,
            input_tokens=partial(token_estimate.estimate, request.outline),
        )
        self._writing[request.request_id] = writer
        return writer

    def passed_on(self, request: ClientRequest, origin: str, answer: Failing) -> Callable[[Body], None]:
        """Take note of an answer that is not written here, and return what to call with the whole response.

        `origin` is the provider's, which knows the response by its id.
        """
        self._writing[request.request_id] = answer
        given = request.body if request.given is None else request.given
        previous = json_values.words(given.get("previous_response_id")) or None

        def keep(response: Body) -> None:
            output, response_id = response.get("output"), response.get("id")
            items = output if isinstance(output, list) else []
            if given.get("store") is False or not isinstance(response_id, str) or not items:
                return
            if all(isinstance(item, dict) and isinstance(item.get("id"), str) for item in items):
                try:
                    ended = orjson.dumps(response)
                except orjson.JSONEncodeError:  # nested more deeply than can be written
                    return
                self.memory.keep(response_id, previous, request.raw, ended, items, origin)

        return keep

    def tools(self, request: ClientRequest) -> dict[str, Body]:
        return Catalogue.of(request.body).schemas

    def status(self, error: HttpError) -> int:
        """Return 400 for refusals that a retry cannot change."""
        permanent = error.retry_is_vain or (error.status < 500 and error.status not in _OWN_STATUS)
        return 400 if permanent else error.status

    def error_body(self, error: HttpError, request_id: str) -> bytes:
        status = self.status(error)
        code = "rate_limit_exceeded" if status == 429 else error.code
        return super().error_body(HttpError(status, error.message, code=code, param=error.param), request_id)

    def error_frame(self, error: HttpError, request_id: str) -> bytes:
        writer = self._writing.get(request_id)
        return failure(_response_id(request_id), error) if writer is None else writer.fail(error)


def _response_id(request_id: str) -> str:
    return f"resp_{request_id.removeprefix('req_')}"


def _includes(body: Body, name: str) -> bool:
    include = body.get("include")
    return isinstance(include, list) and name in include
