"""The client side of a wire: what clients send, and how answers and errors reach them."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from typing import Any

import orjson

from coderouter_events.closed_sets import Ingress
from coderouter_proxy.errors import HttpError
from coderouter_proxy.request import Body, ClientRequest
from coderouter_proxy.senders import session
from coderouter_proxy.wires.answer_writer import AnswerWriter
from coderouter_proxy.wires.conversation import Conversation

OBJECTS_MAX = 50_000
"""Messages, parts, calls and schemas of one request; parsing that many takes 30 ms, in which nothing else happens."""
_OBJECT = re.compile(rb'\{\s*"')  # in a text, a brace before a quote has a backslash between them
_OBJECT_BYTES_MIN = 2  # of what the expression matches: shorter bodies need no search
_TEXTS = frozenset({str, type(None)})

Headers = Mapping[bytes, bytes]
Drop = Callable[[str], object]
"""Called with the name of each part of a request that a provider does not get."""


@dataclass(frozen=True, slots=True)
class HostedTools:
    """Tools that run at a vendor, by their names in events, and the one that the model has to call."""

    names: tuple[str, ...] = ()
    forced: str | None = None


class ClientWire(ABC):
    """One wire towards clients."""

    ingress: Ingress
    path: str  # of model requests
    aliases: tuple[str, ...] = ()  # other paths of the same
    ping: bytes  # keeps a silent stream alive
    shows_reasoning: bool  # reasoning is part of the wire, so providers need not allow it

    def decode(self, request_id: str, raw: bytes, headers: Headers) -> ClientRequest:
        """Return the request in a body.

        Raises:
            HttpError: it is invalid; the message says what is wrong and what to send.
        """
        body = decoded_object(raw)
        only_texts = check_messages(body)
        stream = checked_stream(body)
        return ClientRequest(
            request_id=request_id,
            ingress=self.ingress,
            body=body,
            raw=raw,
            headers=headers,
            stream=stream,
            session=session.of(headers, body, body),
            only_texts=only_texts,
        )

    @abstractmethod
    def conversation(self, body: Body, drop: Drop) -> Conversation:
        """Return the conversation in a request, for a provider that speaks another wire.

        `drop` gets the name of each part that only this wire can express.

        Raises:
            ProviderError: arguments of a call are nested more deeply than can be written.
        """

    def hosted_tools(self, body: Body) -> HostedTools:
        """Return the tools of the request that run at the vendor of this wire."""
        del body
        return HostedTools()

    def with_note(self, request: ClientRequest, text: str) -> ClientRequest:
        """Return the request with a note for the model at its end, after results of tools."""
        messages = [*request.body["messages"], {"role": "user", "content": text}]
        return request._replace(body={**request.body, "messages": messages})

    @abstractmethod
    def speaks(self, path: str, headers: Headers) -> bool:
        """Return whether a request other than a model request seems to come from a client of this wire."""

    @abstractmethod
    def writer(self, request: ClientRequest, model: str) -> AnswerWriter:
        """Return the writer of an answer of this model to the request."""

    @abstractmethod
    def tools(self, request: ClientRequest) -> Mapping[str, Mapping[str, Any]]:
        """Return the JSON schemas of the request's tools by their names as the model sees them."""

    @abstractmethod
    def models(self, names: Sequence[str], created: int) -> bytes:
        """Return the list of models; `created` is in Unix time."""

    @abstractmethod
    def model(self, name: str, created: int) -> bytes:
        """Return one model of that list."""

    def status(self, error: HttpError) -> int:
        """Return the status that the client gets for the error."""
        return error.status

    @abstractmethod
    def error_body(self, error: HttpError, request_id: str) -> bytes:
        """Return the JSON that the SDKs turn into an APIStatusError."""

    @abstractmethod
    def error_frame(self, error: HttpError, request_id: str) -> bytes:
        """Return the event that ends a failed stream; the SDKs raise an APIError for it."""


def decoded_object(raw: bytes) -> Body:
    """Return the JSON object.

    Raises:
        HttpError: the body is not a JSON object, or holds too many.
    """
    if len(raw) > OBJECTS_MAX * _OBJECT_BYTES_MIN and any(islice(_OBJECT.finditer(raw), OBJECTS_MAX, None)):
        raise HttpError(
            400, f"the body has more than {OBJECTS_MAX:,} JSON objects; send fewer messages and parts"
        )
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise HttpError(400, f"the body is not JSON: {error}", code="invalid_json") from None
    if not isinstance(body, dict):
        raise HttpError(400, f"the body is {_kind(body)}; send a JSON object", code="invalid_json")
    return body


def check_messages(body: Body) -> bool:
    """Return whether the content of every message is a text, or none.

    Raises:
        HttpError: there are no messages, one is no object, or the type of a part is no string.
    """
    messages = body.get("messages")
    contents = _contents(messages) if isinstance(messages, list) else None
    if contents is None:
        found = "is missing" if messages is None else "is not a list of objects"
        raise HttpError(
            400, f'"messages" {found}; send e.g. [{{"role": "user", "content": "…"}}]', param="messages"
        )
    if not messages:
        raise HttpError(400, '"messages" is empty; send at least one message', param="messages")
    if _TEXTS.issuperset(map(type, contents)):
        return True
    for number, content in enumerate(contents):
        if type(content) is list:
            check_parts(content, f"messages[{number}].content")
    return False


def _contents(messages: list[Any]) -> list[Any] | None:
    """Return the content of each message; None if one is not an object. The loop is in C: requests have many."""
    try:
        return list(map(dict.get, messages, repeat("content")))
    except TypeError:
        return None


def check_parts(parts: list[Any], at: str) -> None:
    """Raise an HttpError unless the type of each part, if it has one, is a string, also in results of tools."""
    try:
        kinds = {part["type"] for part in parts}
    except (KeyError, TypeError):  # not all are objects with a type, or one has an object there
        kinds = {None}
    if all(type(kind) is str for kind in kinds) and "tool_result" not in kinds:
        return
    for number, part in enumerate(parts):
        if not isinstance(part, dict):
            continue
        kind = part.get("type", "")
        if not isinstance(kind, str):
            where = f"{at}[{number}].type"
            raise HttpError(400, f'"{where}" is {_kind(kind)}; send a string, e.g. "text"', param=where)
        if kind == "tool_result" and isinstance(content := part.get("content"), list):
            check_parts(content, f"{at}[{number}].content")


def checked_stream(body: Body) -> bool:
    """Return whether a stream is requested.

    Raises:
        HttpError: the field is neither true nor false.
    """
    stream = body.get("stream")
    if not isinstance(stream, (bool, type(None))):
        raise HttpError(400, f'"stream" is {_kind(stream)}; send true or false', param="stream")
    return stream is True


def named_model(body: Body) -> str:
    """Return the model that the client named."""
    model = body.get("model")
    return model if isinstance(model, str) else "unknown"


def schemas(tools: Iterable[Body], key: str) -> dict[str, Body]:
    """Return the JSON schema of each tool by its name; it is empty if the tool has none under this key."""
    given = {name: tool.get(key) for tool in tools if isinstance(name := tool.get("name"), str)}
    return {name: schema if isinstance(schema, dict) else {} for name, schema in given.items()}


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
