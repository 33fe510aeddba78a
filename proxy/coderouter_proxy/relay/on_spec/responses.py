"""Responses and their streams as the API reference specifies them, from servers that nearly write them so.

An answer that lacks more than what is completed here is not passed on but written anew, which `is_sound` decides by its
first event, before anything is sent.
"""

import re
from collections.abc import Callable
from typing import Any, Final

import orjson

from coderouter_proxy.answer import NO_CHANGES, Changes
from coderouter_proxy.errors import HttpError
from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values
from coderouter_proxy.wires.responses import shape
from coderouter_proxy.wires.responses.answer_writer import failure
from coderouter_proxy.wires.responses.output_items import Events
from coderouter_proxy.wires.responses.response import failed

# Without one of these, clients reject the object.
_FIELDS: Final = {
    "id": (str,),
    "object": (str,),
    "created_at": (int, float),
    "model": (str,),
    "output": (list,),
    "parallel_tool_calls": (bool,),
    "tool_choice": (str, dict),
    "tools": (list,),
}
_NUMBER: Final = re.compile(rb'"sequence_number"\s*:\s*(\d+)')


def is_sound(answer: Body) -> bool:
    """Return whether a whole response, or the first event of a stream, is as clients expect it."""
    if "type" not in answer:
        return _is_response(answer) and all(map(_is_item, answer["output"]))
    response = answer.get("response")
    return (
        answer.get("type") == "response.created"
        and type(answer.get("sequence_number")) is int
        and isinstance(response, dict)
        and _is_response(response)
    )


class OnSpec:
    """Passes the events of a sound answer on: in their order, of known items, with complete usage.

    `keep` gets the response that ends the answer.
    """

    def __init__(self) -> None:
        self.keep: Callable[[Body], None] | None = None
        self._response: Body = {}
        self._next = 0  # number of an event
        self._counted = False  # the newest event already, because it may pass as it is
        self._done: list[Body] = []

    def changes(self) -> Changes:
        return NO_CHANGES

    def concerns(self, events: bytes) -> bool:
        number = _NUMBER.search(events)
        self._counted = number is not None and int(number[1]) == self._next
        self._next += self._counted
        return not self._counted

    def chunk(self, chunk: Body, *, first: bool) -> list[Body]:
        self._next -= self._counted
        self._counted = False
        kind = chunk.get("type")
        if type(kind) is not str:
            return []
        if kind in shape.TEXTS:
            if type(chunk.get("delta")) is not str:
                return []
        else:
            chunk = self._other(kind, chunk)
        number, self._next = self._next, self._next + 1
        if number == 0 and type(given := chunk.get("sequence_number")) is int:
            self._next = given + 1
            return [chunk]
        return [chunk if chunk.get("sequence_number") == number else {**chunk, "sequence_number": number}]

    def end(self) -> list[Body]:
        return []

    def whole(self, decoded: Body) -> Body:
        edited = _with_usage(decoded)
        if self.keep is not None:
            self.keep(edited)
        return edited

    def fail(self, error: HttpError) -> bytes:
        """Return the event that ends a stream that cannot continue."""
        if not self._response:
            return failure("resp_0", error)
        how = failed("server_error", error.message)
        response = {**self._response, "output": self._done, **how.fields}
        return Events(self._next).event(b"failed", b'"response":' + orjson.dumps(response))

    def _other(self, kind: str, chunk: Body) -> Body:
        if kind == "response.output_item.done" and isinstance(item := chunk.get("item"), dict):
            self._done.append(item)
        response = chunk.get("response")
        if not isinstance(response, dict):
            return chunk
        if kind not in shape.LAST:
            self._response = response
            return chunk
        edited = _with_usage(response)
        if not edited.get("output") and self._done:
            edited = {**edited, "output": self._done}
        if self.keep is not None:
            self.keep(edited)
        return chunk if edited is response else {**chunk, "response": edited}


def _with_usage(response: Body) -> Body:
    """Return the response with all details of its usage; the same object if it has them."""
    usage = response.get("usage")
    if not isinstance(usage, dict):
        return response
    given, said = usage.get("input_tokens_details"), usage.get("output_tokens_details")
    into: Any = given if isinstance(given, dict) else {}
    out: Any = said if isinstance(said, dict) else {}
    if "cached_tokens" in into and "reasoning_tokens" in out and "total_tokens" in usage:
        return response
    counts = [
        value if type(value := usage.get(name)) is int else 0 for name in ("input_tokens", "output_tokens")
    ]
    complete = {
        "input_tokens": counts[0],
        "output_tokens": counts[1],
        "total_tokens": sum(counts),
        **{name: value for name, value in usage.items() if type(value) is int},
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0, **into},
        "output_tokens_details": {"reasoning_tokens": 0, **out},
    }
    return {**response, "usage": {**usage, **complete}}


def _is_response(response: Body) -> bool:
    return all(isinstance(response.get(name), types) for name, types in _FIELDS.items())


def _is_item(item: object) -> bool:
    return isinstance(item, dict) and bool(
        json_values.words(item.get("type")) and json_values.words(item.get("id"))
    )
