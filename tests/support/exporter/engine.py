"""The exporter's engine without its thread and HTTP: real files and a real state file, one pass per scrape."""

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from coderouter_exporter.engine.commit_pace import COMMIT_EVERY_S
from coderouter_exporter.engine.counting import Counting
from coderouter_exporter.engine.published import Published
from coderouter_exporter.engine.read_ahead import ReadAhead
from coderouter_exporter.render.exposition import Format, render
from coderouter_exporter.render.view import View
from coderouter_exporter.rows import tables
from coderouter_exporter.rows.outbox import Delivery
from coderouter_exporter.rows.pending import REQUESTS_MAX, Pending
from coderouter_exporter.state.document import Encoder
from coderouter_exporter.state.state import State
from coderouter_exporter.state.store import Change, Store
from coderouter_exporter.tail.content import Step, no_step
from coderouter_exporter.tail.gone import GONE_KEPT_S
from coderouter_exporter.tail.shared import LATE_WRITER_S
from coderouter_exporter.tail.sources import Sources
from support.exporter.process import samples

T = TypeVar("T")
Samples = dict[tuple[str, tuple[str, ...]], float]


class EngineRig:
    """Counts on each `scrape`. `kill` ends it without a last commit; a new one continues from the state file."""

    def __init__(
        self,
        *events: Path,
        state: Path,
        olddir: Path | None = None,
        rotated_globs: Sequence[str] = (),
        step: Step = no_step,
        late_writer_s: float = LATE_WRITER_S,
        commit_every_s: float = COMMIT_EVERY_S,
        gone_kept_s: float = GONE_KEPT_S,
        requests_max: int = REQUESTS_MAX,
        exports: bool = False,
        ahead: ReadAhead | None = None,
        encoder: Encoder | None = None,
    ) -> None:
        self._store = Store(state, tables.create)
        document = self._store.load()
        restored = State(created_ts=1.0) if document is None else document.decode()
        open_sources = partial(
            Sources,
            events,
            olddir=olddir,
            rotated_globs=rotated_globs,
            state_file=state,
            step=step,
            late_writer_s=late_writer_s,
            gone_kept_s=gone_kept_s,
        )
        self._counting = Counting(
            self._store,
            restored,
            open_sources,
            pending=Pending(requests_max, exports=exports),
            step=step,
            commit_every_s=commit_every_s,
            ahead=ahead,
            encoder=encoder,
        )

    @property
    def sources(self) -> Sources:
        sources = self._counting.sources
        assert isinstance(sources, Sources)
        return sources

    def scrape(self) -> Samples:
        """Count what has been written, and return what a scrape would show."""
        self.run_pass()
        return self.shown()

    def run_pass(self, *, asked: bool = True, rows_can_wait: bool = False) -> None:
        self._counting.run_pass(asked=asked, rows_can_wait=rows_can_wait)

    def restart(self) -> None:
        """Go back to the last commit, as after a failed pass."""
        self._counting.fail()
        self._counting.restart()

    def build_rows(self) -> None:
        """Make rows of everything that is committed."""
        while self._counting.build_rows():
            pass

    def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Return what the query reads of the rows."""
        return self._counting.read(query)

    def write(self, change: Change) -> None:
        """Change the tables."""
        self._store.write(change)

    def note(self, delivery: Delivery) -> None:
        """Let the next pass commit what an export has achieved."""
        self._counting.note(delivery)

    @property
    def published(self) -> Published:
        return self._counting.published

    def shown(self) -> Samples:
        """Return what a scrape would show without counting first."""
        published = self.published
        view = View(state=published.document.decode(), now_ts=0.0, published=published)
        return samples(render(view, Format.TEXT).decode())

    def tries(self, provider: str = "local") -> float:
        return self.scrape().get(("coderouter_provider_attempts_total", (provider,)), 0.0)

    def kill(self) -> None:
        self._counting.close()


def is_exact(engine: EngineRig, tries: int) -> bool:
    """Assert the total of the next scrape; return whether it is exact without suppressing a duplicate."""
    shown = engine.scrape()
    assert shown["coderouter_requests_total", ()] == tries
    return shown["cr_exporter_exact", ()] == 1 and shown["cr_exporter_duplicates_suppressed_total", ()] == 0
