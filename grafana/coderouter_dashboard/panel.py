"""What a panel is, before it becomes Grafana's JSON."""

from dataclasses import dataclass
from enum import Enum, auto

GOOD, WARNING, BAD = "green", "orange", "red"


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
    """One expression. `legend` names its series, or the column of a table; `unit` is only for the latter."""

    expr: str
    legend: str = ""
    unit: str = ""


@dataclass(frozen=True)
class State:
    """What a value is called and how it is coloured."""

    value: int
    text: str
    colour: str


@dataclass(frozen=True, kw_only=True)
class Panel:
    """`warn_at` and `bad_at` colour the value from there on; `width` is in 24ths of the page."""

    title: str
    description: str
    unit: str
    kind: Kind = Kind.LINES
    width: int = 8
    queries: tuple[Query, ...]
    states: tuple[State, ...] = ()
    warn_at: float | None = None
    bad_at: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Row:
    title: str
    panels: tuple[Panel, ...]
