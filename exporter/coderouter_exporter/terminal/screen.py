"""Renders the state of an exporter for the terminal: a headline, the proxy, its providers, newest events."""

from collections.abc import Iterable, Iterator
from datetime import tzinfo
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.styled import Styled
from rich.text import Text

from coderouter_exporter.terminal import output, provider_table, words
from coderouter_exporter.terminal.output import Column
from coderouter_exporter.terminal.words import BAD, GOOD, OFF, WARN, Mark, line, span, state

Seen = dict[str, Any]
"""What the API has at `status`, `traffic` and `providers`."""

UNLIMITED_LINES = 10_000
LABEL_CHARS = 12
EVENTS_HEADER = 1
EVENTS_MIN = 3
EVENT_CHARS_MIN = 18
ROOMY_LINES = 30
FAILED_SHARE_BAD = 0.05
RANGES = {1: "hour", 6: "6 h", 24: "24 h", 168: "7 days", 720: "30 d"}

PROXY_STATES = {
    "running": (GOOD, "running"),
    "stopped": (OFF, "stopped"),
    "gone": (BAD, "gone"),
    "unknown": (OFF, "not seen yet"),
}
LEVELS: dict[str, Mark] = {"INFO": (" ", ""), "WARNING": WARN, "ERROR": BAD}


class Screen:
    """What was seen last, if anything, and why there is nothing newer, if that failed.

    A `fitted` screen is as high as the terminal; otherwise everything is shown. What is stale is dim.
    """

    def __init__(self, seen: Seen | None, problem: str | None = None, *, fitted: bool = False) -> None:
        self._seen = seen
        self._problem = problem
        self._fitted = fitted

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        problem = list(state(BAD, self._problem).wrap(console, options.max_width)) if self._problem else []
        yield from problem
        if self._seen is None:
            return
        lines = console.height if self._fitted else UNLIMITED_LINES
        for part in _parts(self._seen, console, options.max_width, lines - len(problem)):
            yield Styled(part, "dim") if problem else part


def _parts(seen: Seen, console: Console, width: int, lines: int) -> Iterator[Text]:
    """Yield what fits into this many lines: the whole head, then providers, then events."""
    status = seen["status"]
    head = [line for part in _head(status, seen["traffic"]) for line in _hanging(part, console, width)]
    spaced = lines > ROOMY_LINES
    yield from head
    left = lines - len(head) - EVENTS_HEADER - 2 * spaced  # a blank line above each table
    providers = _by_importance(seen["providers"]["providers"], status)
    now, zone = status["generated_at"], _zone(status)
    table = provider_table.table(providers, now, zone, width, left - EVENTS_MIN)
    yield from [Text()] * spaced
    yield from table.lines
    is_cut = table.shown < len(providers)
    if is_cut:
        yield Text(f"… and {len(providers) - table.shown} more")
    yield from [Text()] * spaced
    yield from _events(status, max(left - len(table.lines) - is_cut, 0), width)


def _hanging(part: Text, console: Console, width: int) -> Iterator[Text]:
    """Yield the lines of a part of the head, which begins with its label; all but the first are indented."""
    if part.cell_len <= width or width < 2 * LABEL_CHARS:
        yield part
        return
    label, rest = part.divide([LABEL_CHARS])
    rest.no_wrap, rest.overflow = False, "fold"
    for number, wrapped in enumerate(rest.wrap(console, width - LABEL_CHARS)):
        yield Text.assemble(label if number == 0 else " " * LABEL_CHARS, wrapped)


def _head(status: Seen, traffic: Seen) -> Iterator[Text]:
    now, zone = status["generated_at"], _zone(status)
    version = status["version"] or ""
    time = words.time_of_day(now, now, zone)
    yield line(f"CodeRouter {version}   {time} {zone or 'local time'}", style="bold")
    yield line(f"Last {RANGES[traffic['hours']]}".ljust(LABEL_CHARS), *_headline(traffic, now))
    yield line("Proxy       ", *_proxy(status))
    yield line("Answered    ", *_answered(status, traffic))
    yield line("Paid gate   ", *_gate(status))
    yield line("Counts      ", *_counts(status))
    yield line("Today       ", *_today(status["today"]))


def _headline(traffic: Seen, now: str) -> Iterable[Text | str]:
    """Return how the requests of the range ended; the mark says how well."""
    total = traffic["total"]
    requests, answered, failed, fallbacks = (
        total[name] for name in ("requests", "answered", "failed", "fallbacks")
    )
    if not requests:
        return [state(OFF, "no requests")]
    mark = GOOD if answered else OFF
    if failed:
        mark = WARN if failed / (answered + failed) < FAILED_SHARE_BAD else BAD
    failures = f"{failed:,} failed" if failed else "none failed"
    ended = requests - answered - failed
    return [
        state(mark, f"answered {answered:,} of {requests:,}, {failures}"),
        f"; {ended:,} ended by the client" if ended > 0 else "",
        f"; {_moves(fallbacks, traffic['moved_on'], now)}" if answered or fallbacks else "",
    ]


