"""What the exporter should count: the event files, read line by line without its code."""

from collections import Counter
from math import ceil
from pathlib import Path

from support import events

DIRECTIONS = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_tokens": "cache_read",
    "cache_creation_tokens": "cache_creation",
}


Counts = dict[tuple[str, ...], float]


class Expected:
    def __init__(self, folder: Path) -> None:
        self.events = events.read_all(folder)
        self.finished = [event for event in self.events if event["msg"] == "request-finished"]

    @property
    def outcomes(self) -> Counts:
        return self.outcomes_of({event["profile"] for event in self.finished})

    def outcomes_of(self, profiles: set[str | None]) -> Counts:
        found: Counter[tuple[str, ...]] = Counter()
        found.update((event["outcome"],) for event in self.finished if event["profile"] in profiles)
        return dict(found)

    @property
    def tokens(self) -> Counts:
        """Return the tokens by direction and provider."""
        found: Counter[tuple[str, ...]] = Counter()
        for event in self.finished:
            for field, direction in DIRECTIONS.items():
                if event[field]:
                    found[direction, event["provider"]] += event[field]
        return dict(found)

    @property
    def cost_usd(self) -> Counts:
        """Return the cost by provider."""
        found: Counter[tuple[str, ...]] = Counter()
        for event in self.finished:
            if event["cost_usd"]:
                found[event["provider"],] += round(event["cost_usd"] * 1_000_000)
        return {provider: micro_usd / 1_000_000 for provider, micro_usd in found.items()}

    @property
    def fallbacks(self) -> int:
        return sum(event["attempts"] > 1 for event in self.finished)

    def first_token_s(self, quantile: float) -> float:
        """Return the quantile (0 to 1) of the times to the first token."""
        waits = sorted(event["ttft_s"] for event in self.finished if event["ttft_s"] is not None)
        return float(waits[ceil(quantile * len(waits)) - 1])
