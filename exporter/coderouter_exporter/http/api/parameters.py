"""The parameters of the API: what each may be, and how it is read."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, get_args

import orjson
from starlette.datastructures import QueryParams

from coderouter_events.closed_sets import Agent, Ingress, Outcome, RequestClass
from coderouter_exporter.queries.choices import SPEND_BY, STEP_MINUTES
from coderouter_exporter.queries.filters import COLUMNS, Filters, Page
from coderouter_exporter.rows.tables import LOST, OPEN

VALUES_MAX = 100
VALUE_CHARS_MAX = 500
LIMIT_MAX = 1000
LIMIT = 100
INTEGER_MAX = (1 << 63) - 1
"""Of SQLite."""
SORTS = ("time", "duration", "ttft", "cost", "tokens")
FORMATS = ("json", "csv", "jsonl")

_AGO = re.compile(r"([0-9]{1,9})(s|m|h|d)")
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_OUTCOMES = (*get_args(Outcome), "other", OPEN, LOST)


class BadParameter(Exception):
    """A parameter is unknown or has a value that is not allowed; the message says which, and what is allowed."""


@dataclass(frozen=True)
class Parameter:
    """One parameter; `read` raises a ValueError with what is allowed."""

    name: str
    help: str
    read: Callable[[str], Any]
    repeats: bool = False
    default: Any = None


def read(known: Sequence[Parameter], given: QueryParams) -> dict[str, Any]:
    """Return the values by name.

    Raises:
        BadParameter
    """
    by_name = {parameter.name: parameter for parameter in known}
    for name in given:
        if name not in by_name:
            names = ", ".join(by_name)
            raise BadParameter(
                f"unknown parameter {name[:VALUE_CHARS_MAX]!r}; known parameters: {names or 'none'}"
            )
    return {name: _values(parameter, given.getlist(name)) for name, parameter in by_name.items()}


def _values(parameter: Parameter, given: Sequence[str]) -> object:
    if not given:
        return parameter.default
    most = VALUES_MAX if parameter.repeats else 1
    if len(given) > most:
        raise BadParameter(f"{parameter.name} is given {len(given)} times; at most {most} is allowed")
    found = []
    for value in given:
        try:
            if len(value) > VALUE_CHARS_MAX:
                raise ValueError(f"at most {VALUE_CHARS_MAX} characters")
            found.append(parameter.read(value))
        except ValueError as error:
            raise BadParameter(f"{parameter.name}={value[:VALUE_CHARS_MAX]}: must be {error}") from error
    return found if parameter.repeats else found[0]


def one_of(*allowed: str) -> Callable[[str], str]:
    def choose(value: str) -> str:
        if value not in allowed:
            raise ValueError(", ".join(name or "nothing" for name in allowed))
        return value

    return choose


def _time(value: str) -> float:
    """Return a Unix time."""
    if (ago := _AGO.fullmatch(value)) is not None:
        return datetime.now(UTC).timestamp() - int(ago[1]) * _UNITS_S[ago[2]]
    try:
        given = datetime.fromisoformat(value.replace(" ", "+"))  # `+` in an address is a space
        return (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise ValueError("a time such as 2026-11-25T10:00:00Z, or an age such as 2h, 30m, 7d") from error


def _limit(value: str) -> int:
    if not re.fullmatch("[0-9]{1,4}", value) or not 1 <= int(value) <= LIMIT_MAX:
        raise ValueError(f"1 to {LIMIT_MAX}")
    return int(value)


def _by(value: str) -> tuple[str, ...]:
    names = tuple(value.split(","))
    if len(set(names)) < len(names) or not set(names) <= SPEND_BY.keys():
        raise ValueError(f"some of {', '.join(SPEND_BY)}, each once, separated by commas")
    return names


def _closed(*kinds: object) -> Callable[[str], str]:
    return one_of(*dict.fromkeys((*(value for kind in kinds for value in get_args(kind)), "other", "")))


_READERS: Mapping[str, Callable[[str], str]] = {
    "outcome": one_of(*_OUTCOMES),
    "agent": _closed(Agent),
    "ingress": _closed(Ingress),
    "class": _closed(RequestClass),
}
FILTERS = (
    *(
        Parameter(
            name,
            f"Of this {name}; repeat it for several, empty for none.",
            _READERS.get(name, str),
            repeats=True,
        )
        for name in COLUMNS
    ),
    Parameter("error", "The error or its type contains this text, in upper or lower case.", str),
    Parameter("failed", "1: the outcome is neither `ok` nor `open`.", one_of("0", "1")),
    Parameter("since", "From this time on: RFC 3339, or `2h`, `30m`, `7d` ago.", _time),
    Parameter("until", "Before this time.", _time),
)
PAGES = (
    Parameter(
        "sort",
        f"{', '.join(f'`{name}`' for name in SORTS)}; with `-` before it, the largest first. Default: `-time`.",
        one_of(*SORTS, *(f"-{name}" for name in SORTS)),
        default="-time",
    ),
    Parameter(
        "limit", f"Entries in the answer, at most {LIMIT_MAX}. Default: {LIMIT}.", _limit, default=LIMIT
    ),
    Parameter("cursor", "`next` of the previous answer, for what follows it.", str),
)
FORMAT = Parameter(
    "format",
    "`json`, or all that match as `csv` or `jsonl` (a row on each line).",
    one_of(*FORMATS),
    default="json",
)
HOURS = Parameter(
    "hours", f"{', '.join(map(str, STEP_MINUTES))}. Default: 1.", one_of(*map(str, STEP_MINUTES)), default="1"
)
SPEND = (
    Parameter(
        "by", f"Some of {', '.join(f'`{name}`' for name in SPEND_BY)}. Default: `day`.", _by, default=("day",)
    ),
    Parameter("since", "From the day of this time on.", _time),
    Parameter("until", "To the day of this time.", _time),
    Parameter("format", "`json` or `csv`.", one_of("json", "csv"), default="json"),
)


def filters_of(values: Mapping[str, Any]) -> Filters:
    return Filters(
        values={name: values[name] for name in COLUMNS if values[name]},
        error=values["error"] or "",
        failed=values["failed"] == "1",
        since=values["since"],
        until=values["until"],
    )


def page_of(values: Mapping[str, Any], key: type[int] | type[str]) -> Page:
    """Return the page; `key` is the type of the key in its cursor.

    Raises:
        BadParameter: the cursor is not one, or of another order.
    """
    sort: str = values["sort"]
    page = Page(sort=sort.removeprefix("-"), descending=sort.startswith("-"), limit=values["limit"])
    if values["cursor"] is None:
        return page
    try:
        of, value, name = orjson.loads(base64.urlsafe_b64decode(values["cursor"]))
    except (ValueError, TypeError) as error:  # the latter of what is not a list
        raise BadParameter("cursor: must be `next` of an answer, unchanged") from error
    if of != sort or not isinstance(value, (int, float, type(None))) or not isinstance(name, key):
        raise BadParameter("cursor: must be `next` of an answer with the same sort")
    if any(isinstance(number, int) and abs(number) > INTEGER_MAX for number in (value, name)):
        raise BadParameter("cursor: must be `next` of an answer, unchanged")
    return Page(sort=page.sort, descending=page.descending, limit=page.limit, after=(value, name))


def cursor_of(sort: str, after: tuple[float | None, str | int] | None) -> str | None:
    return None if after is None else base64.urlsafe_b64encode(orjson.dumps([sort, *after])).decode()
