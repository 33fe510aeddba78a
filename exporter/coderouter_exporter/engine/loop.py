"""The one loop: read, fold, commit, publish. It has its own thread, so that a hanging disk blocks nothing else.

What is published is exactly the document that was committed, so a kill at any moment takes no value back.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from coderouter_exporter.engine.clock import Clock
from coderouter_exporter.families.exporter import COMMIT_FAILURES, COMMITS
from coderouter_exporter.fold.fold import fold
from coderouter_exporter.state.state import State
from coderouter_exporter.state.store import Store
from coderouter_exporter.tail.content import Step, no_step
from coderouter_exporter.tail.noticed import Noticed
from coderouter_exporter.tail.sources import Sources
from coderouter_exporter.tail.tail import Tail

POLL_S = 1.0
COMMIT_EVERY_S = 0.25
PASSES_MAX = 100
"""Passes over one event file before the next file has its turn: a file that is truncated while it is read needs
another, and so do very many files."""
STOP_S = 10.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SourceStatus:
    path: Path
    readable: bool
    bytes_behind: int


@dataclass(frozen=True, kw_only=True)
class Published:
    """What a scrape sees: the last commit and the status of the loop."""

    document: bytes
    caught_up: bool
    recovering: bool
    """The totals are of an older generation and not caught up yet: serving them would take values back."""
    commits_failing: int
    commit_duration_s: float
    files_pending: int
    sources: tuple[SourceStatus, ...]

    @property
    def ready(self) -> bool:
        return self.caught_up and not self.commits_failing


class Engine:
    """Runs the loop. If an error ends it, `on_crash` is called from its thread."""

    def __init__(
        self,
        sources: Sources,
        store: Store,
        state: State,
        *,
        on_crash: Callable[[], None],
        step: Step = no_step,
        commit_every_s: float = COMMIT_EVERY_S,
    ) -> None:
        self._sources = sources
        self._store = store
        self._state = state
        self._on_crash = on_crash
        self._step = step
        self._commit_every_s = commit_every_s
        self._clock = Clock()
        self._uncommitted = store.generation == 0
        self._commits_failing = 0
        self._commit_duration_s = 0.0
        self._committed_at = time.monotonic()
        self._document = state.encode()
        self._wake = threading.Event()
        self._stopping = False
        self._lock = threading.Lock()
        self._next_pass: Future[None] | None = None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self.published = self._snapshot(caught_up=False)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Read what has been written so far, commit it and end. Returns within `STOP_S` even if the disk hangs."""
        self._stopping = True
        self._wake.set()
        self._thread.join(STOP_S)
        if self._thread.is_alive():
            log.warning(
                "the last commit to %s is hanging; the next start continues from the previous one",
                self._store.path,
            )
        else:
            self._store.close()

    def wake(self) -> None:
        """Start a pass soon, because the files may have changed."""
        self._wake.set()

    def next_pass(self) -> Future[None]:
        """Return a future that is done after the next pass that begins after this call."""
        with self._lock:
            if self._next_pass is None:
                self._next_pass = Future()
            future = self._next_pass
        self._wake.set()
        return future

    def run_pass(self) -> None:
        """Count everything that was written before the pass began."""
        self._sources.expand()
        self._follow_clock()
        counted = self._commit() if self._commits_failing else True
        for tail in self._sources.tails:
            self._record(tail.poll())  # also while commits fail: a rename has to be noticed when it happens
            counted = counted and self._count(tail)
        self._record(self._sources.forget_long_gone())
        counted = counted and (not self._uncommitted or self._commit())
        self.published = self._snapshot(caught_up=counted or self.published.caught_up)
        self._step("published")

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._run_pass_for_waiters()
                self._wake.wait(POLL_S)
                self._wake.clear()
            self._run_pass_for_waiters()
            self._sources.close()
        except Exception:
            log.exception("fatal error: the exporter stops; its last commit is kept")
            self._on_crash()

    def _run_pass_for_waiters(self) -> None:
        with self._lock:
            waiters, self._next_pass = self._next_pass, None
        self.run_pass()
        if waiters is not None:
            waiters.set_result(None)

    def _count(self, tail: Tail) -> bool:
        """Fold what the tail has and commit when it is due; return False when a commit failed."""
        for _ in range(PASSES_MAX):
            for chunk in tail.chunks():
                self._follow_clock()
                fold(self._state, chunk, time.time())
                self._step("folded")
                self._uncommitted = True
                if self._commit_is_due() and not self._commit():
                    return False  # the event files are the buffer: nothing is read that cannot be kept
            self._record(tail.close_finished())
            if not tail.needs_another_pass:
                break
            self._record(tail.poll())
        return True

    def _record(self, noticed: Noticed) -> None:
        for counter, labels in noticed.counts:
            self._state.add(counter, labels, 1)
        self._uncommitted |= bool(noticed)

    def _follow_clock(self) -> None:
        step = self._clock.step()
        if step is not None:
            direction = "forward" if step.step_s > 0 else "back"
            log.warning("the clock was set %s by %.0f s", direction, abs(step.step_s))
            self._state.correct_times(step.moved)
            self._uncommitted = True

    def _commit_is_due(self) -> bool:
        return time.monotonic() - self._committed_at >= self._commit_every_s

    def _commit(self) -> bool:
        """Commit totals and checkpoints in one transaction; return whether that worked."""
        started = time.monotonic()
        self._state.checkpoints = self._sources.checkpoints()
        self._state.committed_ts = time.time()
        self._count_commit(1)
        document = self._state.encode()
        self._step("encoded")
        try:
            self._store.commit(document)
        except sqlite3.Error as error:
            self._count_commit(-1)
            if not self._commits_failing:
                log.error(
                    "cannot commit to %s (%s); serving the last committed values until it works again",
                    self._store.path,
                    error,
                )
            self._commits_failing += 1
        else:
            self._step("committed")
            if self._commits_failing:
                log.info("commits to %s work again", self._store.path)
            self._commits_failing = 0
            self._uncommitted = False
            self._document = document
        self._committed_at = time.monotonic()
        self._commit_duration_s = self._committed_at - started
        self.published = self._snapshot(caught_up=self.published.caught_up)
        return not self._commits_failing

    def _count_commit(self, number: int) -> None:
        """Add the commit and the failures before it to the totals that it will hold; -1 takes that back."""
        self._state.add(COMMITS, (), number)
        self._state.add(COMMIT_FAILURES, (), number * self._commits_failing)

    def _snapshot(self, *, caught_up: bool) -> Published:
        tails = self._sources.tails
        return Published(
            document=self._document,
            caught_up=caught_up,
            recovering=self._store.recovered and not caught_up,
            commits_failing=self._commits_failing,
            commit_duration_s=self._commit_duration_s,
            files_pending=sum(tail.files_pending() for tail in tails),
            sources=tuple(
                SourceStatus(path=tail.path, readable=bool(tail.readable), bytes_behind=tail.bytes_behind())
                for tail in tails
            ),
        )
