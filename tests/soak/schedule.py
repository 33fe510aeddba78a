"""When things go wrong, and what is sampled meanwhile."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from signal import SIGKILL
from typing import Generic, TypeVar

import psutil

from soak.disturbances import Disturbances
from soak.driver import Driver
from soak.written import Written
from support.exporter.logrotate import Logrotate
from support.exporter.process import Exporter, samples
from support.proxy.process import Proxy

ROTATE_EVERY_S = 20.0
KILL_EXPORTER_EVERY_S = 7.0
RESTART_PROXY_EVERY_S = 60.0
SAMPLE_EVERY_S = 1.0
DISTURB_EVERY_S = 4.0
REPORT_EVERY_S = 30.0

T = TypeVar("T")
Samples = dict[tuple[str, tuple[str, ...]], float]


class Restartable(Generic[T]):
    """A running program that can be started again."""

    def __init__(self, start: Callable[[], AbstractContextManager[T]]) -> None:
        self._start = start
        self._running = start()
        self.now = self._running.__enter__()

    def close(self) -> None:
        self._running.__exit__(None, None, None)

    def restart(self) -> None:
        self.close()
        self._running = self._start()
        self.now = self._running.__enter__()


@dataclass
class Soak:
    exporter: Restartable[Exporter]
    proxy: Restartable[Proxy]
    logrotate: Logrotate
    driver: Driver
    disturbances: Disturbances
    written: Written
    rotations: int = 0
    kills: int = 0
    restarts: int = 0
    scrapes: int = 0
    unserved: Counter[str] = field(default_factory=Counter)
    """How often nothing was served, by the reason."""
    verdicts: Counter[tuple[bool, bool]] = field(default_factory=Counter)
    """How often `exact` was shown together with a right or a wrong total."""
    errors: list[str] = field(default_factory=list)
    memory_mb: list[tuple[float, float]] = field(default_factory=list)
    """Of exporter and proxy, at each sample."""
    _shown: Samples = field(default_factory=dict)

    def schedule(self) -> dict[Callable[[], None], float]:
        return {
            self.sample: SAMPLE_EVERY_S,
            self.kill_exporter: KILL_EXPORTER_EVERY_S,
            self.rotate: ROTATE_EVERY_S,
            self.disturbances.next: DISTURB_EVERY_S,
            self.restart_proxy: RESTART_PROXY_EVERY_S,
            self.report: REPORT_EVERY_S,
        }

    def run(self, seconds: float) -> None:
        start = time.monotonic()
        due = {action: start + every_s for action, every_s in self.schedule().items()}
        while (now := time.monotonic()) < start + seconds:
            action = min(due, key=due.__getitem__)
            time.sleep(max(0.0, due[action] - now))
            action()
            due[action] = max(due[action] + self.schedule()[action], time.monotonic())

    def scrape(self) -> Samples:
        """Scrape, record every total that fell, and return the samples: none while nothing can be served."""
        before = self.written.requests()
        self.scrapes += 1
        try:
            response, body = self.exporter.now.get("/metrics")
        except OSError as error:  # it has no descriptor left for the connection
            self.unserved[str(error)] += 1
            return {}
        if response.status != 200:
            self.unserved[f"{response.status} {body.decode().strip()}"] += 1
            return {}
        shown = samples(body.decode())
        equal = before <= shown["coderouter_requests_total", ()] <= self.written.requests()
        exact = shown["cr_exporter_exact", ()] == 1
        self.verdicts[exact, equal] += 1
        if exact and not equal:
            self.errors.append(f"exact, but {shown['coderouter_requests_total', ()]:g} is less than {before}")
        totals = {sample: value for sample, value in shown.items() if sample[0].endswith("_total")}
        self.errors += [
            f"{sample} fell from {before} to {totals.get(sample)}"
            for sample, before in self._shown.items()
            if totals.get(sample, 0.0) < before and not sample[0].startswith("process_")
        ]
        self._shown = totals
        return shown

    def sample(self) -> None:
        """Scrape, and record the memory of both programs."""
        self.scrape()
        pids = self.exporter.now.command.process.pid, self.proxy.now.command.process.pid
        self.memory_mb.append((_rss_mb(pids[0]), _rss_mb(pids[1])))

    def kill_exporter(self) -> None:
        self.exporter.now.command.stop(SIGKILL)
        self.exporter.restart()
        self.kills += 1

    def rotate(self) -> None:
        self.logrotate.force()
        self.rotations += 1

    def restart_proxy(self) -> None:
        if (code := self.proxy.now.command.stop()) != 0:
            self.errors.append(f"the proxy ended with {code}: {self.proxy.now.command.stderr[-500:]}")
        self.proxy.restart()
        self.restarts += 1

    def report(self) -> None:
        exporter_mb, proxy_mb = self.memory_mb[-1]
        print(
            f"{sum(self.driver.answered.values()):>9,} answered, {self.driver.unanswered:,} unanswered; "
            f"{self.rotations} rotations, {self.kills} kills, {self.restarts} restarts, "
            f"{self.disturbances.number} disturbances, {self.scrapes} scrapes; "
            f"exporter {exporter_mb:.0f} MB, proxy {proxy_mb:.0f} MB; {len(self.errors)} errors",
            flush=True,
        )

    def report_verdicts(self) -> None:
        for exact in (True, False):
            for equal in (True, False):
                number = self.verdicts[exact, equal]
                print(f"exact {exact:d} and {'equal' if equal else 'unequal'}: {number:,} scrapes")
        for reason, number in self.unserved.items():
            print(f"not served: {number:,} scrapes ({reason})")

    def growth_mb(self) -> tuple[float, float]:
        """Return by how much the peak memory of the last third exceeds that of the first third."""
        third = max(1, len(self.memory_mb) // 3)
        first, last = self.memory_mb[:third], self.memory_mb[-third:]
        return (
            max(exporter for exporter, _ in last) - max(exporter for exporter, _ in first),
            max(proxy for _, proxy in last) - max(proxy for _, proxy in first),
        )


def _rss_mb(pid: int) -> float:
    """Return the resident memory of the process and its children."""
    process = psutil.Process(pid)
    return sum(each.memory_info().rss for each in (process, *process.children(recursive=True))) / 1e6
