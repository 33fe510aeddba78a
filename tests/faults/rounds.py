"""Events are written, rotated and compressed while a system call fails: the exporter lives, says so, and recovers."""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGCONT, SIGKILL

from faults.calls import Fault
from faults.injection import injected
from support.exporter.process import Exporter, running_exporter, samples
from support.exporter.rotation import compress, rotate
from support.exporter.writers import Writer
from support.processes import clean_environment, eventually, running

TESTS = Path(__file__).parents[1]
ROTATED_MAX = 4
SAID_WITHIN_S = 8.0
RECOVERED_WITHIN_S = 45.0


@dataclass(frozen=True)
class Look:
    """What a reader sees at one moment."""

    total: float | None
    """None while nothing is served."""
    exact: bool
    ready: bool


@dataclass
class Verdicts:
    """How often `exact` was shown together with a right or a wrong total."""

    seen: Counter[tuple[bool, bool]] = field(default_factory=Counter)

    def __str__(self) -> str:
        return ", ".join(
            f"exact {exact:d} and {'equal' if equal else 'unequal'}: {self.seen[exact, equal]:,}"
            for exact in (True, False)
            for equal in (True, False)
        )


class Bench:
    """A writer of events, the folder of its files, and the exporter that counts them."""

    def __init__(self, folder: Path, verdicts: Verdicts) -> None:
        self._folder = folder / "files"
        self._folder.mkdir(parents=True)
        self.events = folder / "log" / "events.jsonl"
        self.events.parent.symlink_to(self._folder)
        self.state = folder / "state" / "exporter.db"
        self.verdicts = verdicts
        self._writer = Writer(self.events)
        self._seen = 0.0

    @property
    def written(self) -> int:
        return sum(self._writer.written.values())

    def paths(self) -> Iterator[Path]:
        """Yield every path that the exporter uses."""
        for folder in (self.events.parent, self._folder):  # a descriptor is known by its real path
            yield folder
            yield folder / self.events.name
            for number in range(1, ROTATED_MAX + 1):
                yield folder / f"{self.events.name}.{number}"
                yield folder / f"{self.events.name}.{number}.gz"
        yield self.state.parent
        for suffix in ("", "-journal", ".lock", ".new", ".new-journal"):
            yield self.state.with_name(self.state.name + suffix)

    def write(self, count: int = 3) -> None:
        self._writer.write(count=count)

    def rotate(self) -> None:
        rotate(self.events)
        self._writer.reopen()
        self.write(2)

    def compress(self) -> None:
        compress(self.events.with_name(f"{self.events.name}.1"))

    def clean_up(self) -> None:
        """Remove the files that have been counted."""
        for path in self.events.parent.glob(f"{self.events.name}.*"):
            path.unlink()

    def look(self, exporter: Exporter) -> Look:
        response, body = exporter.get("/metrics")
        ready = exporter.is_ready()
        if response.status != 200:
            return Look(None, exact=False, ready=ready)
        shown = samples(body.decode())
        total = shown["coderouter_requests_total", ()]
        assert total >= self._seen, f"the total fell from {self._seen} to {total}"
        self._seen = total
        return Look(total, exact=shown["cr_exporter_exact", ()] == 1, ready=ready)

    def judge(self, exporter: Exporter) -> Look:
        """Return what is seen once the total is right, or said not to be.

        Raises:
            AssertionError: it stays wrong in silence.
        """
        latest = self.look(exporter)

        def honest() -> bool:
            nonlocal latest
            latest = self.look(exporter)
            return latest.total == self.written or not latest.exact

        eventually(honest, within_s=SAID_WITHIN_S)
        self.verdicts.seen[latest.exact, latest.total == self.written] += 1
        return latest

    def recovered(self, exporter: Exporter) -> bool:
        latest = self.look(exporter)
        return latest == Look(self.written, exact=True, ready=True)

    def close(self) -> None:
        self._writer.close()


@contextmanager
def serving(bench: Bench) -> Iterator[Exporter]:
    with running_exporter(bench.events, state=bench.state) as exporter:
        yield exporter


def while_running(bench: Bench, exporter: Exporter, fault: Fault) -> int:
    """Write, rotate and compress while the call fails; return how often it did.

    Raises:
        AssertionError: the exporter ended, showed something wrong, kept silent, or did not recover.
    """
    with injected(exporter.command.process.pid, fault, bench.paths()) as injection:
        for act in (bench.write, bench.rotate, bench.compress):
            act()
            bench.judge(exporter)
        bench.write()
        _check_said(bench.judge(exporter), exporter)
        hits = injection.hits()
    _check_recovery(bench, exporter)
    bench.clean_up()
    return hits


def at_the_start(bench: Bench, fault: Fault) -> int:
    """Start an exporter while the call fails; return how often it did. Raises as `while_running`."""
    bench.write()
    bench.rotate()
    bench.compress()
    program = (sys.executable, "-m", "support.exporter.stopped_exporter", bench.events, bench.state)
    with running(*program, env=clean_environment(PYTHONPATH=str(TESTS))) as command:
        pid = command.process.pid
        eventually(lambda: _is_stopped(pid))
        with injected(pid, fault, bench.paths()) as injection:
            os.kill(pid, SIGCONT)
            exporter = Exporter(command)
            bench.judge(exporter)
            bench.write()
            _check_said(bench.judge(exporter), exporter)
            hits = injection.hits()
        _check_recovery(bench, exporter)
        command.stop(SIGKILL)
    bench.clean_up()
    return hits


def _is_stopped(pid: int) -> bool:
    return "State:\tT" in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")


def _check_said(latest: Look, exporter: Exporter) -> None:
    """Check that the log and /-/ready say why it is not ready; if it is, only missing numbers make it inexact."""
    reasons = exporter.not_ready()
    if not reasons:
        assert latest.exact or exporter.scrape()["cr_exporter_events_missing", ()] > 0
        return
    said = exporter.command.stderr
    assert any(word in said for word in ("waiting for it", "cannot commit to")), f"not in the log: {reasons}"


def _check_recovery(bench: Bench, exporter: Exporter) -> None:
    def recovered() -> bool:
        assert exporter.command.process.poll() is None, f"it ended:\n{exporter.command.stderr[-3000:]}"
        return bench.recovered(exporter)

    try:
        eventually(recovered, within_s=RECOVERED_WITHIN_S)
    except AssertionError:
        shown = bench.look(exporter)
        raise AssertionError(
            f"{shown}, not {bench.written}\n{exporter.not_ready()}{exporter.problems()}\n"
            f"{exporter.command.stderr[-3000:]}"
        ) from None
    assert "Traceback" not in exporter.command.stderr, exporter.command.stderr[-3000:]
