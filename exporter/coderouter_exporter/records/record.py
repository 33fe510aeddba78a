"""The typed record of an event line, with every field that is counted or shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from coderouter_exporter.families.events_2x import NAMES_2X, fields_2x
from coderouter_exporter.families.kinds import Feed
from coderouter_exporter.families.table import FED
from coderouter_exporter.records.values import as_bool, as_counts, as_float, as_int, as_text, as_texts


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
    cache_savings_usd: float | None = None
    stop_reason: str | None = None
    agent: str | None = None
    retryable: bool | None = None
    error_type: str | None = None
    error: str | None = None
    result: str | None = None
    dropped: Sequence[str] = ()
    filters: Sequence[str] = ()
    count: int | None = None
    rule_id: str | None = None
    resolved_profile: str | None = None
    in_flight: int | None = None
    provider_in_flight: Mapping[str, int] = {}
    provider_waiting: Mapping[str, int] = {}
    seconds: float | None = None
    trait: str | None = None
    value: str | None = None
    reason: str | None = None
    remembered: bool | None = None
    faults: Sequence[str] = ()
    spent_usd: float | None = None
    budget_usd: float | None = None


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
    missing = {
        name: get_type_hints(feed.event)[name]
        for feed in feeds
        for name in feed.fields()
        if name not in Record.__struct_fields__
    }
    return _extended(Record, missing)


def _extended(record: type[Record], hints: Mapping[str, Any]) -> type[Record]:
    missing = [
        (name, *_type_of(name, hint)) for name, hint in hints.items() if name not in record.__struct_fields__
    ]
    extended = msgspec.defstruct("Record", missing, bases=(record,), gc=False) if missing else record
    assert issubclass(extended, Record)
    return extended


def _type_of(name: str, hint: object) -> tuple[Any, object]:
    alternatives = [kind for kind in get_args(hint) if kind is not NoneType]
    plain = alternatives[0] if NoneType in get_args(hint) and len(alternatives) == 1 else hint
    found = _TYPES.get(str if get_origin(plain) is Literal else plain)
    if found is None:
        raise TypeError(f"a metric family cannot read the field {name!r}: it is of type {hint}")
    return found


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


@dataclass(frozen=True)
class Decoder:
    """Decodes lines to one type of record."""

    record: type[Record]

    @cached_property
    def decode(self) -> Callable[[bytes], Record]:
        return msgspec.json.Decoder(self.record).decode

    @cached_property
    def _readers(self) -> dict[str, Callable[[object], Any]]:
        return {name: _READER_OF[kind] for name, kind in get_type_hints(self.record).items()}

    def leniently(self, fields: Mapping[str, object]) -> Record:
        """Return the record of a JSON object whose values are not all of the agreed types."""
        return self.record(
            **{name: read(fields[name]) for name, read in self._readers.items() if name in fields}
        )


PLAIN = Decoder(
    with_fields_of([feed for family in FED for feed in family.feeds if feed.event.msg not in NAMES_2X])
)
WITH_2X = Decoder(_extended(PLAIN.record, fields_2x()))
"""Also decodes the fields of the events of CodeRouter 2.x. Each further field slows down every line."""


class WholeRecord(PLAIN.record, gc=False):  # type: ignore[misc, name-defined, call-arg] # made at run time
    """Also the fields that are kept of single requests; most lines are decoded without them, which is faster."""

    session: str | None = None
    request_class: str | None = None
    requested_model: str | None = None
    tool_calls: int | None = None
    had_tools: bool | None = None
    traceparent: str | None = None
    waited_s: float | None = None
    key_index: int | None = None
    needed_tokens: int | None = None
    window_tokens: int | None = None
    repeats: int | None = None
    action: str | None = None


WHOLE = Decoder(WholeRecord)
