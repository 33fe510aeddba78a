"""Keeps the newest configuration that a proxy reported, and whether the process that reported it has shut down."""

from coderouter_events.events import ConfigReloaded, Shutdown
from coderouter_exporter.fold.fields import Groups, event_ts
from coderouter_exporter.records.decode import CONFIGURATION_EVENTS, configuration_events
from coderouter_exporter.records.record import Record
from coderouter_exporter.records.values import as_bool, as_float, as_text, as_texts, unix_time
from coderouter_exporter.state.state import CatalogEntry, StartupInfo, State


def update_configuration(state: State, data: bytes, groups: Groups) -> None:
    if not CONFIGURATION_EVENTS.isdisjoint(groups):
        for fields in configuration_events(data):
            _configure(state, fields)
    for record in groups.get(Shutdown.msg, ()):
        _end(state, record)


def _configure(state: State, fields: dict[str, object]) -> None:
    """Keep the configuration if it is the newest; a reload does not change when the proxy started."""
    state.writers.report(fields.get("ended_writers"))
    ts = unix_time(as_text(fields.get("ts")) or "")
    reported = _startup_info(state.last_event_ts if ts is None else ts, fields)
    known = state.startup
    if known is not None and reported.configured_ts < known.configured_ts:
        return
    if known is not None and fields.get("msg") == ConfigReloaded.msg:
        reported.ts, reported.writer, reported.ended = known.ts, known.writer, known.ended
    state.startup = reported


def _startup_info(ts: float, fields: dict[str, object]) -> StartupInfo:
    catalog = fields.get("catalog")
    chains = fields.get("chains")
    return StartupInfo(
        ts=ts,
        configured_ts=ts,
        writer=as_text(fields.get("writer")),
        version=as_text(fields.get("version")),
        providers=as_texts(fields.get("providers")),
        profiles=as_texts(fields.get("profiles")),
        default_profile=as_text(fields.get("default_profile")),
        allow_paid=as_bool(fields.get("allow_paid")),
        mode_source=as_text(fields.get("mode_source")),
        display_timezone=as_text(fields.get("display_timezone")),
        catalog=[_catalog_entry(entry) for entry in catalog if isinstance(entry, dict)]
        if isinstance(catalog, list)
        else [],
        chains={name: as_texts(chain) for name, chain in chains.items()} if isinstance(chains, dict) else {},
    )


def _catalog_entry(fields: dict[str, object]) -> CatalogEntry:
    return CatalogEntry(
        name=as_text(fields.get("name")) or "",
        kind=as_text(fields.get("kind")),
        paid=as_bool(fields.get("paid")),
        base_url=as_text(fields.get("base_url")),
        monthly_budget_usd=as_float(fields.get("monthly_budget_usd")),
    )


def _end(state: State, record: Record) -> None:
    state.writers.end(record.writer)
    startup = state.startup
    if startup is not None and record.writer == startup.writer and event_ts(state, record) >= startup.ts:
        startup.ended = True
