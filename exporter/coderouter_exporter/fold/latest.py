"""Keeps what is shown beside the counts: the newest configuration, how providers and processes are, recent events."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache, partial
from itertools import islice
from operator import itemgetter

from coderouter_events.events import (
    ConfigReloaded,
    Heartbeat,
    ProviderCooldown,
    ProviderFailed,
    ProviderFailedMidstream,
    ProviderOk,
    ProviderRecovered,
    RequestFinished,
    Shutdown,
    Startup,
    TryProvider,
)
from coderouter_exporter.families.kinds import MICRO
from coderouter_exporter.records.columns import in_whole
from coderouter_exporter.records.decode import (
    CONFIGURATIONS,
    Record,
    amount,
    configurations,
    text,
    texts,
    truth,
    unix_time,
)
from coderouter_exporter.state.recent_events import entered, shortened
from coderouter_exporter.state.sequences import WRITERS_MAX
from coderouter_exporter.state.state import (
    RECENT_MAX,
    SERIES_MAX,
    CatalogEntry,
    Cooldown,
    LastError,
    LastFallback,
    ProxyHeartbeat,
    Recent,
    StartupInfo,
    State,
)

_FAILED = frozenset((ProviderFailed.msg, ProviderFailedMidstream.msg))
_SHOWN = _FAILED | {TryProvider.msg, ProviderOk.msg}

Groups = Mapping[str, Sequence[Record]]


def remember(state: State, data: bytes, records: list[Record], groups: Groups) -> None:
    """Keep what the new records tell; `groups` has them by event, `data` is the text that they stand in."""
    if not CONFIGURATIONS.isdisjoint(groups):
        for fields in configurations(data):
            _configure(state, fields)
    _update_heartbeats(state, groups)
    for record in groups.get(Shutdown.msg, ()):
        _end(state, record)
    _note_cooldowns(state, groups)
    _spend(state, groups.get(RequestFinished.msg, ()))
    if not _FAILED.isdisjoint(groups):
        for provider, record in {r.provider or "": r for r in records if r.msg in _FAILED}.items():
            _note_error(state, provider, _last_error(state, record))
    shown = islice((record for record in reversed(records) if record.msg in _SHOWN), RECENT_MAX)
    newest = [_recent(state, record) for record in shown]
    newest.reverse()
    state.recent = sorted([*state.recent, *newest], key=itemgetter(0))[-RECENT_MAX:]
    _note_moved_on(state, groups.get(ProviderFailed.msg, ()))
    state.journal = entered(state.journal, records, partial(_ts, state))
    _note_answers(state, groups.get(ProviderOk.msg, ()))


def _note_moved_on(state: State, failed: Sequence[Record]) -> None:
    record = next((record for record in reversed(failed) if record.retryable), None)
    if record is not None and (state.moved_on is None or state.moved_on.ts <= _ts(state, record)):
        error = shortened(record.error or "")
        state.moved_on = LastFallback(_ts(state, record), record.provider or "", record.error_type, error)


def _note_answers(state: State, records: Sequence[Record]) -> None:
    for provider, record in {record.provider or "": record for record in records}.items():
        if provider in state.answered or len(state.answered) < SERIES_MAX:
            state.answered[provider] = max(_ts(state, record), state.answered.get(provider, 0.0))


def _note_error(state: State, provider: str, error: LastError) -> None:
    before = state.last_errors.get(provider)
    if before.ts <= error.ts if before else len(state.last_errors) < SERIES_MAX:
        state.last_errors[provider] = error


def _configure(state: State, fields: dict[str, object]) -> None:
    """Keep the newest configuration; one that was read anew does not change when the proxy started."""
    ts = unix_time(text(fields.get("ts")) or "")
    told = _startup_info(state.last_event_ts if ts is None else ts, fields)
    known = state.startup
    if known is not None and told.configured_ts < known.configured_ts:
        return
    if known is not None and fields.get("msg") == ConfigReloaded.msg:
        told.ts, told.writer, told.ended = known.ts, known.writer, known.ended
    state.startup = told


def _startup_info(ts: float, fields: dict[str, object]) -> StartupInfo:
    catalog = fields.get("catalog")
    chains = fields.get("chains")
    return StartupInfo(
        ts=ts,
        configured_ts=ts,
        writer=text(fields.get("writer")),
        version=text(fields.get("version")),
        providers=texts(fields.get("providers")),
        profiles=texts(fields.get("profiles")),
        default_profile=text(fields.get("default_profile")),
        allow_paid=truth(fields.get("allow_paid")),
        mode_source=text(fields.get("mode_source")),
        display_timezone=text(fields.get("display_timezone")),
        catalog=[_catalog_entry(entry) for entry in catalog if isinstance(entry, dict)]
        if isinstance(catalog, list)
        else [],
        chains={name: texts(chain) for name, chain in chains.items()} if isinstance(chains, dict) else {},
    )


def _catalog_entry(fields: dict[str, object]) -> CatalogEntry:
    return CatalogEntry(
        name=text(fields.get("name")) or "",
        kind=text(fields.get("kind")),
        paid=truth(fields.get("paid")),
        base_url=text(fields.get("base_url")),
        monthly_budget_usd=amount(fields.get("monthly_budget_usd")),
    )


def _end(state: State, record: Record) -> None:
    state.writers.end(record.writer)
    startup = state.startup
    if startup is not None and record.writer == startup.writer and _ts(state, record) >= startup.ts:
        startup.ended = True


def _last_error(state: State, record: Record) -> LastError:
    return LastError(
        ts=_ts(state, record),
        status=_status(record),
        retryable=record.retryable,
        error=shortened(record.error or ""),
        error_type=record.error_type,
    )


def _recent(state: State, record: Record) -> Recent:
    return Recent(
        ts=_ts(state, record),
        event=record.msg,
        provider=record.provider or "",
        stream=record.stream,
        status=_status(record),
        retryable=record.retryable,
    )


def _ts(state: State, record: Record) -> float:
    ts = unix_time(record.ts)
    return state.last_event_ts if ts is None else ts


def _status(record: Record) -> int | None:
    return record.status if record.status is not None and 0 <= record.status <= 999 else None


def _update_heartbeats(state: State, groups: Groups) -> None:
    for event in (Startup.msg, Heartbeat.msg, Shutdown.msg):
        for record in groups.get(event, ()):
            if record.writer is not None:
                in_flight = max(0, in_whole(record.in_flight or 0, 1))
                pulse = ProxyHeartbeat(_ts(state, record), in_flight, ended=event == Shutdown.msg)
                state.pulses[record.writer] = max(pulse, state.pulses.get(record.writer, pulse), key=_newer)
    if len(state.pulses) > WRITERS_MAX:
        newest = sorted(state.pulses.items(), key=lambda entry: (entry[1].ts, entry[0]))
        state.pulses = dict(newest[-WRITERS_MAX:])


def _newer(pulse: ProxyHeartbeat) -> tuple[float, bool, int]:
    return pulse.ts, pulse.ended, pulse.in_flight  # also the order of two of the same millisecond


def _note_cooldowns(state: State, groups: Groups) -> None:
    for event in (ProviderCooldown.msg, ProviderRecovered.msg):
        for record in groups.get(event, ()):
            ts = _ts(state, record)
            until = ts + (record.seconds or 0.0) if event == ProviderCooldown.msg else ts
            told = Cooldown(ts, until)
            before = state.cooling.get(record.provider or "")
            if before is not None or len(state.cooling) < SERIES_MAX:
                state.cooling[record.provider or ""] = max(told, before or told, key=_later)


def _later(told: Cooldown) -> tuple[float, float]:
    return told.ts, -told.until


def _spend(state: State, finished: Sequence[Record]) -> None:
    """Add to what each provider has cost this month; costs of an earlier month come too late."""
    for record in finished:
        if not record.cost_usd:
            continue
        month = _month(record.ts[:10])
        if month > state.month:
            state.month, state.month_costs = month, {}
        micro_usd = in_whole(record.cost_usd, MICRO)
        name = record.provider or ""
        room = name in state.month_costs or len(state.month_costs) < SERIES_MAX
        if month == state.month and micro_usd > 0 and room:
            state.month_costs[name] = state.month_costs.get(name, 0) + micro_usd


@lru_cache
def _month(day: str) -> str:
    """Return the month of a day such as `2026-11-24`; nothing where that is no day."""
    try:
        return date.fromisoformat(day).isoformat()[:7]
    except ValueError:
        return ""
