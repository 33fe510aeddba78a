"""Responses and their streams as the API reference specifies them, from servers that nearly write them so.

An answer that lacks more than what is completed here is not passed on but written again. `is_sound` decides that by its
first event, before anything is sent.
"""

import re
from collections.abc import Callable
from typing import Any, Final

import orjson

from coderouter_proxy.answer import NO_CHANGES, Changes
from coderouter_proxy.errors import HttpError
from coderouter_proxy.relay.on_spec.responses_run import Run
from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values
from coderouter_proxy.wires.responses import shape
from coderouter_proxy.wires.responses.answer_writer import failure
from coderouter_proxy.wires.responses.output_items import Events
from coderouter_proxy.wires.responses.response import failed

# Without one of these, clients reject the object.
_NAME: Final = re.compile(r"response\.[a-z_.]+")
_STRINGS: Final = {
    "function_call": ("call_id", "name", "arguments"),
    "custom_tool_call": ("call_id", "name", "input"),
}
"""Of calls, the fields that have to be texts."""
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
    """Passes the events of a sound answer on: numbered, each about an item that is open, and with complete usage.

    What has no place is left out. `keep` gets the response that ends the answer.
    """

    def __init__(self) -> None:
        self.keep: Callable[[Body], None] | None = None
        self._response: Body = {}
        self._next = 0  # number of an event
        self._calls = 0
        self._items: list[_Item] = []
        self._done: list[Body] = []
        self._run = Run()
        self._event = b""  # the newest one

    def changes(self) -> Changes:
        return NO_CHANGES

    def calls(self) -> int:
        return self._calls

    def continues(self, event: bytes) -> bool:
        """Return whether the event adds text like the one before, and has the next number; then it is counted."""
        if not self._run.continues(event, self._next):
            return False
        self._next += 1
        return True

    def concerns(self, events: bytes) -> bool:
        self._event = events
        return True

    def chunk(self, chunk: Body, *, first: bool) -> list[Body]:
        kind = chunk.get("type")
        if type(kind) is not str or not _NAME.fullmatch(kind) or not self._fits(kind, chunk):
            return []
        if kind in shape.LAST:
            chunk = self._ended(kind, chunk)
        number, self._next = self._next, self._next + 1
        if chunk.get("sequence_number") != number:
            chunk = {**chunk, "sequence_number": number}
        if kind in shape.TEXTS:
            self._run.learn(self._event, kind, chunk)
        else:
            self._run.over()
        return [chunk]

    def _fits(self, kind: str, chunk: Body) -> bool:
        """Return whether the event has its place here, and take note of what it begins or ends."""
        if kind in shape.LAST:
            return True
        if kind in shape.BEGIN:
            response = chunk.get("response")
            begins = kind == "response.created"
            if not isinstance(response, dict) or not _is_response(response) or begins != (not self._next):
                return False
            self._response = response
            return True
        index = chunk.get("output_index")
        if kind == "response.output_item.added":
            return index == len(self._items) and self._begins(chunk.get("item"))
        if type(index) is not int or not 0 <= index < len(self._items):
            return False
        item = self._items[index]
        if kind == "response.output_item.done":
            given = chunk.get("item")
            if item.done or not isinstance(given, dict) or given.get("id") != item.id or not _is_item(given):
                return False
            item.done = True
            self._done.append(given)
            return True
        return not item.done and chunk.get("item_id") == item.id and item.takes(kind, chunk)

    def _begins(self, given: object) -> bool:
        if not isinstance(given, dict) or not _is_item(given):
            return False
        self._items.append(_Item(given["id"], given["type"]))
        self._calls += given["type"] in shape.CALLS
        return True

    def end(self) -> list[Body]:
        return []

    def whole(self, decoded: Body) -> Body:
        edited = _with_usage(decoded)
        self._calls = _calls(edited["output"])
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

    def _ended(self, kind: str, chunk: Body) -> Body:
        """Return the event that ends the answer with all of the response, which clients may only read there."""
        response: Any = chunk.get("response")
        given: Body = response if isinstance(response, dict) else {}
        edited = given
        if not _is_response(given):
            edited = {**self._response, "usage": given.get("usage"), "status": kind.removeprefix("response.")}
        edited = _with_usage(edited)
        items = edited["output"]
        if (not items and self._done) or not all(map(_is_item, items)):
            edited = {**edited, "output": self._done}
        self._calls = max(self._calls, _calls(edited["output"]))
        if self.keep is not None:
            self.keep(edited)
        return chunk if edited is response else {**chunk, "response": edited}


class _Item:
    """An item of the answer: how many parts it has, by the name of their index."""

    def __init__(self, item_id: str, kind: str) -> None:
        self.id = item_id
        self.kind = kind
        self.done = False
        self._parts = {"content_index": 0, "summary_index": 0}

    def takes(self, kind: str, chunk: Body) -> bool:
        """Return whether an event of this item comes after what it is about."""
        text = shape.TEXTS.get(kind)
        if text is not None and (type(chunk.get("delta")) is not str or text[0] != self.kind):
            return False
        name = next((name for name in self._parts if name in chunk), None)
        if name is None:
            return self.kind not in ("message", "reasoning")
        index = chunk[name]
        if type(index) is not int:
            return False
        if not kind.endswith("_part.added"):
            return 0 <= index < self._parts[name] or kind.startswith("response.reasoning_text")
        if index != self._parts[name] or not isinstance(chunk.get("part"), dict):
            return False
        self._parts[name] += 1
        return True


def _with_usage(response: Body) -> Body:
    """Return the response with all details of its usage; the same object if it has them."""
    usage = response.get("usage")
    if not isinstance(usage, dict):
        return response if usage is None else {**response, "usage": None}
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


def _calls(items: list[Body]) -> int:
    return sum(item["type"] in shape.CALLS for item in items)


def _is_response(response: Body) -> bool:
    return all(isinstance(response.get(name), types) for name, types in _FIELDS.items())


def _is_item(item: object) -> bool:
    if not isinstance(item, dict) or not (json_values.words(item.get("id")) and item.get("type")):
        return False
    names = _STRINGS.get(json_values.words(item["type"]), ())
    is_list = item.get("type") != "message" or isinstance(item.get("content"), list)
    return is_list and isinstance(item["type"], str) and all(type(item.get(name)) is str for name in names)
