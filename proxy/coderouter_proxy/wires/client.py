"""What the two client wires have in common."""

from collections.abc import Mapping
from typing import Protocol

import orjson

from coderouter_events.events import Ingress
from coderouter_proxy.errors import HttpError
from coderouter_proxy.request import Body, Call

Headers = Mapping[bytes, bytes]


class ClientWire(Protocol):
    """How one wire is spoken towards clients; a module is one."""

    @property
    def INGRESS(self) -> Ingress: ...  # noqa: N802

    @property
    def PING(self) -> bytes: ...  # noqa: N802

    def decode(self, request_id: str, raw: bytes, headers: Headers) -> Call: ...
    def status(self, refusal: HttpError) -> int: ...
    def error_body(self, refusal: HttpError, request_id: str) -> bytes: ...
    def error_frame(self, refusal: HttpError, request_id: str) -> bytes: ...


def decoded_object(raw: bytes) -> Body:
    """Return the JSON object.

    Raises:
        HttpError: it is none.
    """
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise HttpError(400, f"the body is not JSON: {error}", code="invalid_json") from None
    if not isinstance(body, dict):
        raise HttpError(400, f"the body is {_kind(body)}; send a JSON object", code="invalid_json")
    return body


def check_messages(body: Body) -> None:
    """Raise a HttpError unless there are messages, all of them objects."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not set(map(type, messages)) <= {dict}:
        found = "is missing" if messages is None else "is not a list of objects"
        raise HttpError(
            400, f'"messages" {found}; send e.g. [{{"role": "user", "content": "…"}}]', param="messages"
        )
    if not messages:
        raise HttpError(400, '"messages" is empty; send at least one message', param="messages")


def checked_stream(body: Body) -> bool:
    """Return whether a stream is asked for, or raise a HttpError."""
    stream = body.get("stream")
    if not isinstance(stream, (bool, type(None))):
        raise HttpError(400, f'"stream" is {_kind(stream)}; send true or false', param="stream")
    return stream is True


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
