"""A figure with its target, and how to read CPU time and memory of a process."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Figure:
    """One line of the report."""

    name: str
    measured: str
    target: str
    good: bool


def at_most(name: str, value: float, limit: float, unit: str) -> Figure:
    return Figure(name, f"{value:.3g} {unit}", f"<= {limit:g} {unit}", value <= limit)


def at_least(name: str, value: float, limit: float, unit: str) -> Figure:
    return Figure(name, f"{value:.3g} {unit}", f">= {limit:g} {unit}", value >= limit)


def cpu_s(pid: int) -> float:
    """Return the CPU time of all threads of the process, to the nanosecond."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text(encoding="ascii").split()[0]) for task in tasks) / 1e9


def rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024 / 1e6


def ratio(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> float:
    """Return the median of ours over theirs, measured in turns so that other load affects both alike."""
    ratios = []
    for _ in range(rounds):
        base = theirs()
        ratios.append(ours() / base)
    return median(ratios)
