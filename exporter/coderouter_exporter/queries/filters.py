"""Which requests are meant: the filters that requests and sessions share, and their order."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from coderouter_exporter.rows.tables import OPEN

NOT_FAILED = ("ok", OPEN)
NOT_OURS = (*NOT_FAILED, "client_error", "client_gone")
"""Those, and what the client ended itself."""
COLUMNS = {
    "outcome": "outcome",
    "provider": "provider",
    "model": "model",
    "profile": "profile",
    "agent": "agent",
    "session": "session",
    "ingress": "ingress",
    "class": "request_class",
}
"""The columns by the name of their filter."""

_ERROR = "ifnull(error_type || ': ', '') || ifnull(error, '')"
"""As it is shown."""

After = tuple[float | None, str | int] | None
"""The sort value and the key of the last entry of a page; None if nothing follows it."""


@dataclass(frozen=True, kw_only=True)
class Filters:
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By name of the filter: one of these values; an empty one means that there is none."""
    error: str = ""
    """Is contained in the error or in its type, whatever the case."""
    failed: bool = False
    since: float | None = None
    until: float | None = None

    def where(self) -> tuple[str, list[object]]:
        """Return the condition, and its parameters."""
        conditions: list[str] = []
        parameters: list[object] = []
        for name, values in self.values.items():
            is_one = f"{COLUMNS[name]} IN ({', '.join('?' * len(values))})"
            conditions.append(f"({is_one} OR {COLUMNS[name]} IS NULL)" if "" in values else is_one)
            parameters += values
        if self.error:
            conditions.append(f"(error IS NOT NULL OR error_type IS NOT NULL) AND contains({_ERROR}, ?)")
            parameters.append(self.error.casefold())
        if self.failed:
            conditions.append(f"outcome NOT IN ({', '.join('?' * len(NOT_FAILED))})")
            parameters += NOT_FAILED
        if self.since is not None:
            conditions.append("at >= ?")
            parameters.append(self.since)
        if self.until is not None:
            conditions.append("at < ?")
            parameters.append(self.until)
        return " AND ".join(conditions) or "1", parameters


@dataclass(frozen=True, kw_only=True)
class Page:
    """A part of what matches: `limit` entries, after the one that `after` names by its sort value and its key."""

    sort: str = "time"
    descending: bool = True
    limit: int = 100
    after: After = None

    def cut(self, found: list[tuple[Any, ...]]) -> After:
        """Leave what is beyond the limit out of the rows, which begin with their key and end with their sort value.

        Return where the next page begins, if there is one.
        """
        if len(found) <= self.limit:
            return None
        del found[self.limit :]
        return found[-1][-1], found[-1][0]

    def clauses(self, value: str, key: str) -> tuple[str, list[object], str]:
        """Return the condition for the rest, its parameters, and the order; entries without a value are last."""
        comparison, direction = ("<", "DESC") if self.descending else (">", "ASC")
        order = f"{value} {direction} NULLS LAST, {key} {direction}"
        if self.after is None:
            return "1", [], order
        last, name = self.after
        if last is None:
            return f"({value} IS NULL AND {key} {comparison} ?)", [name], order
        condition = f"({value} {comparison} ? OR ({value} = ? AND {key} {comparison} ?) OR {value} IS NULL)"
        return condition, [last, last, name], order


class Export(NamedTuple):
    """What is exported as CSV or JSON Lines."""

    columns: Sequence[str]
    page: Callable[[sqlite3.Connection, Filters, Page], tuple[list[dict[str, Any]], After]]
    """Returns the entries of a page, and where the next one begins."""


def prepare(db: sqlite3.Connection) -> None:
    """Add the function that the filters use."""
    db.create_function("contains", 2, _contains, deterministic=True)


def _contains(text: str | None, casefolded: str) -> bool:
    return text is not None and casefolded in text.casefold()
