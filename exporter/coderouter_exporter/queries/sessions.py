"""Sessions: the requests of each one, summed up."""

import sqlite3
from typing import Any

from coderouter_exporter.queries.filters import NOT_OURS, After, Export, Filters, Page, prepare
from coderouter_exporter.queries.values import share, time_of, usd

_COLUMNS = {
    "session": "session",
    "agents": "group_concat(DISTINCT agent)",
    "first": "min(start)",
    "last": "max(at)",
    "requests": "count(*)",
    "failed": f"sum(outcome NOT IN ({', '.join(map(repr, NOT_OURS))}))",
    "input": "total(input_tokens)",
    "output": "total(output_tokens)",
    "cached": "total(cache_read_tokens)",
    "created": "total(cache_creation_tokens)",
    "micro_usd": "total(micro_usd)",
    "unknown_cost": "sum(outcome = 'ok' AND micro_usd IS NULL)",
    "fallbacks": "sum(ifnull(attempts, 0) > 1)",
    "ttft": "avg(ttft_s)",
}
SORTS = {
    "time": "last",
    "duration": "last - first",
    "ttft": "ttft",
    "cost": "micro_usd",
    "tokens": "input + output + cached + created",
}


def sessions(db: sqlite3.Connection, filters: Filters, page: Page) -> dict[str, Any]:
    """Return a page of the sessions with requests that match, and how many there are."""
    prepare(db)
    where, parameters = filters.where()
    (total,) = db.execute(
        f"SELECT count(DISTINCT session) FROM request WHERE session IS NOT NULL AND {where}", parameters
    ).fetchone()
    found, after = _page(db, filters, page)
    return {"sessions": found, "next": after, "total": total}


def _page(db: sqlite3.Connection, filters: Filters, page: Page) -> tuple[list[dict[str, Any]], After]:
    prepare(db)
    where, parameters = filters.where()
    columns = ", ".join(f"{expression} AS {name}" for name, expression in _COLUMNS.items())
    value = f"({SORTS[page.sort]})"
    rest, more, order = page.clauses(value, "session")
    found = db.execute(
        f"SELECT *, {value} FROM (SELECT {columns} FROM request WHERE session IS NOT NULL AND {where} "
        f"GROUP BY session) WHERE {rest} ORDER BY {order} LIMIT ?",
        (*parameters, *more, page.limit + 1),
    ).fetchall()
    after = page.cut(found)
    return [_session(values) for values in found], after


def _session(values: tuple[Any, ...]) -> dict[str, Any]:
    row = dict(zip(_COLUMNS, values, strict=False))
    prompt = int(row["input"] + row["cached"] + row["created"])
    return {
        "session": row["session"],
        "agent": row["agents"],
        "first": time_of(row["first"]),
        "last": time_of(row["last"]),
        "duration_s": round(row["last"] - row["first"], 3),
        "requests": row["requests"],
        "failed": row["failed"],
        "input_tokens": int(row["input"]),
        "output_tokens": int(row["output"]),
        "cache_read_tokens": int(row["cached"]),
        "cache_creation_tokens": int(row["created"]),
        "cache_share": share(int(row["cached"]), prompt),
        "cost_usd": usd(int(row["micro_usd"])),
        "unknown_cost": row["unknown_cost"],
        "fallbacks": row["fallbacks"],
    }


EXPORT = Export(
    (
        *("session", "agent", "first", "last", "duration_s", "requests", "failed", "fallbacks"),
        *("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens", "cache_share"),
        *("cost_usd", "unknown_cost"),
    ),
    _page,
)
