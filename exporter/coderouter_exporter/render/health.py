"""Works out what an operator asks first: is the proxy there, who answers, why not the first one, is the gate closed."""

from collections.abc import Callable

from coderouter_exporter.families import exporter
from coderouter_exporter.families import proxy as families_proxy
from coderouter_exporter.render.view import View
from coderouter_exporter.state.state import StartupInfo, State

Time = Callable[[float], str]


def proxy_status(view: View, time: Time) -> dict[str, object]:
    """Return whether a proxy process runs: `running`, `stopped`, `gone` (it ended without saying so), or `unknown`."""
    state = view.state
    heard_ts = max((pulse.ts for pulse in state.pulses.values()), default=0.0)
    return {
        "state": _proxy_state(view),
        "holds_event_file": view.alive,
        "heard_at": time(heard_ts) if heard_ts else None,
        "last_event_at": time(state.last_event_ts) if state.last_event_ts else None,
        "processes": len(view.in_flight),
        "in_flight": sum(view.in_flight),
    }


def _proxy_state(view: View) -> str:
    newest = max(view.state.pulses.values(), key=lambda pulse: pulse.ts, default=None)
    if view.up:
        return "running"
    if newest is None:
        return "unknown"
    return "stopped" if newest.ended else "gone"


def provider_state(view: View, name: str, *, paid: bool) -> str:
    """Return how the provider is: `cooldown`, `gated` (paid, and the gate is closed), `failing`, `ok` or `unused`.

    A provider is `failing` when its newest try failed.
    """
    state = view.state
    cooling = state.cooling.get(name)
    error = state.last_errors.get(name)
    answered_ts = state.answered.get(name, 0.0)
    if cooling and view.now_ts < cooling.until:
        return "cooldown"
    if paid and state.startup and state.startup.allow_paid is False:
        return "gated"
    if error and error.ts >= answered_ts:  # a stream may break in the millisecond in which it began
        return "failing"
    return "ok" if answered_ts else "unused"


def answering(state: State, time: Time) -> dict[str, object] | None:
    """Return the provider that answered last."""
    if not state.answered:
        return None
    name = max(state.answered, key=lambda name: state.answered[name])
    return {"provider": name, "at": time(state.answered[name])}


def moved_on(state: State, time: Time) -> dict[str, object] | None:
    """Return the newest failure after which the next provider of a chain was tried, if there was one."""
    if state.moved_on is None:
        return None
    ts, provider, error_type, error = state.moved_on
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
    """Return whether the counts are exact, what makes them inexact, and what is still to be counted."""
    state, published = view.state, view.published
    return {
        "exact": state.exact,
        "events_missing": state.writers.missing(),
        "unmatched_checkpoints": sum(state.counts.get(exporter.UNMATCHED.name, {}).values()),
        "unproven_lines": sum(state.counts.get(exporter.UNPROVEN.name, {}).values()),
        "bytes_behind": sum(source.bytes_behind for source in published.sources) if published else 0,
        "commits_failing": published.commits_failing if published else 0,
    }
