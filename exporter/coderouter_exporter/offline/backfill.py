"""Turns closed event files into history: every counter at every step of the events' own time."""

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
    """The message says what to do instead."""


def backfill(
    chunks: Iterable[Chunk], *, step_ms: int, labels: Iterable[tuple[str, str]] = ()
) -> Iterator[str]:
    """Yield an OpenMetrics document, from one step before the first event to the step after the last.

    An event counts from the first step that is not before it; one that is older than the previous event, or has no
    time, counts together with the previous one. `labels` are added to each series.

    Raises:
        TooManySteps: there are more than `STEPS_MAX` steps from the first event to the last.
    """
    log = StepLog(step_ms, labels)
    state = State(created_ts=0.0)
    first = last = 0
    for step, chunk in _by_step(chunks, step_ms):
        if step > last:
            _record(log, last, state)
            first, last = first or step, step
            _check(first, last, step_ms)
        fold(state, chunk)
    _record(log, last, state)
    yield from log.lines(first - 1, last) if first else ["# EOF\n"]
    log.close()


def _record(log: StepLog, step: int, state: State) -> None:
    log.record(step, Scrape(View(state=state, now_ts=0.0)).collect())


def _check(first: int, last: int, step_ms: int) -> None:
    if last - first > STEPS_MAX:
        raise TooManySteps(
            f"the events are from {_time(first, step_ms)} to {_time(last, step_ms)}, which is more than {STEPS_MAX:,} "
            "steps; use a larger --step, e.g. --step 1h, or leave out the file with the wrong time"
        )


def _by_step(chunks: Iterable[Chunk], step_ms: int) -> Iterator[tuple[int, Chunk]]:
    """Yield the chunks with their steps, split where a new step begins."""
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
