"""A format, and the pieces that several formats are made of."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Arguments = dict[str, Any]
Call = tuple[str, Arguments]


@dataclass(frozen=True)
class Format:
    name: str
    source: str
    """The template or document that specifies it."""
    write: Callable[[Sequence[Call]], str]
    """Write calls as the template renders parallel ones."""
    is_common: bool = False
    """Agents meet it daily: it gets every variant."""
    without: frozenset[str] = field(default_factory=frozenset)
    """Variants that it cannot express."""


def each(one: Callable[[str, Arguments], str], between: str = "\n") -> Callable[[Sequence[Call]], str]:
    """Return a writer that repeats the whole form for every call."""
    return lambda calls: between.join(one(name, arguments) for name, arguments in calls)


def wrapped(
    opener: str, one: Callable[[str, Arguments], str], closer: str, between: str = "\n"
) -> Callable[[Sequence[Call]], str]:
    """Return a writer that puts all calls between one opener and one closer."""
    inner = each(one, between)
    return lambda calls: opener + inner(calls) + closer


def numbered(
    opener: str, one: Callable[[int, str, Arguments], str], closer: str, between: str = "\n"
) -> Callable[[Sequence[Call]], str]:
    """Like `wrapped`, for forms that count the calls from 0."""

    def write(calls: Sequence[Call]) -> str:
        return opener + between.join(one(n, *call) for n, call in enumerate(calls)) + closer

    return write


def dumps(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def named(name_key: str, arguments_key: str, indent: int | None = None) -> Callable[[str, Arguments], str]:
    """Return a writer of a call as one JSON object with these two keys."""
    return lambda name, arguments: dumps({name_key: name, arguments_key: arguments}, indent)


hermes = named("name", "arguments")


def json_array(one: Callable[[str, Arguments], str], between: str = ", ") -> Callable[[Sequence[Call]], str]:
    return wrapped("[", one, "]", between)


def raw(value: object) -> str:
    """Return a string as it is, and anything else as JSON."""
    return value if isinstance(value, str) else dumps(value)


def python_raw(value: object) -> str:
    """Like `raw`, but as a template without `tojson` prints booleans."""
    return str(value) if isinstance(value, bool) else raw(value)


def parameters(
    arguments: Arguments, one: Callable[[str, Any], str], between: str = "\n", end: str = "\n"
) -> str:
    """Return the parameters, each followed by a separator, the last one by `end`."""
    return _joined((one(key, value) for key, value in arguments.items()), between, end)


def _joined(parts: Iterable[str], between: str, end: str) -> str:
    text = between.join(parts)
    return text + end if text else ""
