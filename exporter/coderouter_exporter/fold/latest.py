"""Updates what is shown beside the counts; each kind has a module of its own."""

from functools import partial
from itertools import islice

import msgspec

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
from coderouter_exporter.fold.reading import Reading, http_status
from coderouter_exporter.records.record import Record
from coderouter_exporter.state.order import is_newer, newest
from coderouter_exporter.state.recent_events import RECENT_EVENTS_MAX, RecentEvent, newest_events
from coderouter_exporter.state.reported import RecentAttempt
from coderouter_exporter.state.state import RECENT_ATTEMPTS_MAX

ATTEMPT_EVENTS = frozenset((TryProvider.msg, ProviderOk.msg, ProviderFailed.msg, ProviderFailedMidstream.msg))


class Newest(msgspec.Struct, array_like=True):
    """What a batch adds to the lists of the newest attempts and events."""

    attempts: list[RecentAttempt]
    events: list[RecentEvent]


def newest_of(reading: Reading) -> Newest:
    of_attempts = (record for record in reversed(reading.records) if record.msg in ATTEMPT_EVENTS)
    read = [_recent_attempt(reading, record) for record in islice(of_attempts, RECENT_ATTEMPTS_MAX)]
    return Newest(read[::-1], newest_events(reading.records, reading.when))


def update_latest(reading: Reading, read: Newest) -> None:
    """Follow the batch, of which `read` are the newest entries."""
    state = reading.state
    was_suspect = state.suspect_ts > 0.0
    _update_last_event(reading)
    update_heartbeats(reading)
    update_configuration(reading)
    update_provider_health(reading)
    update_learnt(reading)
    update_2x(reading)
    if read.attempts:
        state.recent_attempts = newest(state.recent_attempts, read.attempts, RECENT_ATTEMPTS_MAX)
    if read.events:
        state.recent_events = newest(state.recent_events, read.events, RECENT_EVENTS_MAX)
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


def _recent_attempt(reading: Reading, record: Record) -> RecentAttempt:
    ts, line, suspect = reading.when(record)
    provider, status = record.provider or "", http_status(record)
    return RecentAttempt(ts, record.msg, provider, record.stream, status, record.retryable, line, suspect)
