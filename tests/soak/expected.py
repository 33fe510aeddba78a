"""What the event files themselves say, read without any of the exporter's code."""

import gzip
import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

FAMILY_OF = {
    "provider-ok": "ok",
    "provider-failed": "failed",
    "provider-failed-midstream": "failed_midstream",
}


@dataclass
class Truth:
    events: Counter[str] = field(default_factory=Counter)
    tries: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    """Requests that ended with `ok`, by profile."""
    numbers: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """What each writer numbered."""

    def faults(self) -> list[str]:
        """Return which writers' numbers are not 1, 2, 3 … in any order."""
        return [
            f"writer {writer} numbered {len(numbers)} lines up to {max(numbers)}"
            for writer, numbers in self.numbers.items()
            if sorted(numbers) != list(range(1, len(numbers) + 1))
        ]


def read_family(events: Path) -> Truth:
    """Read the event file and all its rotated siblings."""
    truth = Truth()
    for path in events.parent.glob(f"{events.name}*"):
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            for line in lines:
                _add(truth, json.loads(line))
    return truth


def _add(truth: Truth, event: dict[str, str]) -> None:
    name = event["msg"]
    truth.events[name] += 1
    truth.numbers[event["writer"]].append(int(event["seq"]))
    if name == "try-provider":
        truth.tries[event["provider"]] += 1
    elif name in FAMILY_OF:
        truth.outcomes[event["provider"], FAMILY_OF[name]] += 1
    elif name == "request-finished" and event["outcome"] == "ok":
        truth.answered[event["profile"]] += 1
