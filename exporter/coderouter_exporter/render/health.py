"""Answers an operator's first questions: is the proxy up, which provider answers, and why not the first one?"""

from collections.abc import Callable

from coderouter_exporter.families import exporter
from coderouter_exporter.families import proxy as families_proxy
from coderouter_exporter.render.view import View
from coderouter_exporter.state.state import StartupInfo, State

Time = Callable[[float], str]
"""Formats a time."""


def proxy_status(view: View, time: Time) -> dict[str, object]:
    """Return whether a proxy process is running, and when it last wrote an event.

    `state` is `running`, `stopped`, `gone` (it ended without a shutdown event) or `unknown`.
    """
    state = view.state
    heartbeat_ts = max((heartbeat.ts for heartbeat in state.heartbeats.values()), default=0.0)
    return {
        "state": _proxy_state(view),
        "holds_event_file": view.alive,
        "heard_at": time(heartbeat_ts) if heartbeat_ts else None,
        "last_event_at": time(state.last_event_ts) if state.last_event_ts else None,
        "processes": len(view.in_flight),
        "in_flight": view.requests_in_flight,
    }


def _proxy_state(view: View) -> str:
    newest = max(view.state.heartbeats.values(), key=lambda heartbeat: heartbeat.ts, default=None)
    if view.up:
        return "running"
    if newest is None:
        return "unknown"
    return "stopped" if newest.ended else "gone"


def provider_state(view: View, name: str, *, paid: bool) -> str:
    """Return `cooldown`, `gated` (paid, and the paid gate is closed), `failing`, `ok` or `unused`.

    A provider is `failing` if its newest attempt failed.
    """
    state = view.state
    cooldown = state.cooldowns.get(name)
    error = state.last_errors.get(name)
    success_ts = state.last_success_ts.get(name, 0.0)
    if cooldown and view.now_ts < cooldown.until:
        return "cooldown"
    if paid and state.startup and state.startup.allow_paid is False:
        return "gated"
    if error and error.ts >= success_ts:  # a stream may break in the millisecond in which it began
        return "failing"
    return "ok" if success_ts else "unused"


def last_success(state: State, time: Time) -> dict[str, object] | None:
    """Return the provider that answered last."""
    if not state.last_success_ts:
        return None
    name = max(state.last_success_ts, key=lambda name: state.last_success_ts[name])
    return {"provider": name, "at": time(state.last_success_ts[name])}


def last_fallback(state: State, time: Time) -> dict[str, object] | None:
    """Return the newest failure after which the next provider of a chain was tried."""
    if state.last_fallback is None:
        return None
    ts, provider, error_type, error = state.last_fallback
    return {"provider": provider, "at": time(ts), "error_type": error_type, "error": error}


def paid_gate(state: State) -> dict[str, object]:
    startup = state.startup or StartupInfo(ts=0.0)
    skipped = state.totals(families_proxy.PROVIDER_SKIPPED).items()
    return {
        "closed": None if startup.allow_paid is None else not startup.allow_paid,
        "providers": [entry.name for entry in startup.catalog if entry.paid],
        "requests_blocked": state.totals(families_proxy.PAID_GATE_BLOCKED)[()],
        "providers_skipped": sum(number for (_, reason), number in skipped if reason == "paid"),
    }


def counting(view: View) -> dict[str, object]:
    """Return whether the counts are exact, why they may not be, and how much is not counted yet."""
    state, published = view.state, view.published
    return {
        "exact": view.exact,
        "events_missing": state.events_missing,
        "unmatched_checkpoints": sum(state.counts.get(exporter.UNMATCHED.name, {}).values()),
        "doubts": {reason: number for (reason,), number in view.doubts.items() if number},
        "unproven_lines": sum(state.counts.get(exporter.UNPROVEN.name, {}).values()),
        "bytes_behind": view.bytes_behind,
        "commits_failing": published.commits_failing if published else 0,
        "problems": [f"{source.name}: {source.reason}" for source in published.sources if source.reason]
        if published
        else [],
    }
