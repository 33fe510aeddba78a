"""What requests show of each provider: its tries and its answers."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Row = dict[str, Any]


class Try(NamedTuple):
    at: str
    """When the request began."""
    ok: bool
    error_type: str | None
    error: str | None
    prompt_tokens: int | None
    """Of the request, as the provider that answered it counted; None if none did."""


@dataclass
class Observed:
    """One provider. Tries that ended because the client left or the proxy stopped are not its own."""

    tries: list[Try] = field(default_factory=list)
    answers: int = 0
    first_token_s: list[float] = field(default_factory=list)
    """Of streams, from the beginning of its own try."""
    tokens_per_s: list[float] = field(default_factory=list)
    cost_usd: list[float] = field(default_factory=list)
    cost_per_answer: list[tuple[float, int]] = field(default_factory=list)
    """Cost and output tokens, of answers with both."""
    unknown_cost: int = 0
    prompt_tokens: list[float] = field(default_factory=list)
    stop_reasons: Counter[str] = field(default_factory=Counter)
    with_calls: int = 0
    """Answers with tool calls."""
    repaired: int = 0
    """Of those, answers whose calls the model had written as text."""

    @property
    def ok(self) -> int:
        return sum(each.ok for each in self.tries)


def observe(rows: Iterable[Row]) -> dict[str, Observed]:
    """Return what the requests, newest first, show of each provider; its tries are oldest first."""
    found: defaultdict[str, Observed] = defaultdict(Observed)
    for row in rows:
        prompt = _prompt_tokens(row)
        begun: dict[str, float] = {}
        for entry in row["tries"]:
            name = entry["provider"]
            if name is None or entry["result"] in ("skipped", None) or entry["error_type"] == "cancelled":
                continue
            begun[name] = entry["at_s"] or 0.0
            found[name].tries.append(
                Try(row["started"], entry["result"] == "ok", entry["error_type"], entry["error"], prompt)
            )
        if row["outcome"] == "ok" and row["provider"]:
            _add_answer(found[row["provider"]], row, begun.get(row["provider"], 0.0), prompt)
    for each in found.values():
        each.tries.sort(key=lambda entry: entry.at)
    return dict(found)


def _add_answer(provider: Observed, row: Row, begun_s: float, prompt: int | None) -> None:
    provider.answers += 1
    ttft_s, duration_s, output = row["ttft_s"], row["duration_s"], row["output_tokens"]
    if row["stream"] and ttft_s is not None:
        provider.first_token_s.append(max(0.0, ttft_s - begun_s))
        if duration_s is not None and duration_s > ttft_s and output is not None and output > 1:
            provider.tokens_per_s.append((output - 1) / (duration_s - ttft_s))
    if row["cost_usd"] is None:
        provider.unknown_cost += 1
    else:
        provider.cost_usd.append(row["cost_usd"])
        if output:
            provider.cost_per_answer.append((row["cost_usd"], output))
    if prompt is not None:
        provider.prompt_tokens.append(prompt)
    provider.stop_reasons[row["stop_reason"] or "none"] += 1
    if row["tool_calls"]:
        provider.with_calls += 1
        provider.repaired += bool(row["repaired"])


def _prompt_tokens(row: Row) -> int | None:
    known = [row[f"{name}_tokens"] for name in ("input", "cache_read", "cache_creation")]
    given = [number for number in known if number is not None]
    return sum(given) if given else None
