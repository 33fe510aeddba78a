"""Keeps the last success, the last error and the cooldown of each provider, and the last fallback."""

from collections.abc import Sequence

from coderouter_events.events import (
    ProviderCooldown,
    ProviderFailed,
    ProviderFailedMidstream,
    ProviderOk,
    ProviderRecovered,
)
from coderouter_exporter.fold.fields import Groups, event_ts, http_status
from coderouter_exporter.records.record import Record
from coderouter_exporter.state.recent_events import truncated
from coderouter_exporter.state.state import SERIES_MAX, Cooldown, LastError, LastFallback, State

_FAILURES = frozenset((ProviderFailed.msg, ProviderFailedMidstream.msg))


def update_provider_health(state: State, records: list[Record], groups: Groups) -> None:
    _update_cooldowns(state, groups)
    if not _FAILURES.isdisjoint(groups):
        failures = {record.provider or "": record for record in records if record.msg in _FAILURES}
        for provider, record in failures.items():
            _update_last_error(state, provider, record)
    _update_last_fallback(state, groups.get(ProviderFailed.msg, ()))
    _update_last_success(state, groups.get(ProviderOk.msg, ()))


def _update_cooldowns(state: State, groups: Groups) -> None:
    for event in (ProviderCooldown.msg, ProviderRecovered.msg):
        for record in groups.get(event, ()):
            ts = event_ts(state, record)
            until = ts + (record.seconds or 0.0) if event == ProviderCooldown.msg else ts
            reported = Cooldown(ts, until)
            previous = state.cooldowns.get(record.provider or "")
            if previous is not None or len(state.cooldowns) < SERIES_MAX:
                state.cooldowns[record.provider or ""] = max(reported, previous or reported, key=_newer)


def _newer(cooldown: Cooldown) -> tuple[float, float]:
    """Order cooldowns by time; of the same millisecond, the one that ends first is the newest: a recovery."""
    return cooldown.ts, -cooldown.until


def _update_last_error(state: State, provider: str, record: Record) -> None:
    error = LastError(
        ts=event_ts(state, record),
        status=http_status(record),
        retryable=record.retryable,
        error=truncated(record.error or ""),
        error_type=record.error_type,
    )
    previous = state.last_errors.get(provider)
    if previous.ts <= error.ts if previous else len(state.last_errors) < SERIES_MAX:
        state.last_errors[provider] = error


def _update_last_fallback(state: State, failures: Sequence[Record]) -> None:
    record = next((record for record in reversed(failures) if record.retryable), None)
    if record is None:
        return
    ts, previous = event_ts(state, record), state.last_fallback
    if previous is None or previous.ts <= ts:
        error = truncated(record.error or "")
        state.last_fallback = LastFallback(ts, record.provider or "", record.error_type, error)


def _update_last_success(state: State, successes: Sequence[Record]) -> None:
    for provider, record in {record.provider or "": record for record in successes}.items():
        if provider in state.last_success_ts or len(state.last_success_ts) < SERIES_MAX:
            previous = state.last_success_ts.get(provider, 0.0)
            state.last_success_ts[provider] = max(event_ts(state, record), previous)
