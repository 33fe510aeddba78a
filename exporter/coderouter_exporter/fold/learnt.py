"""Keeps what the proxy processes learnt about their providers, until they forget it."""

from typing import get_args

from coderouter_events.events import AdaptationReason, ConfigReloaded, ProviderAdapted, Shutdown, TraitName
from coderouter_exporter.fold.fields import Groups, event_ts
from coderouter_exporter.records.record import Record
from coderouter_exporter.state.state import LEARNT_MAX, Learnt, State

VALUE_CHARS_MAX = 1000
"""A longer value is invalid, and part of it would be a wrong one."""

_FORGETS = frozenset((ConfigReloaded.msg, Shutdown.msg))
_EVENTS = _FORGETS | {ProviderAdapted.msg}
_TRAITS = frozenset(get_args(TraitName))
_REASONS = frozenset(get_args(AdaptationReason))


def update_learnt(state: State, records: list[Record], groups: Groups) -> None:
    """Update it in the order of the records; the newest `LEARNT_MAX` are kept."""
    if _EVENTS.isdisjoint(groups):
        return
    learnt = state.learnt
    for record in records:
        if record.msg in _FORGETS:
            ts = event_ts(state, record)
            learnt = [known for known in learnt if known.writer != record.writer or known.ts > ts]
        elif record.msg == ProviderAdapted.msg and (found := _learnt(state, record)) is not None:
            learnt = [*(known for known in learnt if known[1:] != found[1:]), found]
    state.learnt = sorted(learnt, key=_ts)[-LEARNT_MAX:]


def _learnt(state: State, record: Record) -> Learnt | None:
    """Return what later requests start with, unless the event is invalid or of an unknown version."""
    trait, value, reason = record.trait, record.value, record.reason
    if not record.remembered or record.writer is None or value is None or len(value) > VALUE_CHARS_MAX:
        return None
    if trait is None or reason is None or trait not in _TRAITS or reason not in _REASONS:
        return None
    return Learnt(event_ts(state, record), record.writer, record.provider or "", trait, value, reason)


def _ts(learnt: Learnt) -> float:
    return learnt.ts
