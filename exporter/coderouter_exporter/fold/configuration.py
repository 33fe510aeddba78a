"""Keeps the newest configuration that a proxy reported, and whether the process that reported it has shut down."""

from coderouter_events.events import ConfigReloaded, Shutdown, Startup
from coderouter_exporter.fold.reading import Reading, line_of
from coderouter_exporter.records.decode import CONFIGURATION_EVENTS, configuration_events
from coderouter_exporter.records.record import Record
from coderouter_exporter.records.values import as_bool, as_float, as_int, as_text, as_texts
from coderouter_exporter.state.order import is_newer
from coderouter_exporter.state.reported import CatalogEntry, StartupInfo
from coderouter_exporter.state.state import State

Identity = tuple[object, ...]
"""What a line is recognised by among the lines of a batch."""


def update_configuration(reading: Reading) -> None:
    """Follow startups, reloads and shutdowns; a reload does not change when the proxy started.

    The heartbeats are up to date.
    """
    state = reading.state
    lines: dict[Identity, dict[str, object]] = {}
    if not CONFIGURATION_EVENTS.isdisjoint(reading.groups):
        lines = {_identity_of_line(fields): fields for fields in configuration_events(reading.data)}
    for record in reading.of(Startup.msg, ConfigReloaded.msg, Shutdown.msg):
        known = state.startup
        is_newest = known is None or is_newer(line_of(record), known.line)
        if record.msg == Shutdown.msg:
            state.writers.end(record.writer)
            if known is not None and is_newest and record.writer == known.writer:
                known.ended = True
        elif (fields := lines.get(_identity(record))) is not None:
            state.writers.report(fields.get("ended_writers"))
            if is_newest:
                reported = _startup_info(reading, record, fields)
                if known is not None and record.msg == ConfigReloaded.msg:
                    reported.ts, reported.writer, reported.ended = known.ts, known.writer, known.ended
                state.startup = reported
    _follow_shutdown(state)


def _follow_shutdown(state: State) -> None:
    """Mark the configuration of a process that has shut down: its startup may be read later than its shutdown."""
    startup = state.startup
    if startup is not None and startup.writer in state.heartbeats:
        startup.ended = state.heartbeats[startup.writer].ended


def _identity(record: Record) -> Identity:
    return record.msg, record.writer, record.seq, record.ts


def _identity_of_line(fields: dict[str, object]) -> Identity:
    return (
        as_text(fields.get("msg")) or "",
        as_text(fields.get("writer")),
        as_int(fields.get("seq")),
        as_text(fields.get("ts")) or "",
    )


def _startup_info(reading: Reading, record: Record, fields: dict[str, object]) -> StartupInfo:
    catalog = fields.get("catalog")
    chains = fields.get("chains")
    return StartupInfo(
        ts=reading.event_ts(record),
        line=line_of(record),
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
        model=as_text(fields.get("model")),
    )
