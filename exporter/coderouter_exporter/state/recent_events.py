"""The newest events of all kinds except attempts and heartbeats, each with a text for people."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from coderouter_events.events import (
    EVENTS,
    ChainPaidGateBlocked,
    ChainUniformAuthFailure,
    ConfigReloadFailed,
    Heartbeat,
    ProviderCooldown,
    ProviderFailed,
    ProviderFailedMidstream,
    ProviderOk,
    RequestFinished,
    SkipBudgetExceeded,
    TryProvider,
)
from coderouter_exporter.records.record import Record
from coderouter_exporter.state.order import Line, When

RECENT_EVENTS_MAX = 50
ERROR_CHARS_MAX = 200
ATTEMPTS_MAX = 1000
"""No chain is that long; a larger number is invalid."""

_LEVELS = {event.msg: event.level for event in EVENTS if event not in (TryProvider, Heartbeat)}
"""The level of each event that is kept. An attempt is reported by its end, and heartbeats would leave no room."""
_EXPECTED_OUTCOMES = frozenset(("ok", "client_error", "client_gone"))


class RecentEvent(NamedTuple):
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
    line: Line | None = None
    suspect: bool = False
    """Its time was impossible when it was read."""

    @property
    def level(self) -> str:
        """Return INFO, WARNING or ERROR."""
        failed = self.event == RequestFinished.msg and self.outcome not in _EXPECTED_OUTCOMES
        return "WARNING" if failed else _LEVELS.get(self.event, "INFO")

    @property
    def text(self) -> str:
        """Return what happened, without the event's name, provider and request."""
        describe = _DESCRIPTIONS.get(self.event)
        return describe(self) if describe else ""


def newest_events(records: Sequence[Record]) -> list[Record]:
    """Return the newest of the records that are kept, oldest first."""
    kept = islice((record for record in reversed(records) if record.msg in _LEVELS), RECENT_EVENTS_MAX)
    return list(kept)[::-1]


def truncated(error: str) -> str:
    return error if len(error) <= ERROR_CHARS_MAX else error[:ERROR_CHARS_MAX] + "…"


def as_json(
    events: Iterable[RecentEvent], shown: Callable[[str, float, bool], dict[str, object]]
) -> list[dict[str, object]]:
    """Return the events as JSON objects; `shown` is as in `render/health.py`."""
    return [
        {
            **shown("ts", event.ts, event.suspect),
            "event": event.event,
            "level": event.level,
            "provider": event.provider,
            "request_id": event.request_id,
            "text": event.text,
        }
        for event in events
    ]


def recent_event(record: Record, when: When) -> RecentEvent:
    ts, line, suspect = when
    status, attempts = record.status, record.attempts
    return RecentEvent(
        ts=ts,
        event=record.msg,
        request_id=record.request_id,
        provider=record.provider,
        profile=record.profile or record.resolved_profile,
        outcome=record.outcome,
        status=status if status is not None and 0 < status <= 999 else None,
        error_type=record.error_type,
        error=_error(record),
        seconds=record.seconds if record.duration_s is None else record.duration_s,
        attempts=attempts if attempts is not None and 0 <= attempts <= ATTEMPTS_MAX else None,
        line=line,
        suspect=suspect,
    )


def _error(record: Record) -> str | None:
    """Return why something failed or was skipped, in whichever fields the event has it."""
    if record.msg == ConfigReloadFailed.msg:
        return truncated("; ".join(record.faults))
    if (
        record.msg == SkipBudgetExceeded.msg
        and record.spent_usd is not None
        and record.budget_usd is not None
    ):
        return f"${record.spent_usd:,.2f} of ${record.budget_usd:,.2f} spent this month"
    return None if record.error is None else truncated(record.error)


def _describe_failure(event: RecentEvent) -> str:
    in_error = event.status is None or str(event.status) in (event.error or "")
    status = None if in_error else f"HTTP {event.status}"
    return _join(": ", _join(", ", event.error_type, status), event.error)


def _describe_end(event: RecentEvent) -> str:
    attempts = None if event.attempts is None or event.attempts < 2 else f"{event.attempts} attempts"
    status = None if event.status is None or event.outcome == "ok" else f"HTTP {event.status}"
    return _join(", ", event.outcome, status, attempts, _duration("in", event.seconds))


def _describe_profile(event: RecentEvent) -> str:
    return f"profile {event.profile}" if event.profile else ""


def _duration(word: str, seconds: float | None) -> str | None:
    if seconds is None:
        return None
    if seconds < 1:
        return f"{word} {seconds * 1000:.3g} ms"
    return f"{word} {seconds:.1f} s" if seconds < 100 else f"{word} {seconds:.0f} s"


def _join(separator: str, *parts: str | None) -> str:
    return separator.join(filter(None, parts))


_DESCRIPTIONS: dict[str, Callable[[RecentEvent], str]] = {
    RequestFinished.msg: _describe_end,
    ProviderOk.msg: lambda event: _duration("answered in", event.seconds) or "",
    ProviderFailed.msg: _describe_failure,
    ProviderFailedMidstream.msg: _describe_failure,
    ProviderCooldown.msg: lambda event: _duration("moves to the end of the chain for", event.seconds) or "",
    ConfigReloadFailed.msg: lambda event: event.error or "",
    SkipBudgetExceeded.msg: lambda event: event.error or "",
    ChainPaidGateBlocked.msg: _describe_profile,
    ChainUniformAuthFailure.msg: _describe_profile,
}
