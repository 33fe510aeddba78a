"""A figure with its limit and how far it varied, and how to read CPU time and memory of a process."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

SINGLE_NOISE = 0.1
"""Of a value that was measured once, as a part of it."""
NOISE_MIN = 0.05
"""How far runs differ that measured alike, as a part of the value: other load warms the machine."""
ROUNDS_MIN = 4


@dataclass(frozen=True)
class Figure:
    """One line of the report."""

    name: str
    value: float
    unit: str
    limit: float
    lower_is_better: bool = True
    noise: float = 0.0
    """How far the value may be from that of another run, in its unit."""

    @property
    def good(self) -> bool:
        return self.value <= self.limit if self.lower_is_better else self.value >= self.limit

    @property
    def measured(self) -> str:
        return f"{self.value:.3g} {self.unit}"

    @property
    def target(self) -> str:
        return f"{'<=' if self.lower_is_better else '>='} {self.limit:g} {self.unit}"


@dataclass(frozen=True)
class Unmeasured:
    """A figure that this machine cannot measure."""

    name: str
    reason: str


def at_most(name: str, rounds: float | Sequence[float], limit: float, unit: str) -> Figure:
    value, noise = _of(rounds)
    return Figure(name, value, unit, limit, noise=noise)


def at_least(name: str, rounds: float | Sequence[float], limit: float, unit: str) -> Figure:
    value, noise = _of(rounds)
    return Figure(name, value, unit, limit, lower_is_better=False, noise=noise)


def _of(rounds: float | Sequence[float]) -> tuple[float, float]:
    """Return the median of the rounds, and the half width of its notch (McGill, Tukey and Larsen, 1978).

    The notches of two medians that differ overlap in one case of twenty.
    """
    if not isinstance(rounds, Sequence):
        return rounds, abs(rounds) * SINGLE_NOISE
    middle = median(rounds)
    if len(rounds) < ROUNDS_MIN:
        return middle, abs(middle) * SINGLE_NOISE
    low, _, high = quantiles(rounds, n=4)
    return middle, max(1.57 * (high - low) / math.sqrt(len(rounds)), abs(middle) * NOISE_MIN)


def cpu_s(pid: int) -> float:
    """Return the CPU time of all threads of the process, to the nanosecond."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text(encoding="ascii").split()[0]) for task in tasks) / 1e9


def rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024 / 1e6


def ratios(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> list[float]:
    """Return ours over theirs in each round, measured in turns so that other load affects both alike."""
    found = []
    for _ in range(rounds):
        base = theirs()
        found.append(ours() / base)
    return found
