"""The slots of a range of hours, summed up by provider or by step."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from coderouter_exporter.queries.choices import STEP_MINUTES
from coderouter_exporter.queries.values import usd
from coderouter_exporter.rows.tables import SLOT_NUMBERS
from coderouter_exporter.rows.usage import Slot, empty_slot
from coderouter_exporter.rows.usage_tables import slot_from
from coderouter_exporter.state.duration_histogram import quantile_s
from coderouter_exporter.state.minutes import MINUTE_S

_SELECT = f"SELECT start, provider, {', '.join(SLOT_NUMBERS)}, duration, first_token FROM slot"


@dataclass(frozen=True)
class Range:
    """The last hours, in steps; the last step is the current one."""

    hours: int
    now_ts: float

    @property
    def step(self) -> int:
        return STEP_MINUTES[self.hours]

    @property
    def starts(self) -> range:
        """The first minute of each step."""
        last = int(self.now_ts // MINUTE_S) // self.step * self.step
        return range(last - self.hours * 60 + self.step, last + 1, self.step)


def _slots(db: sqlite3.Connection, wanted: Range) -> Iterator[tuple[int, str, Slot]]:
    starts = wanted.starts
    query = f"{_SELECT} WHERE start >= ? AND start < ?"
    for start, provider, *values in db.execute(query, (starts[0], starts[-1] + wanted.step)):
        yield start, provider, slot_from(tuple(values))


def by_provider(db: sqlite3.Connection, wanted: Range) -> dict[str, Slot]:
    found: defaultdict[str, Slot] = defaultdict(empty_slot)
    for _, provider, slot in _slots(db, wanted):
        found[provider].add(slot)
    return dict(found)


def by_step(db: sqlite3.Connection, wanted: Range) -> list[Slot]:
    """Return the sum of each step, also of those without anything."""
    found: defaultdict[int, Slot] = defaultdict(empty_slot)
    for start, _, slot in _slots(db, wanted):
        found[start // wanted.step * wanted.step].add(slot)
    return [found[start] for start in wanted.starts]


class Sums:
    """The numbers of a slot by their names."""

    def __init__(self, slot: Slot) -> None:
        self._numbers = dict(zip(SLOT_NUMBERS, slot.numbers, strict=True))
        self._slot = slot

    def __getitem__(self, name: str) -> int:
        return self._numbers[name]

    @property
    def failed(self) -> int:
        """How many requests got no answer because of a failure on our side."""
        return sum(self[name] for name in ("exhausted", "midstream", "blocked", "other"))

    def tokens(self) -> dict[str, int]:
        names = ("input", "output", "cache_read", "cache_creation")
        return {f"{name}_tokens": self[f"{name}_tokens"] for name in names}

    def cost(self) -> dict[str, Any]:
        return {"cost_usd": usd(self["micro_usd"]), "unknown_cost": self["unknown_cost"]}

    def quantiles(self) -> dict[str, float | None]:
        return {
            f"{name}_p{percent}_s": quantile_s(getattr(self._slot, name), percent / 100)
            for name in ("first_token", "duration")
            for percent in (50, 95)
        }
