"""A pass of the loop: read, fold, commit, publish.

What is published is exactly the document that was committed, so a kill at any moment takes no value back.
"""

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from coderouter_events.lock import is_held
from coderouter_exporter.engine.careful import fold_with_care
from coderouter_exporter.engine.clock import Clock
from coderouter_exporter.engine.commit_pace import COMMIT_EVERY_S, CommitPace
from coderouter_exporter.engine.deaths import Deaths
from coderouter_exporter.engine.event_files import EventFile, OpenFiles
from coderouter_exporter.engine.published import Published, source_statuses
from coderouter_exporter.engine.read_ahead import Read, ReadAhead
from coderouter_exporter.engine.row_tables import RowTables
from coderouter_exporter.families.exporter import COMMIT_FAILURES, COMMITS, INTERNAL_ERRORS, OTLP_LOST
from coderouter_exporter.fold.delta import Delta, add_delta
from coderouter_exporter.fold.fold import fold
from coderouter_exporter.names import shown
from coderouter_exporter.rows.outbox import Delivery
from coderouter_exporter.rows.pending import Pending, days_zone
from coderouter_exporter.state.document import Document, Encoder
from coderouter_exporter.state.errors import TablesDamaged
from coderouter_exporter.state.state import State
from coderouter_exporter.state.store import Store
from coderouter_exporter.tail.content import Step, no_step
from coderouter_exporter.tail.noticed import Noticed
from coderouter_exporter.tail.trouble import Reporter

PASSES_MAX = 100
"""Passes over one event file before the next file has its turn: a file that is truncated while it is read needs
another, and so do very many files."""
DELTA_AGE_S_MAX = 60.0
"""A delta that seems older, or from the future, means that the clock was set."""
RECOUNTING = "the newest checkpoint was damaged; counting again what it had counted"

T = TypeVar("T")

log = logging.getLogger(__name__)


