"""Requests: one by one with their tries, filtered and sorted."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from coderouter_exporter.queries.filters import After, Export, Filters, Page, prepare
from coderouter_exporter.queries.values import time_of, usd
from coderouter_exporter.rows import story
from coderouter_exporter.rows.story import Step, offset_s

SORTS = {
    "time": "at",
    "duration": "duration_s",
    "ttft": "ttft_s",
    "cost": "micro_usd",
    "tokens": "nullif(ifnull(input_tokens, 0) + ifnull(cache_read_tokens, 0) + ifnull(cache_creation_tokens, 0) "
    "+ ifnull(output_tokens, 0), 0)",
}
"""What is compared, by the name of the order."""
_AS_THEY_ARE = (
    *("request_id", "agent", "session", "request_class", "ingress", "profile", "requested_model", "provider"),
    *("model", "outcome", "status", "error_type", "error", "attempts", "key_index", "waited_s", "ttft_s"),
    *("duration_s", "input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens"),
    *("stop_reason", "tool_calls", "traceparent"),
)
_COLUMNS = ("id", "at", "start", "ended", "micro_usd", "stream", "had_tools", "steps", *_AS_THEY_ARE)
_SELECT = f"SELECT {', '.join(_COLUMNS)}"

CSV_COLUMNS = (
    *("ts", "started", *_AS_THEY_ARE, "cost_usd", "stream", "had_tools"),
    *("adapted", "repaired", "filtered", "degraded", "tries"),
)

Row = dict[str, Any]


def requests(db: sqlite3.Connection, filters: Filters, page: Page, kept_max: int) -> dict[str, Any]:
    """Return a page of the requests that match, how many do, and how far back they are kept."""
    prepare(db)
    where, parameters = filters.where()
    (total,) = db.execute(f"SELECT count(*) FROM request WHERE {where}", parameters).fetchone()
    found, after = _page(db, filters, page)
    (oldest,) = db.execute("SELECT min(at) FROM request").fetchone()
    return {
        "requests": found,
        "next": after,
        "total": total,
        "kept": {"max": kept_max, "oldest": time_of(oldest)},
    }


def _page(db: sqlite3.Connection, filters: Filters, page: Page) -> tuple[list[Row], After]:
    prepare(db)
    where, parameters = filters.where()
    value = SORTS[page.sort]
    rest, more, order = page.clauses(value, "id")
    found = db.execute(
        f"{_SELECT}, {value} FROM request WHERE {where} AND {rest} ORDER BY {order} LIMIT ?",
        (*parameters, *more, page.limit + 1),
    ).fetchall()
    after = page.cut(found)
    return [_row(values) for values in found], after


EXPORT = Export(CSV_COLUMNS, _page)


def request(db: sqlite3.Connection, request_id: str) -> Row | None:
    """Return the newest request with this id, with the steps of its story; None if there is none."""
    found = db.execute(
        f"{_SELECT} FROM request WHERE request_id = ? ORDER BY at DESC LIMIT 1", (request_id,)
    ).fetchone()
    if found is None:
        return None
    steps = story.decode(found[_COLUMNS.index("steps")])
    start = story.start_of(steps)
    return {**_row(found), "steps": [_shown(step, start) for step in steps]}


def _row(values: Sequence[Any]) -> Row:
    row = dict(zip(_COLUMNS, values, strict=False))
    steps = story.decode(row["steps"])
    start = story.start_of(steps)
    return {
        "request_id": row["request_id"],
        "ts": time_of(row["ended"]),
        "started": time_of(row["start"]),
        **{name: row[name] for name in _AS_THEY_ARE[1:]},
        "cost_usd": usd(row["micro_usd"]),
        "stream": _flag(row["stream"]),
        "had_tools": _flag(row["had_tools"]),
        "tries": story.tries_of(steps, start),
        "adapted": [f"{step.details['trait']}={step.details['value']}" for step in _all(steps, "adapted")],
        "repaired": [_calls(step.details["count"] or 0) for step in _all(steps, "repaired")],
        "filtered": _names(steps, "filtered", "filters"),
        "degraded": _names(steps, "degraded", "dropped"),
    }


def _shown(step: Step, start: float) -> dict[str, Any]:
    own = {
        "provider": step.provider,
        "duration_s": step.duration_s,
        "status": step.status,
        "error_type": step.error_type,
        "error": step.error,
    }
    present = {name: value for name, value in own.items() if value is not None}
    return {"at_s": offset_s(step.ts, start), "what": step.what, **present, **(step.details or {})}


def _all(steps: Sequence[Step], what: str) -> list[Any]:
    return [step for step in steps if step.what == what and step.details]


def _names(steps: Sequence[Step], what: str, name: str) -> list[str]:
    """Return each name once, in the order of the steps."""
    return list(dict.fromkeys(entry for step in _all(steps, what) for entry in step.details[name]))


def _calls(number: int) -> str:
    return f"{number} tool call{'' if number == 1 else 's'}"


def _flag(value: int | None) -> bool | None:
    return None if value is None else bool(value)