def _moves(fallbacks: int, moved: Seen | None, now: str) -> str:
    if not fallbacks:
        return "the first choice answered"
    said = f"{words.some(fallbacks, 'request')} needed more than one provider"
    if moved is None:
        return said
    when = "at an unknown time" if moved.get("at_suspect") else words.ago(moved["at"], now)
    return f"{said}, last after {moved['provider']} failed ({moved['error_type'] or 'unknown'}) {when}"


def _proxy(status: Seen) -> Iterable[Text | str]:
    proxy = status["proxy"]
    shown = state(*PROXY_STATES[proxy["state"]])
    ahead = f", clock {span(proxy['clock_ahead_s'])} ahead" if proxy["clock_ahead_s"] else ""
    if proxy["state"] == "running":
        begun = status.get("in_progress")
        running = proxy["in_flight"] if begun is None else begun
        return [shown, f", {span(status['uptime_s'])} up, {running:,} in progress{ahead}"]
    last = proxy["last_event_at"]
    seen = f"last event {words.ago(last, status['generated_at'])}" if last else "no events yet"
    return [shown, f", {seen}{ahead}; to start it: coderouter serve"]


def _answered(status: Seen, traffic: Seen) -> Iterable[Text | str]:
    last, total = status["answering"], traffic["total"]
    if last is None:
        return [state(OFF, "no provider yet")]
    mark = GOOD if status["proxy"]["state"] == "running" else OFF
    return [
        state(mark, f"last by {last['provider']}"),
        f", {words.ago(last['at'], status['generated_at'])}",
        f"; p50 {words.seconds(total['duration_p50_s'])}, p95 {words.seconds(total['duration_p95_s'])}",
    ]


def _gate(status: Seen) -> Iterable[Text | str]:
    gate = status["paid_gate"]
    names = ", ".join(gate["providers"])
    if gate["closed"] is None:
        return [state(OFF, "unknown")]
    if not gate["closed"]:
        return [state(OFF, "open"), f", allows {names}" if names else ""]
    blocked = gate["requests_blocked"]
    return [
        state(WARN if blocked else GOOD, "closed"),
        f", excludes {names}" if names else "",
        f"; {words.some(blocked, 'request')} blocked" if blocked else "",
    ]


def _counts(status: Seen) -> Iterable[Text | str]:
    counting = status["counting"]
    problems = counting["problems"]
    if counting["exact"]:
        behind = counting["bytes_behind"]
        more = [f"{behind:,} bytes behind"] if behind else []
        return [state(WARN if problems else GOOD, "exact"), *(f", {each}" for each in (*more, *problems))]
    why = [f"{reason.replace('_', ' ')} {number}" for reason, number in counting["doubts"].items()]
    return [state(BAD, "not exact"), f": {', '.join((*why, *problems))}"]


def _today(today: Seen) -> Iterable[Text | str]:
    cached = today["cache_read_tokens"] + today["cache_creation_tokens"]
    tokens = (
        f"{words.compact(today['input_tokens'])} tokens in, {words.compact(today['output_tokens'])} out"
        f"{f', {words.compact(cached)} cached' if cached else ''}"
    )
    unknown = today["unknown_cost"]
    if not unknown:
        return [f"  {words.cost(today['cost_usd'])}, {tokens}"]
    said = f"{words.cost(today['cost_usd'], unknown)} for {words.some(unknown, 'answer')}"
    return [state(WARN, said), f": {words.no_price(today['unknown_providers'])}; {tokens}"]


def _by_importance(providers: list[Seen], status: Seen) -> list[Seen]:
    """Return the providers in the order of the chain; if they might not all fit, failing ones come first."""
    config = status["config"] or {"profiles": [], "default_profile": None}
    chain: list[str] = next(
        (p["providers"] for p in config["profiles"] if p["name"] == config["default_profile"]), []
    )
    rank = {name: number for number, name in enumerate(chain)}
    ordered = sorted(providers, key=lambda p: rank.get(p["name"], len(rank)))
    if len(ordered) <= provider_table.ROWS_MIN:
        return ordered
    return sorted(ordered, key=lambda p: p["state"] not in ("failing", "cooldown", "budget"))


def _events(status: Seen, rows: int, width: int) -> list[Text]:
    events = list(reversed(status["events"][-rows:])) if rows else []
    now, zone = status["generated_at"], _zone(status)
    times = [Text(provider_table.time_of(event, now, zone)) for event in events]
    names = [state(LEVELS[event["level"]], event["event"]) for event in events]
    providers, texts = (
        [Text(words.clean(event[name] or "")) for event in events] for name in ("provider", "text")
    )
    return output.fitted(
        [
            Column("Time", times, fixed=True),
            Column("Event", names, width_min=EVENT_CHARS_MIN),
            Column("Provider", providers),
            Column("What happened", texts, width_min=EVENT_CHARS_MIN),
        ],
        width,
    )


def _zone(status: Seen) -> tzinfo | None:
    return words.zone_named(status["zone"])
