"""The one loop: it opens the state, makes passes, and survives failures.

It has its own thread, so that a hanging disk blocks nothing else.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from queue import SimpleQueue
from typing import TypeVar

from coderouter_exporter.engine.counting import Counting
from coderouter_exporter.engine.event_files import OpenFiles
from coderouter_exporter.engine.pace import QUIET_POLL_S, Pace
from coderouter_exporter.engine.published import Published
from coderouter_exporter.names import shown
from coderouter_exporter.rows.outbox import Delivery
from coderouter_exporter.rows.pending import REQUESTS_MAX, Pending
from coderouter_exporter.state.document import Document
from coderouter_exporter.state.errors import Busy, StateError, StateUnavailable
from coderouter_exporter.state.opening import Opening
from coderouter_exporter.state.state import State
from coderouter_exporter.tail.content import Step, no_step

STOP_S = 10.0
PAUSE_S_MAX = 10.0
FAILING_S_MAX = 600.0
"""After this long with nothing but failed passes, only a new process may help."""
ROWS_READ_S = 30.0
"""For this long after someone read rows, rows are made of every event at once."""
WAITING_MAX = 128
"""Parts of the backlog of rows; with more, a reader would wait for too long."""

T = TypeVar("T")

log = logging.getLogger(__name__)


class NothingWorks(Exception):
    """No pass has worked for `FAILING_S_MAX`."""


class Engine:
    """Runs the loop. If it has to end, `on_end` is called from its thread with the reason."""

    def __init__(
        self,
        opening: Opening,
        open_sources: OpenFiles,
        *,
        on_end: Callable[[StateError | NothingWorks], None],
        requests_max: int = REQUESTS_MAX,
        exports: bool = False,
        step: Step = no_step,
        failing_s_max: float = FAILING_S_MAX,
        quiet_poll_s: float = QUIET_POLL_S,
    ) -> None:
        self.requests_max = requests_max
        self.exports = exports
        """Requests that have ended are collected for an export."""
        self._opening = opening
        self._open_sources = open_sources
        self._on_end = on_end
        self._step = step
        self._failing_s_max = failing_s_max
        self._counting: Counting | None = None
        self._waits_for = ""
        self._failures = 0
        """Failed attempts since the last one that worked."""
        self._failing_since = 0.0
        self._retry_at = 0.0
        self._pace = Pace(quiet_poll_s)
        self._rows_read_at = -ROWS_READ_S
        self._wake = threading.Event()
        self._stopping = False
        self._lock = threading.Lock()
        self._deliveries: SimpleQueue[Delivery] = SimpleQueue()
        self._next_pass: Future[None] | None = None
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._before_open = Published(
            document=Document(State(created_ts=time.time()).encode()),
            caught_up=False,
            unavailable="the state file is not open yet",
        )

    @property
    def published(self) -> Published:
        return self._before_open if self._counting is None else self._counting.published

    def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Return what the query reads of the committed rows. Called from any thread.

        Raises:
            Busy: the state is not open, or a commit takes long.
            sqlite3.Error: they cannot be read.
        """
        if self._counting is None:
            raise Busy
        return self._counting.read(query)

    def note(self, delivery: Delivery) -> None:
        """Commit soon what an export has achieved. Called from any thread."""
        self._deliveries.put(delivery)
        self._wake.set()

    def open(self) -> None:
        """Open the state, or leave that to the loop if it is not possible yet.

        Raises:
            StateError: it never will, until a person has repaired something.
        """
        try:
            self._open()
        except StateError:
            raise
        except Exception:
            log.exception("error while the state file %s is opened", shown(self._opening.path))
            self._fail()

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
                shown(self._opening.path),
            )

    def wake(self) -> None:
        """Start a pass soon, because the files may have changed."""
        self._pace.change()
        self._wake.set()

    def finds_lines(self) -> bool:
        """Return whether there was anything to read in the last pass."""
        return self._counting is not None and self._counting.bytes_read > 0

    def want_rows(self) -> None:
        """Make rows of all that is counted, from the next pass on: someone reads them. Called from any thread."""
        self._rows_read_at = time.monotonic()

    def next_pass(self) -> Future[None]:
        """Return a future that is done after the next pass that begins after this call, or fails or is put off."""
        with self._lock:
            if self._next_pass is None:
                self._next_pass = Future()
            future = self._next_pass
        self._wake.set()
        return future

    def _run(self) -> None:
        self._build_rows()  # before much is read: with all rows made, events of requests that are not kept are skipped
        while not self._stopping:
            self._attempt_for_waiters()
            self._build_rows()
            self._wake.wait(self._pace.pause_s)
            self._wake.clear()
        self._retry_at = 0.0
        self._attempt_for_waiters()
        if self._counting is not None:
            self._counting.close()

    def _attempt_for_waiters(self) -> None:
        with self._lock:
            waiters, self._next_pass = self._next_pass, None
        if time.monotonic() >= self._retry_at:
            self._attempt(asked=waiters is not None or self._stopping)
        self._step("attempted")  # the loop is alive, even when nothing else works
        if waiters is not None:
            waiters.set_result(None)

    def _build_rows(self) -> None:
        """Make rows while there is nothing else to do, unless they can wait."""
        counting = self._counting
        while (
            counting is not None
            and not self._failures
            and not self._wake.is_set()
            and (counting.published.backlog > WAITING_MAX or not self._rows_can_wait())
            and counting.build_rows()
        ):
            self._step("attempted")

    def _rows_can_wait(self) -> bool:
        """Return whether nobody reads rows, and many events come: most of their rows are never read."""
        is_read = self.exports or time.monotonic() - self._rows_read_at < ROWS_READ_S
        return self._pace.is_fast and not is_read

    def _attempt(self, *, asked: bool) -> None:
        """Make a pass, which commits in any case if it is `asked` for.

        After one that failed, count again from the last commit.
        """
        try:
            if self._counting is None:
                if not self._open():
                    return
            elif self._failures:
                self._counting.restart()
            assert self._counting is not None
            while not self._deliveries.empty():
                self._counting.note(self._deliveries.get_nowait())
            self._counting.run_pass(asked=asked, rows_can_wait=self._rows_can_wait())
            self._pace.add(self._counting.bytes_read, is_settled=self._counting.published.ready)
            self._failures = 0
        except StateError as error:
            self._end(error)
        except Exception:
            log.exception("error in a pass over the event files; repeating it from the last commit")
            self._fail()

    def _open(self) -> bool:
        """Try to open the state; return whether that worked."""
        try:
            store, state = self._opening.open()
            try:
                pending = Pending(self.requests_max, exports=self.exports)
                self._counting = Counting(store, state, self._open_sources, pending=pending, step=self._step)
            except BaseException:
                store.close()
                raise
        except StateUnavailable as error:
            if str(error) != self._waits_for:
                log.error("%s; waiting for it", error)
            self._waits_for = str(error)
            self._before_open = replace(self._before_open, unavailable=str(error))
            self._put_off()
            return False
        self._failures = 0
        if self._waits_for:
            log.info("the state file %s is open", shown(self._opening.path))
        return True

    def _fail(self) -> None:
        now = time.monotonic()
        if not self._failures:
            self._failing_since = now
        if self._counting is not None:
            self._counting.fail()
        self._put_off()
        if now - self._failing_since >= self._failing_s_max:
            self._end(NothingWorks(f"every pass has failed for {self._failing_s_max:g} s"))

    def _put_off(self) -> None:
        self._failures += 1
        self._pace.change()
        self._retry_at = time.monotonic() + min(PAUSE_S_MAX, 2.0 ** min(self._failures - 1, 10))

    def _end(self, reason: StateError | NothingWorks) -> None:
        self._stopping = True
        self._on_end(reason)
