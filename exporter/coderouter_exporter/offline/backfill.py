"""Turns finished event files into history: every counter at every step of the events' own time."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby

from coderouter_exporter.fold.fold import fold
from coderouter_exporter.offline.order import written_ts
from coderouter_exporter.offline.step_log import StepLog
from coderouter_exporter.records.decode import Chunk
from coderouter_exporter.render.exposition import Scrape
from coderouter_exporter.render.view import View
from coderouter_exporter.state.state import State

STEPS_MAX = 1_000_000


class TooManySteps(Exception):
    """The message says how many and what to write instead."""


def backfill(
    chunks: Iterable[Chunk], *, step_ms: int, labels: Iterable[tuple[str, str]] = ()
) -> Iterator[str]:
    """Yield an OpenMetrics document, from one step before the first event to the one after the last.

    An event counts from the first step that is not before it; one whose time runs backwards, or that has none,
    counts together with the one before it. `labels` are added to each series.

    Raises:
        TooManySteps: from the first event to the last there are more than `STEPS_MAX`.
    """
    history = StepLog(step_ms, labels)
    state = State(created_ts=0.0)
    first = last = 0
    for step, chunk in _by_step(chunks, step_ms):
        if step > last:
            _note(history, last, state)
            first, last = first or step, step
            _check(first, last, step_ms)
        fold(state, chunk)
    _note(history, last, state)
    yield from history.lines(first - 1, last) if first else ["# EOF\n"]
    history.close()


def _note(history: StepLog, step: int, state: State) -> None:
    history.note(step, Scrape(View(state=state, now_ts=0.0)).collect())


def _check(first: int, last: int, step_ms: int) -> None:
    if last - first > STEPS_MAX:
        raise TooManySteps(
            f"the events go from {_time(first, step_ms)} to {_time(last, step_ms)}, which is more than {STEPS_MAX:,} "
            "steps; write a larger --step, e.g. --step 1h, or leave out the file with the odd time"
        )


def _by_step(chunks: Iterable[Chunk], step_ms: int) -> Iterator[tuple[int, Chunk]]:
    """Yield the chunks, cut where the next step begins."""
    step = 0

    def step_of(line: bytes) -> int:
        nonlocal step
        ts = written_ts(line)
        if ts is not None:
            step = max(step, -(-round(ts * 1000) // step_ms))
        return step

    for chunk in chunks:
        if not chunk.data:
            yield step, chunk
        for number, lines in groupby(chunk.data.split(b"\n")[:-1], step_of):
            data = b"\n".join(lines) + b"\n"
            yield number, Chunk(data, len(data))


def _time(step: int, step_ms: int) -> str:
    return datetime.fromtimestamp(step * step_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
