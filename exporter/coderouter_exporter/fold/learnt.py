"""Keeps what the proxy processes learnt about their providers, until they forget it."""

from typing import get_args

from coderouter_events.closed_sets import AdaptationReason, TraitName
from coderouter_events.events import ConfigReloaded, ProviderAdapted, Shutdown
from coderouter_exporter.fold.reading import Reading, line_of
from coderouter_exporter.records.record import Record
from coderouter_exporter.state.order import is_newer
from coderouter_exporter.state.reported import Learnt
from coderouter_exporter.state.state import LEARNT_MAX

VALUE_CHARS_MAX = 1000
"""A longer value is invalid, and a part of it would be wrong."""

_FORGETS = (ConfigReloaded.msg, Shutdown.msg)
_TRAITS = frozenset(get_args(TraitName))
_REASONS = frozenset(get_args(AdaptationReason))


def update_learnt(reading: Reading) -> None:
    """Update it in the order of the records; the newest `LEARNT_MAX` are kept."""
    state = reading.state
    for record in reading.of(ProviderAdapted.msg, *_FORGETS):
        line = line_of(record)
        if record.msg in _FORGETS:
            state.learnt = [
                known
                for known in state.learnt
                if known.writer != record.writer or not is_newer(line, known.line)
            ]
        elif (found := _learnt(reading, record)) is not None:
            state.learnt = [*(known for known in state.learnt if known.what != found.what), found]
    state.learnt = state.learnt[-LEARNT_MAX:]


def _learnt(reading: Reading, record: Record) -> Learnt | None:
    """Return what later requests start with, unless the event is invalid or of an unknown version."""
    trait, value, reason = record.trait, record.value, record.reason
    if not record.remembered or record.writer is None or value is None or len(value) > VALUE_CHARS_MAX:
        return None
    if trait is None or reason is None or trait not in _TRAITS or reason not in _REASONS:
        return None
    provider, line, startup = record.provider or "", line_of(record), reading.state.startup
    if startup is not None and not is_newer(line, startup.line):
        return None  # its process has forgotten it
    return Learnt(reading.event_ts(record), record.writer, provider, trait, value, reason, line)
