"""The newest events, each with what a person wants to know of it."""

from collections.abc import Callable, Iterable
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

from coderouter_events.events import (
    EVENTS,
    ChainPaidGateBlocked,
    ChainUniformAuthFailure,
    Heartbeat,
    ProviderCooldown,
    ProviderFailed,
    ProviderFailedMidstream,
    ProviderOk,
    RequestFinished,
    TryProvider,
)
from coderouter_exporter.records.decode import Record

ENTRIES_MAX = 50
ERROR_CHARS_MAX = 200
ATTEMPTS_MAX = 1000
"""No chain is as long; what is more is nonsense."""

_LEVELS = {event.msg: event.level for event in EVENTS if event not in (TryProvider, Heartbeat)}
"""Of what is kept. A try is told by its end, and heartbeats would leave no room for the rest."""
_GOOD_ENDS = frozenset(("ok", "client_error", "client_gone"))


class Entry(NamedTuple):
    ts: float
    event: str
    request_id: str | None
    provider: str | None
    profile: str | None
    outcome: str | None
    status: int | None
    error_type: str | None
    error: str | None
    seconds: float | None
    attempts: int | None

    @property
    def level(self) -> str:
        """Return how grave it is: INFO, WARNING or ERROR."""
        went_wrong = self.event == RequestFinished.msg and self.outcome not in _GOOD_ENDS
        return "WARNING" if went_wrong else _LEVELS.get(self.event, "INFO")

    @property
    def text(self) -> str:
        """Return what happened, beyond the event's name, its provider and its request."""
        tell = _TOLD.get(self.event)
        return tell(self) if tell else ""


def entered(entries: list[Entry], records: list[Record], ts: Callable[[Record], float]) -> list[Entry]:
    """Return the newest of the entries and the records, oldest first; `ts` tells when a record was written."""
    told = islice((record for record in reversed(records) if record.msg in _LEVELS), ENTRIES_MAX)
    newest = [_entry(record, ts(record)) for record in told]
    newest.reverse()
    return sorted([*entries, *newest], key=itemgetter(0))[-ENTRIES_MAX:] if newest else entries


def shortened(error: str) -> str:
    return error if len(error) <= ERROR_CHARS_MAX else error[:ERROR_CHARS_MAX] + "…"


def _entry(record: Record, ts: float) -> Entry:
    return Entry(
        ts=ts,
        event=record.msg,
        request_id=record.request_id,
        provider=record.provider,
        profile=record.profile or record.resolved_profile,
        outcome=record.outcome,
        status=record.status if record.status is not None and 0 < record.status <= 999 else None,
        error_type=record.error_type,
        error=None if record.error is None else shortened(record.error),
        seconds=record.seconds if record.duration_s is None else record.duration_s,
        attempts=record.attempts
        if record.attempts is not None and 0 <= record.attempts <= ATTEMPTS_MAX
        else None,
    )


def _failed(entry: Entry) -> str:
    is_said = entry.status is None or str(entry.status) in (entry.error or "")
    status = None if is_said else f"HTTP {entry.status}"
    return _joined(": ", _joined(", ", entry.error_type, status), entry.error)


def _finished(entry: Entry) -> str:
    tries = None if entry.attempts is None or entry.attempts < 2 else f"{entry.attempts} tries"
    status = None if entry.status is None or entry.outcome == "ok" else f"HTTP {entry.status}"
    return _joined(", ", entry.outcome, status, tries, _after("in", entry.seconds))


def _after(word: str, seconds: float | None) -> str | None:
    if seconds is None:
        return None
    if seconds < 1:
        return f"{word} {seconds * 1000:.3g} ms"
    return f"{word} {seconds:.1f} s" if seconds < 100 else f"{word} {seconds:.0f} s"


def _of_profile(entry: Entry) -> str:
    return f"profile {entry.profile}" if entry.profile else ""


def _joined(between: str, *parts: str | None) -> str:
    return between.join(filter(None, parts))


_TOLD: dict[str, Callable[[Entry], str]] = {
    RequestFinished.msg: _finished,
    ProviderOk.msg: lambda entry: _after("answers after", entry.seconds) or "",
    ProviderFailed.msg: _failed,
    ProviderFailedMidstream.msg: _failed,
    ProviderCooldown.msg: lambda entry: _after("tried last for", entry.seconds) or "",
    ChainPaidGateBlocked.msg: _of_profile,
    ChainUniformAuthFailure.msg: _of_profile,
}


def shown(entries: Iterable[Entry], time: Callable[[float], str]) -> list[dict[str, object]]:
    """Return the entries as JSON has them; `time` writes when each happened."""
    return [
        {
            "ts": time(entry.ts),
            "event": entry.event,
            "level": entry.level,
            "provider": entry.provider,
            "request_id": entry.request_id,
            "text": entry.text,
        }
        for entry in entries
    ]
