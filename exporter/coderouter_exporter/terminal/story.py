"""The story of one request for the terminal: its values, its tries on a line of time, its steps."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from coderouter_exporter.terminal import words
from coderouter_exporter.terminal.words import BAD, GOOD, OFF, WARN, Mark

BAR_WIDTH = (10, 40)
"""The least and the most, in columns."""
BAR_SHARE = 4
Row = dict[str, Any]

_RESULTS: dict[str | None, tuple[Mark, str]] = {
    "ok": (GOOD, "OK"),
    "failed": (BAD, "failed"),
    "midstream": (BAD, "broke off"),
    "skipped": (OFF, "skipped"),
    "waited": (OFF, "in the queue"),
    None: (OFF, "in progress"),
}
_STEPS: dict[str, Mark] = {
    "ok": GOOD,
    "failed": BAD,
    "midstream": BAD,
    "skipped": WARN,
    "degraded": WARN,
    "blocked": BAD,
    "auth_failed": BAD,
}
_SHOWN_APART = frozenset(
    (
        "at_s",
        "what",
        "provider",
        "duration_s",
        "status",
        "error_type",
        "error",
        "reason",
        "spent_usd",
        "budget_usd",
    )
)


def parts(row: Row, source: str, zone: tzinfo | None, width: int) -> Iterator[Text | Padding | str]:
    """Yield what is shown, from top to bottom."""
    when = words.time_of_day(row["started"] or row["ts"], datetime.now(UTC), zone)
    took = f", took {words.seconds(row['duration_s'])}" if row["duration_s"] is not None else ""
    yield words.line(Text(words.clean(row["request_id"]), "bold"), "  ", words.outcome(row))
    yield Text(f"{when}{took}; read from {words.clean(source)}", "dim")
    if row["outcome"] != "ok" and (error := words.error_text({**row, "status": None})):
        yield Text(words.clean(error), "red")
    yield ""
    yield Padding(_values(row), (0, 0, 0, 2))
    if row["tries"]:
        yield ""
        yield Padding(_tries(row, width), (0, 0, 0, 2))
    if row["steps"]:
        yield ""
        yield Padding(_steps(row["steps"]), (0, 0, 0, 2))


def _grid(*columns: str, rest: bool = True) -> Table:
    """Return a table without a frame or header; a `>` marks columns that are aligned to the right."""
    table = Table.grid(padding=(0, 2), expand=rest)
    for number, name in enumerate(columns, 1):
        last = number == len(columns)
        table.add_column(
            justify="right" if name == ">" else "left",
            no_wrap=not last,
            overflow="fold" if last else "ellipsis",
            ratio=1 if last and rest else None,
        )
    return table


def _values(row: Row) -> Table:
    table = _grid("", "")
    for label, read in _FIELDS:
        if value := read(row):
            table.add_row(Text(label, "dim"), Text(words.clean(value)))
    return table


def _tries(row: Row, width: int) -> Table:
    """Return each try as a bar; the time before the first token of the answer is drawn full, the answer lighter."""
    table = _grid("", "", "", ">", "")
    least, most = BAR_WIDTH
    columns = min(most, max(least, width // BAR_SHARE))
    entries = list(_entries(row))
    end = max(row["duration_s"] or 0.0, *(to for _, _, _, to, _ in entries), 0.001)
    for name, result, begin, to, said in entries:
        mark = _RESULTS.get(result) or (OFF, str(result))
        is_answer = result in ("ok", "midstream") and (row["duration_s"] or 0.0) > to
        bar = _bar(mark[0][1], columns, begin / end, to / end, 1.0 if is_answer else 0.0)
        took = "" if result in ("skipped", None) else words.seconds(to - begin)
        answer = f"then {words.seconds(row['duration_s'] - to)} of answer" if is_answer else ""
        table.add_row(
            Text(words.clean(name)),
            words.state(*mark),
            bar,
            took,
            Text(words.clean(": ".join(filter(None, (answer, said))))),
        )
    return table


def _entries(row: Row) -> Iterator[tuple[str, str | None, float, float, str]]:
    """Yield the name, the result, when it began and ended, and what was said."""
    if row["waited_s"]:
        yield "queue", "waited", 0.0, row["waited_s"], ""
    tries = row["tries"]
    for number, entry in enumerate(tries, 1):
        begin = entry["at_s"] or 0.0
        result = entry["result"]
        open_end = max(begin, row["duration_s"] or begin)
        to = open_end if entry["duration_s"] is None else begin + entry["duration_s"]
        is_hidden = result == "ok" and number < len(tries)
        said = words.why_skipped(entry) if result == "skipped" else words.error_text(entry)
        yield entry["provider"] or "", result, begin, to, "" if is_hidden else said


def _bar(style: str, columns: int, begin: float, end: float, answered: float) -> Text:
    first = min(columns - 1, int(begin * columns))
    last = max(first + 1, round(end * columns))
    more = max(last, round(answered * columns))
    parts = ((" " * first, ""), ("█" * (last - first), style), ("░" * (more - last), style))
    return Text.assemble(*parts, (" " * (columns - more), ""))


def _steps(steps: list[Row]) -> Table:
    table = _grid(">", "", "", "")
    for step in steps:
        table.add_row(
            Text(f"+{words.seconds(step['at_s'])}", "dim"),
            words.state(_STEPS.get(step["what"], OFF), step["what"].replace("_", " ")),
            Text(words.clean(step.get("provider") or "")),
            Text(words.clean(_details(step))),
        )
    return table


def _details(step: Row) -> str:
    took = f"after {words.seconds(step['duration_s'])}" if step.get("duration_s") is not None else ""
    why = words.why_skipped(step) if step["what"] == "skipped" else step.get("reason") or ""
    named = [
        f"{name.replace('_', ' ')} {_listed(value)}"
        for name, value in step.items()
        if name not in _SHOWN_APART and value is not None
    ]
    return ", ".join(filter(None, (took, words.error_text(step), *named, why)))


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _joined(*values: object) -> str:
    return ", ".join(str(value) for value in values if value not in (None, ""))


def _streaming(row: Row) -> str:
    return "" if row["stream"] is None else "streaming" if row["stream"] else "not streaming"


def _tokens(row: Row) -> str:
    named = {"input": "in", "cache_read": "from cache", "cache_creation": "to cache", "output": "out"}
    known = {what: row[f"{name}_tokens"] for name, what in named.items()}
    return _joined(*(f"{number:,} {what}" for what, number in known.items() if number is not None))


def _cost(row: Row) -> str:
    shown = words.cost_of(row)
    if shown != "unknown":
        return "" if shown == words.NONE else shown
    return f"{shown}: {words.no_price([row['provider'] or ''])}"


_FIELDS: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("Answered by", lambda row: _joined(row["provider"], row["model"])),
    ("Requested", lambda row: _joined(row["requested_model"])),
    ("Profile", lambda row: _joined(row["profile"])),
    ("Agent", lambda row: _joined(row["agent"], row["request_class"])),
    ("Session", lambda row: _joined(row["session"])),
    ("Wire", lambda row: _joined(row["ingress"], _streaming(row))),
    ("Status", lambda row: _joined(row["status"])),
    ("Stop reason", lambda row: _joined(row["stop_reason"])),
    ("First token", lambda row: words.seconds(row["ttft_s"]) if row["ttft_s"] is not None else ""),
    ("Tokens", _tokens),
    ("Cost", _cost),
    ("Tool calls", lambda row: _joined(row["tool_calls"]) if row["had_tools"] else ""),
    ("API key", lambda row: "" if row["key_index"] is None else f"number {row['key_index'] + 1}"),
    ("Trace", lambda row: _joined(row["traceparent"])),
)