class Counting:
    """Counts what is in the event files. After an exception, call `fail`, and `restart` before the next pass."""

    def __init__(
        self,
        store: Store,
        state: State,
        open_sources: OpenFiles,
        *,
        pending: Pending | None = None,
        step: Step = no_step,
        commit_every_s: float = COMMIT_EVERY_S,
        ahead: ReadAhead | None = None,
        encoder: Encoder | None = None,
    ) -> None:
        self._store = store
        self._rows = RowTables(store, pending or Pending())
        self._state = state
        self._open_sources = open_sources
        self._step = step
        self._commit_pace = CommitPace(commit_every_s)
        self._ahead = ahead or ReadAhead()
        self.sources = open_sources(state.checkpoints, self._is_our_writer)
        self._reporter = Reporter()
        self._clock = Clock()
        self._commits_at_end = True
        self.bytes_read = 0
        """By the last pass."""
        self._uncommitted = store.generation == 0 or self._rows.pending.exports
        self._deliveries: list[Delivery] = []
        """Those that are not committed yet."""
        self._commits_failing = 0
        self._passes_failing = 0
        self._encoder = encoder or Encoder()
        self._document = Document(state.encode())
        self.published = self._snapshot(caught_up=False)

    def run_pass(self, *, asked: bool = True, rows_can_wait: bool = False) -> None:
        """Count everything that was written before the pass began; if `asked`, commit it in any case.

        If `rows_can_wait`, those of many events are left to `build_rows`.
        """
        self._rows.pending.rows_can_wait = rows_can_wait
        self._commits_at_end = asked or not self.published.caught_up or self._passes_failing > 0
        self.bytes_read = 0
        self.sources.expand()
        self._follow_clock()
        counted = self._commit() if self._commits_failing else True
        for tail in self.sources.tails:
            self._record(tail.poll())  # also while commits fail: a rename has to be noticed when it happens
            counted = counted and self._count(tail)
        self._ahead.close()
        self._record(self.sources.forget_long_gone())
        self._uncommitted |= counted and (
            self._rows.has_lost_requests(self._deaths())
            or self._rows.pending.lost > 0
            or self._rows.damage is not None
        )
        if counted and self._uncommitted and (self._commits_at_end or self._commit_is_due()):
            counted = self._commit()
        self._passes_failing = 0
        self._reporter.report(self.sources.troubles())
        self.published = self._snapshot(caught_up=counted or self.published.caught_up)
        self._step("published")

    def note(self, delivery: Delivery) -> None:
        """Commit with the next pass what an export has achieved."""
        self._deliveries.append(delivery)
        self._add(delivery)

    def fail(self) -> None:
        """Report that a pass has failed halfway."""
        self._passes_failing += 1
        self.published = replace(self.published, passes_failing=self._passes_failing)

    def restart(self) -> None:
        """Go back to the last commit. Until a pass works, lines are counted with care."""
        self._ahead.close()
        self.sources.close()
        self._rows.pending.clear()
        self._state = self._document.decode()
        self._encoder.forget()
        self.sources = self._open_sources(self._state.checkpoints, self._is_our_writer)
        self._state.add(INTERNAL_ERRORS, ("pass",), self._passes_failing)
        for delivery in self._deliveries:
            self._add(delivery)
        self._uncommitted = True

    def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Return what the query reads of the committed rows; raises what `Store.read` does."""
        return self._rows.read(query)

    def close(self) -> None:
        self._ahead.close()
        self.sources.close()
        self._store.close()

    def _count(self, tail: EventFile) -> bool:
        """Fold what the tail has and commit when it is due; return False when a commit failed."""
        for _ in range(PASSES_MAX):
            for read, delta in self._ahead.deltas(self._reads(tail), self._must_not_read_ahead):
                self._follow_clock()
                self._rows.pending.bytes_behind = read.bytes_behind
                self._fold(read, delta)
                self._step("folded")
                self.bytes_read += read.chunk.bytes_read
                self._commit_pace.read(read.chunk.bytes_read)
                self._uncommitted = True
                is_due = self._commit_is_due() and not self._ahead.has_read_ahead
                if is_due and not self._commit():
                    return False  # the event files are the buffer: nothing is read that cannot be kept
            self._record(tail.close_finished())
            if not tail.needs_another_pass:
                break
            self._record(tail.poll())
        return True

    def _reads(self, tail: EventFile) -> Iterator[Read]:
        for chunk in tail.chunks():
            yield Read(chunk, time.time(), tail.bytes_behind(), days_zone(self._state))

    def _must_not_read_ahead(self) -> bool:
        """A commit has the checkpoints of all that was read, so all of that must be folded."""
        return self._passes_failing > 0 or self._commit_is_due()

    def _fold(self, read: Read, delta: Delta | None) -> None:
        now_ts, pending = time.time(), self._rows.pending
        if self._passes_failing:
            self._state, self._rows.pending = fold_with_care(
                self._state, pending, read.chunk, now_ts, self._step
            )
            self._encoder.forget()
        elif (
            delta is None
            or not 0 <= now_ts - read.read_ts <= DELTA_AGE_S_MAX
            or not add_delta(self._state, read.chunk, delta, read.zone, read.read_ts, pending)
        ):
            fold(self._state, read.chunk, now_ts, pending)

    def _record(self, noticed: Noticed) -> None:
        for counter, labels in noticed.counts:
            self._state.add(counter, labels, 1)
        for number in noticed.lost:
            self._state.writers.lose(number)
        self._uncommitted |= bool(noticed)

    def _is_our_writer(self, name: str) -> bool:
        return self._state.writers.is_ours(name)

    def _follow_clock(self) -> None:
        step = self._clock.step()
        if step is not None:
            direction = "forward" if step.step_s > 0 else "back"
            log.warning("the clock was set %s by %.0f s", direction, abs(step.step_s))
            self._state.correct_times(step.moved)
            self._uncommitted = True

    def build_rows(self) -> bool:
        """Make rows of some events that are committed; return whether there are more of them."""
        if self._rows.pending.backlog and not self._commits_failing:
            try:
                self._rows.build()
            except sqlite3.Error:
                return False  # the next commit reports why the file cannot be written
            self.published = replace(self.published, backlog=self._rows.pending.backlog)
            self._uncommitted |= self._rows.pending.exports  # the rows change what is still to be exported
            self._step("built")
        return self._rows.pending.backlog > 0

    def _deaths(self) -> Deaths:
        return Deaths(
            self._state, self._rows.pending.ended, self._is_proxy_alive, caught_up=self.published.caught_up
        )

    def _is_proxy_alive(self) -> bool | None:
        held = [is_held(tail.path) for tail in self.sources.tails]
        return True if True in held else False if False in held else None

    def _commit_is_due(self) -> bool:
        return self._commit_pace.is_due(
            asked=self._commits_at_end,
            caught_up=self.published.caught_up,
            can_wait=not self._rows.pending.exports,
        )

    def _commit(self) -> bool:
        """Commit totals and checkpoints in one transaction; return whether that worked."""
        started = time.monotonic()
        self._state.checkpoints = self.sources.checkpoints()
        self._state.committed_ts = time.time()
        self._count_commit(1)
        document = self._encoder.encode(self._state)
        self._step("encoded")
        try:
            self._rows.commit(document, self._state.committed_ts, self._deaths())
        except (sqlite3.Error, TablesDamaged) as error:
            self._count_commit(-1)
            if not self._commits_failing:
                log.error(
                    "cannot commit to %s (%s); serving the last committed values until it works again",
                    shown(self._store.path),
                    error,
                )
            self._commits_failing += 1
        else:
            self._step("committed")
            if self._commits_failing:
                log.info("commits to %s work again", shown(self._store.path))
            self._commits_failing = 0
            self._uncommitted = False
            self._document = document
            self._deliveries.clear()
        self._commit_pace.ended(started, worked=not self._commits_failing)
        self.published = self._snapshot(caught_up=self.published.caught_up)
        return not self._commits_failing

    def _add(self, delivery: Delivery) -> None:
        for family, labels, number in delivery.counts:
            self._state.add(family, labels, number)
        self._rows.pending.exported = max(self._rows.pending.exported, delivery.position)
        self._uncommitted = True

    def _count_commit(self, number: int) -> None:
        """Add the commit and what is reported with it to the totals that it will hold; -1 takes that back."""
        self._state.add(COMMITS, (), number)
        self._state.add(COMMIT_FAILURES, (), number * self._commits_failing)
        if self._rows.pending.lost:
            self._state.add(OTLP_LOST, ("traces", "not_kept"), number * self._rows.pending.lost)

    def _snapshot(self, *, caught_up: bool) -> Published:
        tails = self.sources.tails
        return Published(
            document=self._document,
            caught_up=caught_up,
            backlog=self._rows.pending.backlog,
            unsent=self._rows.pending.unsent,
            unavailable=RECOUNTING if self._store.recovered and not caught_up else "",
            commits_failing=self._commits_failing,
            passes_failing=self._passes_failing,
            commit_duration_s=self._commit_pace.duration_s,
            files_pending=sum(tail.files_pending() for tail in tails),
            sources=source_statuses(tails, self.sources.troubles()),
        )
