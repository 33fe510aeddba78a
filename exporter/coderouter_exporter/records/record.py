"""The typed record of an event line, with every field that is counted or shown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields as fields_of
from types import NoneType
from typing import Any, ClassVar, Literal, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from coderouter_events.events import EVENTS, Event
from coderouter_exporter.families.events_2x import EVENTS_2X
from coderouter_exporter.families.kinds import Feed
from coderouter_exporter.families.table import FED
from coderouter_exporter.records.values import as_bool, as_counts, as_float, as_int, as_text, as_texts


class Record(msgspec.Struct, gc=False):
    """What every line has, and what is shown of lines of any event.

    `RECORDS` has a type for each event with the fields that it has. The others are class variables there, so that
    they can be read of any record and take neither time nor memory.
    """

    ts: str = ""
    writer: str | None = None
    seq: int | None = None
    msg: ClassVar[str] = ""
    request_id: ClassVar[str | None] = None
    ingress: ClassVar[str | None] = None
    profile: ClassVar[str | None] = None
    stream: ClassVar[bool | None] = None
    outcome: ClassVar[str | None] = None
    status: ClassVar[int | None] = None
    provider: ClassVar[str | None] = None
    model: ClassVar[str | None] = None
    attempts: ClassVar[int | None] = None
    duration_s: ClassVar[float | None] = None
    ttft_s: ClassVar[float | None] = None
    overhead_s: ClassVar[float | None] = None
    input_tokens: ClassVar[int | None] = None
    output_tokens: ClassVar[int | None] = None
    cache_read_tokens: ClassVar[int | None] = None
    cache_creation_tokens: ClassVar[int | None] = None
    cost_usd: ClassVar[float | None] = None
    cache_savings_usd: ClassVar[float | None] = None
    stop_reason: ClassVar[str | None] = None
    agent: ClassVar[str | None] = None
    session: ClassVar[str | None] = None
    request_class: ClassVar[str | None] = None
    requested_model: ClassVar[str | None] = None
    tool_calls: ClassVar[int | None] = None
    had_tools: ClassVar[bool | None] = None
    traceparent: ClassVar[str | None] = None
    waited_s: ClassVar[float | None] = None
    key_index: ClassVar[int | None] = None
    retryable: ClassVar[bool | None] = None
    error_type: ClassVar[str | None] = None
    error: ClassVar[str | None] = None
    result: ClassVar[str | None] = None
    dropped: ClassVar[Sequence[str]] = ()
    filters: ClassVar[Sequence[str]] = ()
    count: ClassVar[int | None] = None
    rule_id: ClassVar[str | None] = None
    resolved_profile: ClassVar[str | None] = None
    in_flight: ClassVar[int | None] = None
    provider_in_flight: ClassVar[Mapping[str, int]] = {}
    provider_waiting: ClassVar[Mapping[str, int]] = {}
    seconds: ClassVar[float | None] = None
    trait: ClassVar[str | None] = None
    value: ClassVar[str | None] = None
    reason: ClassVar[str | None] = None
    remembered: ClassVar[bool | None] = None
    faults: ClassVar[Sequence[str]] = ()
    spent_usd: ClassVar[float | None] = None
    budget_usd: ClassVar[float | None] = None
    needed_tokens: ClassVar[int | None] = None
    window_tokens: ClassVar[int | None] = None
    repeats: ClassVar[int | None] = None
    action: ClassVar[str | None] = None
    pre_attempt: ClassVar[bool | None] = None
    hop_index: ClassVar[int | None] = None
    to_provider: ClassVar[str | None] = None
    usage_ratio: ClassVar[float | None] = None
    latency_ms: ClassVar[float | None] = None


class Unknown(Record, gc=False):
    """A line of an event that is not in `RECORDS`."""

    event: str = msgspec.field(name="msg", default="")


_TYPES: Mapping[object, tuple[Any, object]] = {
    str: (str | None, None),
    int: (int | None, None),
    float: (float | None, None),
    bool: (bool | None, None),
    list[str]: (Sequence[str], ()),
}
"""Type and default in a record, by the type in the event."""

_SHOWN: Mapping[str, Any] = {
    name: get_args(hint)[0] for name, hint in get_type_hints(Record).items() if get_origin(hint) is ClassVar
}


def record_of(name: str, events: Iterable[type[Event]], feeds: Iterable[Feed]) -> type[Record]:
    """Return the type of the records of the events of this name: with fields that are shown, or that feeds read.

    They are in the order of the event, in which the decoder finds them fastest.

    Raises:
        TypeError: a feed reads a field of a type that cannot be counted.
    """
    counted = {field for feed in feeds if feed.event.msg == name for field in feed.fields()}
    hints = {
        field.name: get_type_hints(event)[field.name]
        for event in events
        if event.msg == name
        for field in fields_of(event)
        if field.name in _SHOWN or field.name in counted
    }
    kind = msgspec.defstruct(
        "Record",
        [(field, *_type_of(field, hint)) for field, hint in hints.items()],
        bases=(Record,),
        tag_field="msg",
        tag=name,
        namespace={"msg": name},
        gc=False,
    )
    return cast("type[Record]", kind)


def _type_of(name: str, hint: object) -> tuple[Any, object]:
    if name in _SHOWN:
        return _SHOWN[name], getattr(Record, name)
    alternatives = [kind for kind in get_args(hint) if kind is not NoneType]
    plain = alternatives[0] if NoneType in get_args(hint) and len(alternatives) == 1 else hint
    found = _TYPES.get(str if get_origin(plain) is Literal else plain)
    if found is None:
        raise TypeError(f"a metric family cannot read the field {name!r}: it is of type {hint}")
    return found


_EVENTS = (*EVENTS, *EVENTS_2X)
RECORDS: Mapping[str, type[Record]] = {
    name: record_of(name, _EVENTS, [feed for family in FED for feed in family.feeds])
    for name in dict.fromkeys(event.msg for event in _EVENTS)
}
"""The type of the records of each event, by its name."""

_of_event = msgspec.json.Decoder(Union[tuple(RECORDS.values())])  # noqa: UP007 - made of a tuple
_of_unknown = msgspec.json.Decoder(Unknown)

encode_records: Callable[[Sequence[Record]], bytes] = msgspec.msgpack.Encoder().encode
"""Encodes records of known events, for `decode_records`; raises OverflowError for a number beyond 64 bits."""
decode_records: Callable[[bytes], list[Record]] = msgspec.msgpack.Decoder(
    list[Union[tuple(RECORDS.values())]]  # type: ignore[misc] # noqa: UP007 - made of a tuple
).decode
decode_lines: Callable[[bytes], list[Record]] = _of_event.decode_lines
"""Decodes lines of known events; raises what `decode` does, also for one of another event."""


def decode(line: bytes) -> Record:
    """Return the record of a line.

    Raises:
        ValueError: it is not JSON, or a value is not of the agreed type.
        RecursionError: it is nested too deep.
    """
    try:
        return cast("Record", _of_event.decode(line))
    except msgspec.ValidationError:
        record = _of_unknown.decode(line)
        if record.event in RECORDS:
            raise
        return record


def leniently(fields: Mapping[str, object]) -> Record:
    """Return the record of a JSON object whose values are not all of the agreed types."""
    kind = RECORDS.get(as_text(fields.get("msg")) or "", Unknown)
    return kind(**{name: read(fields[name]) for name, read in _READERS[kind].items() if name in fields})


def _always_text(value: object) -> str:
    return as_text(value) or ""


_READER_OF: Mapping[object, Callable[[object], Any]] = {
    str: _always_text,
    str | None: as_text,
    int | None: as_int,
    float | None: as_float,
    bool | None: as_bool,
    Sequence[str]: as_texts,
    Mapping[str, int]: as_counts,
}
_KINDS: tuple[type[Record], ...] = (*RECORDS.values(), Unknown)
_READERS: Mapping[type[Record], Mapping[str, Callable[[object], Any]]] = {
    kind: {field.name: _READER_OF[field.type] for field in msgspec.structs.fields(kind)} for kind in _KINDS
}
