"""The kinds of metric families, and how one says what feeds it."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from coderouter_events.events import Event

MICRO = 1_000_000
"""Seconds and dollars are kept as whole millionths: sums come out the same in whatever order they are added."""


@dataclass(frozen=True)
class Field:
    """A label value taken from a field of the event."""

    name: str


@dataclass(frozen=True)
class EachOf(Field):
    """A label value taken from a list field of the event: each entry counts once."""


@dataclass(frozen=True)
class Mapped(Field):
    """A label value from a closed set: the set's word for what the field says."""

    words: Mapping[str, str]
    otherwise: str


@dataclass(frozen=True)
class Sum:
    """The number in a field: added to a counter, observed by a histogram; nothing where the event has none."""

    field: str


@dataclass(frozen=True)
class Present:
    """One, if the field has a value."""

    field: str


@dataclass(frozen=True)
class Absent:
    """One, if the field has no value."""

    field: str


@dataclass(frozen=True)
class GreaterThan(Container[object]):
    """Stands for all larger whole numbers, in `given`."""

    number: int

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int) and value > self.number


@dataclass(frozen=True)
class Feed:
    """An event that adds to a family.

    `values` are the label values, a `str` standing for itself; `adds` is what is added, None meaning one. Only events
    count whose fields have one of the values `given`.
    """

    event: type[Event]
    values: tuple[Field | str, ...] = ()
    adds: Sum | Present | Absent | None = None
    given: Mapping[str, Container[object]] = field(default_factory=dict)


@dataclass(frozen=True)
class Providers:
    """Stands for the names of the providers of the newest startup."""


@dataclass(frozen=True)
class Profiles:
    """Stands for the names of the profiles of the newest startup."""


@dataclass(frozen=True, kw_only=True)
class Family:
    name: str
    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Counter(Family):
    """A total that is kept in the state; fed by events, or counted by the exporter itself.

    The total is kept as an integer of 1/`scale`. `known` gives, per label, the values that are served as 0 before
    their first event: `rate()` then sees the first one happen.
    """

    feeds: tuple[Feed, ...] = ()
    known: tuple[tuple[str, ...] | Providers | Profiles, ...] = ()
    scale: int = 1


@dataclass(frozen=True, kw_only=True)
class Histogram(Family):
    """How many observations were at most as large as each bound, and their sum, kept as an integer of 1/`scale`.

    With `exemplars` each bucket remembers the newest request that fell into it.
    """

    feeds: tuple[Feed, ...]
    buckets: tuple[float, ...]
    scale: int = MICRO
    exemplars: bool = False


@dataclass(frozen=True, kw_only=True)
class Gauge(Family):
    """A value worked out at the scrape. A live one tells about the process, so finished files have none."""

    live: bool = False


Declared = Counter | Histogram | Gauge


def declared(names: Mapping[str, object]) -> tuple[Declared, ...]:
    """Return the families among a module's names, in the order in which they were declared."""
    return tuple(value for value in names.values() if isinstance(value, Declared))
