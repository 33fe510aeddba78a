"""Renders a report (/metrics.json) for the terminal."""

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.table import Table
from rich.text import Text

Report = dict[str, Any]

UNLIMITED_LINES = 10_000
ROWS_MIN = 3
ROOMY_LINES = 30

GOOD, WARN, BAD, OFF = ("●", "green"), ("▲", "yellow"), ("■", "red"), ("○", "dim")
PROXY_STATES = {
    "running": (GOOD, "running"),
    "stopped": (OFF, "stopped"),
    "gone": (BAD, "gone"),
    "unknown": (OFF, "not seen yet"),
}
PROVIDER_STATES = {
    "ok": (GOOD, "ok"),
    "failing": (BAD, "failing"),
    "budget": (WARN, "budget spent"),
    "cooldown": (WARN, "cooling down"),
    "gated": (OFF, "gate closed"),
    "unused": (OFF, "not used yet"),
}
LEVELS = {"INFO": (" ", ""), "WARNING": WARN, "ERROR": BAD}


class Screen:
    """The last report, if there is one, and the problem with getting a newer one, if there is one.

    A `fitted` screen is as high as the terminal; otherwise everything is shown.
    """

    def __init__(self, report: Report | None, problem: str | None = None, *, fitted: bool = False) -> None:
        self._report = report
        self._problem = problem
        self._fitted = fitted

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        problem = list(_state(BAD, self._problem).wrap(console, options.max_width)) if self._problem else []
        yield from problem
        if self._report is None:
            return
        lines = console.height if self._fitted else UNLIMITED_LINES
        yield from _parts(self._report, lines - len(problem))


def _parts(report: Report, lines: int) -> Iterable[Group | Text | Table]:
    """Yield what fits into this many lines: the whole head, then providers, then events."""
    head = list(_head(report))
    spaced = lines > ROOMY_LINES
    yield from head
    left = lines - len(head) - 2 - 2 * spaced  # the headers of both tables, and a blank line above each
    providers = _by_importance(report)
    rows = min(len(providers), max(ROWS_MIN, left - ROWS_MIN))
    yield from [Text()] * spaced
    yield _providers(report, providers[:rows], hidden=len(providers) - rows)
    yield from [Text()] * spaced
    left -= rows + (rows < len(providers))
    yield _events(report, max(left, 0))


def _head(report: Report) -> Iterable[Text]:
    proxy, now = report["proxy"], report["generated_at"]
    activity = f"{span(report['uptime_s'])} up, {proxy['in_flight']} in flight"
    if proxy.get("clock_ahead_s"):
        activity += f", clock {span(proxy['clock_ahead_s'])} ahead"
    if proxy["state"] != "running":
        last = proxy["last_event_at"]
        activity = f"last event {_ago(last, now)}" if last else "no events yet"
    mark, word = PROXY_STATES[proxy["state"]]
    version = report["startup"]["version"] or ""
    zone = _zone(report)
    yield _line(f"CodeRouter {version}   {_time(now, now, zone)} {zone or 'local time'}", style="bold")
    yield _line("Proxy       ", _state(mark, word), f", {activity}")
    yield _line("Answered    ", *_answered(report))
    yield _line("Fallbacks   ", *_fallbacks(report))
    yield _line("Paid gate   ", *_gate(report))
    yield _line("Counts      ", *_counts(report))
    yield _line("Today       ", _used(report["today"]))


def _answered(report: Report) -> Iterable[Text | str]:
    last, total = report["answering"], report["history"]["total"]
    if last is None:
        return [_state(OFF, "no provider yet")]
    durations = f"; last hour p50 {seconds(total['duration_p50_s'])}, p95 {seconds(total['duration_p95_s'])}"
    return [
        _state(GOOD, f"last by {last['provider']}"),
        f", {_ago(last['at'], report['generated_at'])}",
        durations,
    ]


def _fallbacks(report: Report) -> Iterable[Text | str]:
    total, moved = report["history"]["total"], report["moved_on"]
    share = f"{total['fallbacks']} of {total['requests']} requests in the last hour"
    if not total["fallbacks"]:
        return [_state(GOOD if total["requests"] else OFF, share)]
    why = f"; last from {moved['provider']} ({moved['error_type']})" if moved else ""
    return [_state(WARN, share), why]


def _gate(report: Report) -> Iterable[Text | str]:
    gate = report["paid_gate"]
    names = ", ".join(gate["providers"])
    if gate["closed"] is None:
        return [_state(OFF, "unknown")]
    if not gate["closed"]:
        return [_state(OFF, "open"), f", allows {names}" if names else ""]
    blocked = gate["requests_blocked"]
    excluded = f", excludes {names}" if names else ""
    return [
        _state(WARN if blocked else GOOD, "closed"),
        excluded,
        f"; {blocked} requests blocked" if blocked else "",
    ]


