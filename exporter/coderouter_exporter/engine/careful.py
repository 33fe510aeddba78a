"""Folds around lines that cannot be counted, which only a bug can cause."""

import copy
import logging
from dataclasses import replace

from coderouter_exporter.families.exporter import INTERNAL_ERRORS
from coderouter_exporter.fold.fold import fold
from coderouter_exporter.records.decode import Chunk
from coderouter_exporter.rows.pending import Pending
from coderouter_exporter.state.state import State
from coderouter_exporter.tail.content import Step

log = logging.getLogger(__name__)


def fold_with_care(
    state: State, pending: Pending, chunk: Chunk, read_ts: float, step: Step
) -> tuple[State, Pending]:
    """Fold the chunk without the lines that cannot be counted; return the state and the rows to use from now on."""
    document, saved = state.encode(), copy.deepcopy(pending)
    try:
        fold(state, chunk, read_ts, pending)
        state.encode()
    except Exception:
        state, pending = State.decode(document), saved
        lines = [line + b"\n" for line in chunk.data.split(b"\n")[:-1]]
        fold(state, replace(chunk, data=b""), read_ts, pending)
        if len(lines) <= 1:
            log.exception("skipping a line that cannot be counted: %.200r", chunk.data)
            state.add(INTERNAL_ERRORS, ("line",), 1)
            return state, pending
        middle = len(lines) // 2
        for part in (lines[:middle], lines[middle:]):
            step("folded")
            rest = replace(chunk, data=b"".join(part), bytes_read=0, oversize=0, nul_bytes=0)
            state, pending = fold_with_care(state, pending, rest, read_ts, step)
    return state, pending
