"""The typed record of an event line, with every field that is counted or shown."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from coderouter_exporter.families.kinds import Feed
from coderouter_exporter.families.table import FED
from coderouter_exporter.records.values import as_bool, as_float, as_int, as_text, as_texts


class Record(msgspec.Struct, gc=False):
    """The fields of a line, of whichever event, that are counted or shown; the decoder skips the others.

    They are in the order of the longest line, in which the decoder finds them fastest.
    """

    ts: str = ""
    msg: str = ""
    writer: str | None = None
    seq: int | None = None
    request_id: str | None = None
    ingress: str | None = None
    profile: str | None = None
    stream: bool | None = None
    outcome: str | None = None
    status: int | None = None
    provider: str | None = None
    model: str | None = None
    attempts: int | None = None
    duration_s: float | None = None
    ttft_s: float | None = None
    overhead_s: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_creation_tokens: int | None = None
    cost_usd: float | None = None
    stop_reason: str | None = None
    agent: str | None = None
    retryable: bool | None = None
    error_type: str | None = None
    error: str | None = None
    dropped: Sequence[str] = ()
    filters: Sequence[str] = ()
    count: int | None = None
    rule_id: str | None = None
    resolved_profile: str | None = None
    in_flight: int | None = None
    seconds: float | None = None
    trait: str | None = None
    value: str | None = None
    reason: str | None = None
    remembered: bool | None = None
    faults: Sequence[str] = ()
    spent_usd: float | None = None
    budget_usd: float | None = None


Kind = TypeVar("Kind", bound=Record)

_TYPES: Mapping[object, tuple[Any, object]] = {
    str: (str | None, None),
    int: (int | None, None),
    float: (float | None, None),
    bool: (bool | None, None),
    list[str]: (Sequence[str], ()),
}
"""Type and default in a record, by the type in the event."""


def with_fields_of(feeds: Sequence[Feed]) -> type[Record]:
    """Return the record type with the fields that the feeds read and `Record` lacks.

    Raises:
        TypeError: a feed reads a field of a type that cannot be counted.
    """
    missing: dict[str, tuple[str, Any, object]] = {}
    for feed in feeds:
        for name in feed.fields():
            if name not in Record.__struct_fields__:
                missing[name] = (name, *_type_of(name, get_type_hints(feed.event)[name]))
    extended = msgspec.defstruct("Record", missing.values(), bases=(Record,), gc=False) if missing else Record
    assert issubclass(extended, Record)
    return extended


def _type_of(name: str, hint: object) -> tuple[Any, object]:
    alternatives = [kind for kind in get_args(hint) if kind is not NoneType]
    plain = alternatives[0] if NoneType in get_args(hint) and len(alternatives) == 1 else hint
    found = _TYPES.get(str if get_origin(plain) is Literal else plain)
    if found is None:
        raise TypeError(f"a metric family cannot read the field {name!r}: it is of type {hint}")
    return found


def leniently(fields: Mapping[str, object], kind: type[Kind]) -> Kind:
    """Return the record of a JSON object whose values are not all of the agreed types."""
    readers = _readers_of(kind)
    values: dict[str, Any] = {name: read(fields[name]) for name, read in readers.items() if name in fields}
    return kind(**values)


def _always_text(value: object) -> str:
    return as_text(value) or ""


DECODED = with_fields_of([feed for family in FED for feed in family.feeds])
"""The type that lines are decoded to."""

_READER_OF: Mapping[object, Callable[[object], Any]] = {
    str: _always_text,
    str | None: as_text,
    int | None: as_int,
    float | None: as_float,
    bool | None: as_bool,
    Sequence[str]: as_texts,
}


@cache
def _readers_of(kind: type[Record]) -> dict[str, Callable[[object], Any]]:
    return {name: _READER_OF[hint] for name, hint in get_type_hints(kind).items()}


class WholeRecord(DECODED, gc=False):  # type: ignore[misc, valid-type, call-arg] # made at run time
    """Also the fields that are kept of single requests; most lines are decoded without them, which is faster."""

    session: str | None = None
    request_class: str | None = None
    requested_model: str | None = None
    tool_calls: int | None = None
    had_tools: bool | None = None
    traceparent: str | None = None
    waited_s: float | None = None
    key_index: int | None = None
