"""The description of a panel, from which Grafana's JSON is built."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from string import ascii_uppercase

GOOD, WARNING, BAD, NOTICE, NEUTRAL = "green", "orange", "red", "yellow", "blue"


class Kind(Enum):
    """How a panel draws what its queries return."""

    STAT = auto()
    LINES = auto()
    STACK = auto()
    BARS = auto()
    GAUGE = auto()
    HEATMAP = auto()
    TIMELINE = auto()
    TABLE = auto()


@dataclass(frozen=True)
class Query:
    """One expression. `legend` names its series, or its column in a table; `unit` is for a column only."""

    expr: str
    legend: str = ""
    unit: str = ""


@dataclass(frozen=True)
class State:
    """The text and colour that stand for a value."""

    value: int
    text: str
    colour: str


@dataclass(frozen=True, kw_only=True)
class Panel:
    """`colours` are those of series, by name; at `warn_at` and `bad_at` a value changes its colour.

    `width` is in 24ths of the page, and `most` is the end of a gauge. `requests` are the filters of the exporter's
    own page, on which a click shows the requests behind a series.
    """

    title: str
    description: str
    unit: str
    kind: Kind = Kind.LINES
    width: int = 8
    queries: tuple[Query, ...]
    states: tuple[State, ...] = ()
    colours: Mapping[str, str] = field(default_factory=dict)
    warn_at: float | None = None
    bad_at: float | None = None
    most: float | None = None
    requests: str = ""

    @property
    def needs_traffic(self) -> bool:
        """Whether it shows nothing because nothing happens, rather than because nothing is known."""
        return any(rated in query.expr for query in self.queries for rated in ("rate(", "increase("))

    @property
    def lettered(self) -> list[tuple[str, Query]]:
        """The queries with the letters by which Grafana refers to them."""
        return list(zip(ascii_uppercase, self.queries, strict=False))


@dataclass(frozen=True)
class Row:
    title: str
    panels: tuple[Panel, ...]
