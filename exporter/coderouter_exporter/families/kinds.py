"""The kinds of metric families, and how a row declares what feeds it."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from coderouter_events.events import Event

MICRO = 1_000_000
"""Seconds and dollars are kept as whole millionths: sums come out the same in whatever order they are added."""

NANO = 1_000_000_000
"""For amounts that are often less than a millionth each."""

MISSING = -1
"""In a column of numbers: this record has none."""

Numbers = Sequence[int]


@dataclass(frozen=True)
class Field:
    """A label value taken from a field of the event."""

    name: str


@dataclass(frozen=True)
class EachOf(Field):
    """A label value taken from a list field of the event: each entry counts once."""


@dataclass(frozen=True)
class Mapped(Field):
    """A label value from a closed set: `values` maps what the field holds to it."""

    values: Mapping[str, str]
    default: str


def closed(name: str, values: tuple[str, ...]) -> Mapped:
    """Return the field's own value if it is in the set, else `other`: another version may write more."""
    return Mapped(name, {value: value for value in values}, default="other")


@dataclass(frozen=True)
class Derived:
    """A number computed from other fields: `sources` are their names, each with the scale of its column.

    `compute` takes the columns, in this order and then the `optional` ones, and returns one column in units of the
    family. It is not called when one of `sources` is empty, as a column is in which no record has a number.
    """

    sources: tuple[tuple[str, int], ...]
    compute: Callable[..., Numbers]
    optional: tuple[tuple[str, int], ...] = ()


def source_fields(number: str | Derived) -> tuple[str, ...]:
    """Return the fields of an event that the number is computed from."""
    if isinstance(number, str):
        return (number,)
    return tuple(name for name, _ in (*number.sources, *number.optional))


@dataclass(frozen=True)
class Sum:
    """The number in a field: added to a counter, observed by a histogram; nothing when the event has none."""

    field: str | Derived


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
    """Every larger integer, as a condition of `Feed.where`."""

    number: int

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int) and value > self.number


class _Given(Container[object]):
    def __contains__(self, value: object) -> bool:
        return value is not None


GIVEN = _Given()
"""Any value, as a condition of `Feed.where`: the event has the field."""


@dataclass(frozen=True)
class Feed:
    """An event that adds to a family.

    `labels` are the label values, a `str` standing for itself. `adds` is what is added, None meaning one. With
    `where`, only events count whose fields have one of the given values.
    """

    event: type[Event]
    labels: tuple[Field | str, ...] = ()
    adds: Sum | Present | Absent | None = None
    where: Mapping[str, Container[object]] = field(default_factory=dict)

    def group_keys(self) -> Iterator[str]:
        """Yield the fields that decide whether and where the feed counts an event."""
        yield from self.where
        yield from (label.name for label in self.labels if isinstance(label, Field))

    def fields(self) -> Iterator[str]:
        """Yield all fields of the event that the feed reads."""
        yield from self.group_keys()
        if self.adds is not None:
            yield from source_fields(self.adds.field)


@dataclass(frozen=True)
class Providers:
    """The names of the providers in the newest configuration."""


@dataclass(frozen=True)
class Profiles:
    """The names of the profiles in the newest configuration."""


@dataclass(frozen=True, kw_only=True)
class Family:
    name: str
    help: str
    labels: tuple[str, ...] = ()

    def named(self, values: Sequence[str]) -> dict[str, str]:
        """Return the values of the labels by their names."""
        return dict(zip(self.labels, values, strict=True))


@dataclass(frozen=True, kw_only=True)
class Counter(Family):
    """A total that is kept in the state; fed by events, or counted by the exporter itself.

    The total is kept as an integer of 1/`scale`. `preset` lists, per label, the values that are served as 0 before
    their first event, so that `rate()` sees the first event.
    """

    feeds: tuple[Feed, ...] = ()
    preset: tuple[tuple[str, ...] | Providers | Profiles, ...] = ()
    scale: int = 1


@dataclass(frozen=True, kw_only=True)
class Histogram(Family):
    """The number of observations up to each bound, and their sum, kept as an integer of 1/`scale`.

    With `exemplars`, each bucket has the newest request that fell into it.
    """

    feeds: tuple[Feed, ...]
    buckets: tuple[float, ...]
    scale: int = MICRO
    exemplars: bool = False


@dataclass(frozen=True, kw_only=True)
class Gauge(Family):
    """A value computed at each scrape: `reads` is the attribute of the `View` that holds it.

    With labels, the attribute maps label values to values. A `live` gauge describes the serving process and is absent
    from the totals of closed files.
    """

    reads: str
    live: bool = False


AnyFamily = Counter | Histogram | Gauge


def families_of(module: Mapping[str, object]) -> tuple[AnyFamily, ...]:
    """Return the families among a module's names, in the order of their declaration."""
    return tuple(value for value in module.values() if isinstance(value, AnyFamily))
