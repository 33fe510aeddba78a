"""Updates what is shown beside the counts; each kind has a module of its own."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

from coderouter_events.events import (
    ProviderFailed,
    ProviderFailedMidstream,
    ProviderOk,
    TryProvider,
)
from coderouter_exporter.fold.coderouter_2x import update_2x
from coderouter_exporter.fold.configuration import update_configuration
from coderouter_exporter.fold.heartbeats import update_heartbeats
from coderouter_exporter.fold.learnt import update_learnt
from coderouter_exporter.fold.plans import PLANS
from coderouter_exporter.fold.provider_health import update_provider_health
from coderouter_exporter.fold.reading import Reading, Times, http_status
from coderouter_exporter.records.record import Record
from coderouter_exporter.state.order import When, is_newer, newest
from coderouter_exporter.state.recent_events import RECENT_EVENTS_MAX, newest_events, recent_event
from coderouter_exporter.state.reported import RecentAttempt
from coderouter_exporter.state.state import RECENT_ATTEMPTS_MAX, State

ATTEMPT_EVENTS = frozenset((TryProvider.msg, ProviderOk.msg, ProviderFailed.msg, ProviderFailedMidstream.msg))


POSTPONED_MAX = 8
"""Batches whose newest records are kept until the state is encoded."""


class Newest(NamedTuple):
    """The records of a batch that enter the lists of the newest attempts and events, oldest first."""

    attempts: list[Record]
    events: list[Record]

    @property
    def is_full(self) -> bool:
        """Whether they fill the lists."""
        return len(self.attempts) == RECENT_ATTEMPTS_MAX and len(self.events) == RECENT_EVENTS_MAX


def newest_of(records: Sequence[Record]) -> Newest:
    attempts = (record for record in reversed(records) if record.msg in ATTEMPT_EVENTS)
    newest_attempts = list(islice(attempts, RECENT_ATTEMPTS_MAX))
    return Newest(newest_attempts[::-1], newest_events(records))


def list_newest(
    reading: Reading, newest_of_batch: Callable[[], Newest], *, replaces: bool, postpone: bool
) -> None:
    """Add the newest records of the batch to the lists, at the latest when the state is encoded.

    With `replaces`, nothing that was read before remains in them. To be called before `update_latest`.
    """
    state = reading.state
    if replaces:
        state.postponed.clear()
    state.postponed.append(partial(_list_newest, state, newest_of_batch, reading.times))
    if not postpone or len(state.postponed) > POSTPONED_MAX:
        state.settle()


def _list_newest(state: State, newest_of_batch: Callable[[], Newest], times: Times) -> None:
    read = newest_of_batch()
    if read.attempts:
        attempts = [_recent_attempt(record, times.when(record)) for record in read.attempts]
        state.recent_attempts = newest(state.recent_attempts, attempts, RECENT_ATTEMPTS_MAX)
    if read.events:
        events = [recent_event(record, times.when(record)) for record in read.events]
        state.recent_events = newest(state.recent_events, events, RECENT_EVENTS_MAX)


def update_latest(reading: Reading) -> None:
    """Update everything else that is shown, from the records that decide it."""
    state = reading.state
    was_suspect = state.suspect_ts > 0.0
    _update_last_event(reading)
    update_heartbeats(reading)
    update_configuration(reading)
    update_provider_health(reading)
    update_learnt(reading)
    update_2x(reading)
    if (was_suspect or reading.has_suspects) and not state.suspect_ts:
        # What was read before an event happened before it, so that old lines do not pass for new ones.
        state.correct_times(partial(min, state.last_event_ts))


def _update_last_event(reading: Reading) -> None:
    state = reading.state
    last = next((record for record in reversed(reading.records) if record.msg in PLANS), None)
    if last is None:
        return
    ts, line, suspect = reading.when(last)
    if is_newer(line, state.last_line):
        state.last_event_ts, state.last_line = reading.event_ts(last), line
        state.suspect_ts = ts if suspect else 0.0


def _recent_attempt(record: Record, when: When) -> RecentAttempt:
    ts, line, suspect = when
    provider, status = record.provider or "", http_status(record)
    return RecentAttempt(ts, record.msg, provider, record.stream, status, record.retryable, line, suspect)
