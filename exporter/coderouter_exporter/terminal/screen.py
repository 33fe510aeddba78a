"""Renders what an exporter knows for the terminal: a headline, the proxy, its providers, newest events."""

from collections.abc import Iterable, Iterator
from datetime import tzinfo
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.styled import Styled
from rich.table import Table
from rich.text import Text

from coderouter_exporter.terminal import output, provider_table, words
from coderouter_exporter.terminal.words import BAD, GOOD, OFF, WARN, Mark, line, span, state

Seen = dict[str, Any]
"""What the API has at `status`, `traffic` and `providers`."""

UNLIMITED_LINES = 10_000
ROWS_MIN = 3
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
    """What was seen last, if anything was, and the problem with getting something newer, if there is one.

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
        for part in _parts(self._seen, options.max_width, lines - len(problem)):
            yield Styled(part, "dim") if problem else part


def _parts(seen: Seen, width: int, lines: int) -> Iterable[RenderableType]:
    """Yield what fits into this many lines: the whole head, then providers, then events."""
    status = seen["status"]
    head = list(_head(status, seen["traffic"]))
    spaced = lines > ROOMY_LINES
    yield from head
    left = lines - len(head) - 2 - 2 * spaced  # the headers of both tables, and a blank line above each
    providers = _by_importance(seen["providers"]["providers"], status)
    rows = min(len(providers), max(ROWS_MIN, left - ROWS_MIN))
    yield from [Text()] * spaced
    yield provider_table.table(providers[:rows], status["generated_at"], _zone(status), width)
    if rows < len(providers):
        yield Text(f"… and {len(providers) - rows} more")
    yield from [Text()] * spaced
    left -= rows + (rows < len(providers))
    yield _events(status, max(left, 0))


def _head(status: Seen, traffic: Seen) -> Iterator[Text]:
    now, zone = status["generated_at"], _zone(status)
    version = status["version"] or ""
    time = words.time_of_day(now, now, zone)
    yield line(f"CodeRouter {version}   {time} {zone or 'local time'}", style="bold")
    yield line(f"Last {RANGES[traffic['hours']]}".ljust(12), *_headline(traffic, now))
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
        return [shown, f", {span(status['uptime_s'])} up, {proxy['in_flight']:,} in flight{ahead}"]
    last = proxy["last_event_at"]
    seen = f"last event {words.ago(last, status['generated_at'])}" if last else "no events yet"
    start = "" if proxy["state"] == "stopped" else "; to start it: coderouter serve"
    return [shown, f", {seen}{ahead}{start}"]


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
    if len(ordered) <= ROWS_MIN:
        return ordered
    return sorted(ordered, key=lambda p: p["state"] not in ("failing", "cooldown", "budget"))


def _events(status: Seen, rows: int) -> Table:
    table = output.table("Time", "Event", "Provider", "What happened")
    for event in reversed(status["events"][-rows:] if rows else []):
        time = provider_table.time_of(event, status["generated_at"], _zone(status))
        shown = state(LEVELS[event["level"]], event["event"])
        provider, text = (Text(words.clean(event[name] or "")) for name in ("provider", "text"))
        table.add_row(time, shown, provider, text)
    return table


def _zone(status: Seen) -> tzinfo | None:
    return words.zone_named(status["zone"])
