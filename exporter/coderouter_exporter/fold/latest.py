"""Updates what is shown beside the counts; each kind has a module of its own."""

from functools import partial
from itertools import islice
from operator import itemgetter

from coderouter_events.events import (
    ProviderFailed,
    ProviderFailedMidstream,
    ProviderOk,
    RequestFinished,
    TryProvider,
)
from coderouter_exporter.fold.configuration import update_configuration
from coderouter_exporter.fold.fields import Groups, event_ts, http_status
from coderouter_exporter.fold.heartbeats import update_heartbeats
from coderouter_exporter.fold.learnt import update_learnt
from coderouter_exporter.fold.provider_health import update_provider_health
from coderouter_exporter.fold.spending import add_costs
from coderouter_exporter.records.record import Record
from coderouter_exporter.state.recent_events import with_newest
from coderouter_exporter.state.state import RECENT_ATTEMPTS_MAX, RecentAttempt, State

_ATTEMPT_EVENTS = frozenset(
    (TryProvider.msg, ProviderOk.msg, ProviderFailed.msg, ProviderFailedMidstream.msg)
)


def update_latest(state: State, data: bytes, records: list[Record], groups: Groups) -> None:
    """Update the state with the new records; `groups` has them by event, `data` holds their lines."""
    update_configuration(state, data, groups)
    update_heartbeats(state, groups)
    update_provider_health(state, records, groups)
    update_learnt(state, records, groups)
    add_costs(state, groups.get(RequestFinished.msg, ()))
    _update_recent_attempts(state, records)
    state.recent_events = with_newest(state.recent_events, records, partial(event_ts, state))


def _update_recent_attempts(state: State, records: list[Record]) -> None:
    of_attempts = (record for record in reversed(records) if record.msg in _ATTEMPT_EVENTS)
    newest = [_recent_attempt(state, record) for record in islice(of_attempts, RECENT_ATTEMPTS_MAX)]
    newest.reverse()
    attempts = sorted([*state.recent_attempts, *newest], key=itemgetter(0))
    state.recent_attempts = attempts[-RECENT_ATTEMPTS_MAX:]


def _recent_attempt(state: State, record: Record) -> RecentAttempt:
    return RecentAttempt(
        ts=event_ts(state, record),
        event=record.msg,
        provider=record.provider or "",
        stream=record.stream,
        status=http_status(record),
        retryable=record.retryable,
    )
