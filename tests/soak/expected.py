"""What the exporter should count: the event files, read without any of its code."""

import gzip
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from coderouter_events.paths import SPILL_SUFFIX

OUTCOME_OF = {
    "provider-ok": "ok",
    "provider-failed": "failed",
    "provider-failed-midstream": "failed_midstream",
}


@dataclass
class Expected:
    events: Counter[str] = field(default_factory=Counter)
    tries: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    """Requests with outcome `ok`, by profile."""
    numbers: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """The sequence numbers of each writer."""

    def errors(self) -> list[str]:
        """Return the writers whose sequence numbers are not 1, 2, 3 … in any order."""
        return [
            f"writer {writer} wrote {len(numbers)} lines, numbered up to {max(numbers)}"
            for writer, numbers in self.numbers.items()
            if sorted(numbers) != list(range(1, len(numbers) + 1))
        ]


def read_event_files(events: Path) -> Expected:
    """Read the event file and all rotated ones."""
    expected = Expected()
    for path in events.parent.glob(f"{events.name}*"):
        if path.name.endswith(SPILL_SUFFIX):
            continue  # of a killed worker, for the next start
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            for line in lines:
                _add(expected, json.loads(line))
    return expected


def _add(expected: Expected, event: dict[str, str]) -> None:
    name = event["msg"]
    expected.events[name] += 1
    expected.numbers[event["writer"]].append(int(event["seq"]))
    if name == "try-provider":
        expected.tries[event["provider"]] += 1
    elif name in OUTCOME_OF:
        expected.outcomes[event["provider"], OUTCOME_OF[name]] += 1
    elif name == "request-finished" and event["outcome"] == "ok":
        expected.answered[event["profile"]] += 1
