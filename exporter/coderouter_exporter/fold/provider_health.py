"""Keeps the last success, the last error, the cooldown and the spent budget of each provider, and the last fallback."""

from collections.abc import Mapping, Sequence

from coderouter_events.events import (
    ProviderCooldown,
    ProviderFailed,
    ProviderFailedMidstream,
    ProviderOk,
    ProviderRecovered,
    SkipBudgetExceeded,
)
from coderouter_exporter.fold.reading import Reading, http_status, line_of
from coderouter_exporter.records.record import Record
from coderouter_exporter.state.cardinality import SERIES_MAX
from coderouter_exporter.state.order import Line, is_newer
from coderouter_exporter.state.recent_events import truncated
from coderouter_exporter.state.reported import AttemptEnd, BudgetSkip, Cooldown, LastError, LastFallback


def update_provider_health(reading: Reading) -> None:
    _update_cooldowns(reading)
    _update_budget_skips(reading)
    failures = _last_by_provider(reading.of(ProviderFailed.msg, ProviderFailedMidstream.msg))
    successes = _last_by_provider(reading.of(ProviderOk.msg))
    for provider, record in failures.items():
        _update_last_error(reading, provider, record)
    for provider, record in successes.items():
        _update_last_success(reading, provider, record)
    for provider in failures.keys() | successes.keys():
        _update_newest_end(reading, provider, failures.get(provider), successes.get(provider))
    _update_last_fallback(reading)


def _last_by_provider(records: Sequence[Record]) -> dict[str, Record]:
    """Return the last record of each provider; the last of all is at the end."""
    last = {record.provider or "": record for record in records}
    if records:
        provider = records[-1].provider or ""
        last[provider] = last.pop(provider)
    return last


def _has_room(kept: Mapping[str, object], provider: str) -> bool:
    return provider in kept or len(kept) < SERIES_MAX


def _update_cooldowns(reading: Reading) -> None:
    cooldowns = reading.state.cooldowns
    for record in reading.of(ProviderCooldown.msg, ProviderRecovered.msg):
        provider, line, ts = record.provider or "", line_of(record), reading.event_ts(record)
        if _has_room(cooldowns, provider) and is_newer(line, _line(cooldowns.get(provider))):
            seconds = record.seconds or 0.0 if record.msg == ProviderCooldown.msg else 0.0
            cooldowns[provider] = Cooldown(ts, ts + seconds, line)


def _update_budget_skips(reading: Reading) -> None:
    skips = reading.state.budget_skips
    for provider, record in _last_by_provider(reading.of(SkipBudgetExceeded.msg)).items():
        line = line_of(record)
        if _has_room(skips, provider) and is_newer(line, _line(skips.get(provider))):
            spent_usd, budget_usd = record.spent_usd or 0.0, record.budget_usd or 0.0
            skips[provider] = BudgetSkip(reading.event_ts(record), spent_usd, budget_usd, line)


def _line(known: BudgetSkip | Cooldown | LastError | LastFallback | AttemptEnd | None) -> Line | None:
    return None if known is None else known.line


def _update_last_error(reading: Reading, provider: str, record: Record) -> None:
    errors = reading.state.last_errors
    ts, line, suspect = reading.when(record)
    if _has_room(errors, provider) and is_newer(line, _line(errors.get(provider))):
        errors[provider] = LastError(
            ts=ts,
            status=http_status(record),
            retryable=record.retryable,
            error=truncated(record.error or ""),
            error_type=record.error_type,
            line=line,
            suspect=suspect,
        )


def _update_last_success(reading: Reading, provider: str, record: Record) -> None:
    """Keep them in the order in which they were read, the newest last."""
    successes, ends = reading.state.last_success_ts, reading.state.newest_ends
    if _has_room(successes, provider) and is_newer(line_of(record), _line(ends.get(provider))):
        successes.pop(provider, None)
        successes[provider] = reading.event_ts(record)


def _update_newest_end(
    reading: Reading, provider: str, failure: Record | None, success: Record | None
) -> None:
    record = failure or success
    if failure is not None and success is not None:
        record = next(each for each in reversed(reading.records) if each is failure or each is success)
    assert record is not None
    ends, line = reading.state.newest_ends, line_of(record)
    if _has_room(ends, provider) and is_newer(line, _line(ends.get(provider))):
        ends[provider] = AttemptEnd(failed=record is failure, line=line)


def _update_last_fallback(reading: Reading) -> None:
    failures = reading.groups.get(ProviderFailed.msg, ())
    record = next((record for record in reversed(failures) if record.retryable), None)
    if record is None:
        return
    ts, line, suspect = reading.when(record)
    if is_newer(line, _line(reading.state.last_fallback)):
        provider, error = record.provider or "", truncated(record.error or "")
        reading.state.last_fallback = LastFallback(ts, provider, record.error_type, error, line, suspect)