def _counts(report: Report) -> Iterable[Text | str]:
    counting = report["counting"]
    problems = counting.get("problems", [])  # an older exporter names neither these nor doubts
    if counting["exact"]:
        behind = counting["bytes_behind"]
        more = [f"{behind} bytes behind"] if behind else []
        return [_state(GOOD, "exact"), *(f", {each}" for each in (*more, *problems))]
    doubts: dict[str, int] = counting.get("doubts", {"events_missing": counting["events_missing"]})
    why = [f"{reason.replace('_', ' ')} {number}" for reason, number in doubts.items()]
    return [_state(BAD, "not exact"), f": {', '.join((*why, *problems))}"]


def _used(today: Report) -> str:
    cached = today["cache_read_tokens"] + today["cache_creation_tokens"]
    tokens = f"{today['input_tokens']:,} tokens in, {today['output_tokens']:,} out"
    return f"  ${today['cost_usd']:,.4f}, {tokens}{f', {cached:,} cached' if cached else ''}"


def _by_importance(report: Report) -> list[Report]:
    """Return the providers in the order of the chain; if they might not all fit, failing ones come first."""
    config = report["config"]
    chain: list[str] = next(
        (p["providers"] for p in config["profiles"] if p["name"] == config["default_profile"]), []
    )
    rank = {name: number for number, name in enumerate(chain)}
    ordered = sorted(report["providers"], key=lambda p: rank.get(p["name"], len(rank)))
    if len(ordered) <= ROWS_MIN:
        return ordered
    return sorted(ordered, key=lambda p: p["state"] not in ("failing", "cooldown"))


def _providers(report: Report, shown: list[Report], hidden: int) -> Group:
    table = _table("Provider", "State", ">Attempts", ">OK", ">Failed", ">Mid-stream", "Last error")
    for provider in shown:
        outcomes, error = provider["outcomes"], provider["last_error"]
        numbers = (provider["attempts"], *(outcomes.get(o, 0) for o in ("ok", "failed", "failed_midstream")))
        table.add_row(
            Text(clean(provider["name"])),
            _state(*PROVIDER_STATES[provider["state"]]),
            *(Text(f"{number:,}", style="" if number else "dim") for number in numbers),
            Text(clean(_error(error, report)) if error else ""),
        )
    return Group(table, *[Text(f"… and {hidden} more")] * bool(hidden))


def _error(error: Report, report: Report) -> str:
    kind = error["error_type"] or (f"HTTP {error['status']}" if error["status"] else "failed")
    return f"{_time_of(error, report)} {kind}: {error['error']}"


def _events(report: Report, rows: int) -> Table:
    table = _table("Time", "Event", "Provider", "What happened")
    for event in reversed(report["events"][-rows:] if rows else []):
        time = _time_of(event, report)
        state = _state(LEVELS[event["level"]], event["event"])
        table.add_row(time, state, Text(clean(event["provider"] or "")), Text(clean(event["text"])))
    return table


def _table(*names: str) -> Table:
    """Return a table without a frame; a `>` before the name of a column aligns it to the right."""
    table = Table(box=None, pad_edge=False, expand=True, header_style="dim")
    for number, name in enumerate(names, start=1):
        last = number == len(names)
        table.add_column(
            name.removeprefix(">"),
            justify="right" if name.startswith(">") else "left",
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if last else None,
            max_width=None if last else 28,
        )
    return table


def _line(*parts: Text | str, style: str = "") -> Text:
    texts = [part if isinstance(part, Text) else Text(clean(part)) for part in parts]
    return Text.assemble(*texts, style=style, no_wrap=True, overflow="ellipsis")


def _state(mark: tuple[str, str], word: str) -> Text:
    shape, style = mark
    return Text.assemble((shape, style), " ", (clean(word), "" if mark in (GOOD, OFF) else style))


def clean(text: str) -> str:
    """Return the text without control characters: providers' errors must not control the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def span(length_s: float) -> str:
    """Return a length of time, roughly."""
    if length_s < 100:
        return f"{length_s:.0f} s"
    minutes = round(length_s / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 2 * 24 * 60 else f"{minutes // 1440} days"


def seconds(length_s: float | None) -> str:
    """Return a measured duration."""
    if length_s is None:
        return "-"
    return f"{length_s * 1000:.3g} ms" if length_s < 1 else f"{length_s:.1f} s"


def _ago(ts: str, now: str) -> str:
    return f"{span((_utc(now) - _utc(ts)).total_seconds())} ago"


def _time_of(entry: Report, report: Report) -> str:
    """Return when it happened, marked if the clock that gave the time was wrong."""
    time = _time(entry["ts"], report["generated_at"], _zone(report))
    return f"{time} ?" if entry.get("ts_suspect") else time


def _time(ts: str, now: str, zone: tzinfo | None) -> str:
    """Return the time of day, with the date if that is not today."""
    when, today = _utc(ts).astimezone(zone), _utc(now).astimezone(zone)
    return when.strftime("%H:%M:%S" if when.date() == today.date() else "%d %b %H:%M:%S")


def _utc(ts: str) -> datetime:
    return datetime.fromisoformat(ts).replace(tzinfo=UTC)


def _zone(report: Report) -> tzinfo | None:
    """Return the configured time zone, or None for the machine's."""
    try:
        return ZoneInfo(report["config"]["display_timezone"] or "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
