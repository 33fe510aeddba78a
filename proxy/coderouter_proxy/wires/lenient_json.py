"""JSON that is not quite JSON: with halves of characters, NaN, control characters, or bytes that are not UTF-8."""

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from coderouter_proxy.request import Body

SIZE_TO_CHECK = 1024 * 1024
CONTAINERS_MAX = 200_000
VALUES_MAX = 1_000_000
"""Of one JSON text: decoding more would hold the event loop for too long."""
NESTING_MAX = 200
"""Levels; orjson reads more of them than it writes."""

REPLACEMENT = "\ufffd"
_HALVES = re.compile("[\ud800-\udfff]")
_INT64_DIGITS = 18


def loads(data: bytes) -> tuple[object, bool]:
    """Return the value in a JSON text, and whether every parser reads that text.

    What is not JSON becomes null (NaN, Infinity) or U+FFFD (bytes that are not UTF-8). Texts may hold lone halves of
    characters, which not even orjson can write.

    Raises:
        ValueError: it cannot be read.
    """
    containers = data.count(b"[") + data.count(b"{")
    if len(data) > SIZE_TO_CHECK and (
        containers > CONTAINERS_MAX or containers + data.count(b",") > VALUES_MAX
    ):
        raise ValueError("too many values")
    value, exact = _decoded(data)
    if containers > NESTING_MAX and _is_deep(value):
        raise ValueError("nested too deeply")
    return value, exact


def _decoded(data: bytes) -> tuple[object, bool]:
    try:
        return orjson.loads(data), True
    except orjson.JSONDecodeError:
        pass
    text = data.replace(b"\0", b"").decode(errors="replace")
    try:
        value = json.loads(text, strict=False, parse_constant=_null, parse_int=_number, parse_float=_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value, False


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


class SplitCharacters:
    """Joins the halves of characters that a provider has sent in two chunks, each at the end or begin of a text.

    A chunk whose text ends in the middle of a character is held back until the next one.
    """

    def __init__(self) -> None:
        self.holds = False
        self._held: Body | None = None

    def feed(self, chunk: Body) -> list[Body]:
        """Return the chunks that are certain by now, without halves; the chunk is changed."""
        ready = []
        texts = _texts(chunk)
        if self._held is not None:
            _join(_texts(self._held), texts)
            ready = self.end()
        if any(_ends_with_half(container[key]) for container, key in texts.values()):
            self._held, self.holds = chunk, True
            return ready
        return [*ready, whole(chunk)]

    def end(self) -> list[Body]:
        """Return the chunk that was held back."""
        held, self._held, self.holds = self._held, None, False
        return [] if held is None else [whole(held)]


def whole(value: Body) -> Body:
    """Return the value with U+FFFD for each half of a character in its texts; it is changed."""
    for container, key in _texts(value).values():
        container[key] = _HALVES.sub(REPLACEMENT, container[key])
    return value


_Texts = dict[tuple[Any, ...], tuple[Any, Any]]


def _texts(value: Body) -> _Texts:
    """Return the container and the key of each text, by its path; what has an `index` is found by that."""
    return {path: (container, key) for path, container, key in _walk(value)}


def _walk(value: Body) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    waiting: list[tuple[tuple[Any, ...], Any]] = [((), value)]
    while waiting:
        path, container = waiting.pop()
        items = container.items() if isinstance(container, dict) else enumerate(container)
        for key, inner in items:
            if isinstance(inner, str):
                yield (*path, key), container, key
            elif isinstance(inner, dict | list):
                number = inner.get("index") if isinstance(inner, dict) else None
                waiting.append(((*path, number if isinstance(number, int) else key), inner))


def _ends_with_half(text: str) -> bool:
    """Return whether the text ends with the first half of a character."""
    return "\ud800" <= text[-1:] <= "\udbff"


def _join(before: _Texts, after: _Texts) -> None:
    for path, (container, key) in before.items():
        text = container[key]
        if path in after and _ends_with_half(text):
            next_container, next_key = after[path]
            following = next_container[next_key]
            if following and "\udc00" <= following[0] <= "\udfff":
                pair = (text[-1] + following[0]).encode("utf-16", "surrogatepass").decode("utf-16")
                container[key] = text[:-1] + pair
                next_container[next_key] = following[1:]


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(NESTING_MAX):
        inner = [
            each
            for container in level
            if isinstance(container, dict | list)
            for each in (container.values() if isinstance(container, dict) else container)
        ]
        if not inner:
            return False
        level = inner
    return True


def _null(_name: str) -> None:
    return None


def _number(text: str) -> int | float:
    return int(text) if len(text) <= _INT64_DIGITS and text.lstrip("-").isdigit() else float(text)
