"""Answers an operator's first questions: is the proxy up, which provider answers, and why not the first one?"""

from collections.abc import Callable
from datetime import UTC, datetime

from coderouter_exporter.families import exporter
from coderouter_exporter.families import proxy as families_proxy
from coderouter_exporter.families.kinds import MICRO
from coderouter_exporter.render.view import View
from coderouter_exporter.state.reported import ProxyHeartbeat, StartupInfo
from coderouter_exporter.state.state import State

Time = Callable[[float], str]
"""Formats a time."""
Shown = Callable[[str, float, bool], dict[str, object]]
"""Returns a field that shows the time in an event, given its name and whether the time was suspect when it was read."""


def proxy_status(view: View, time: Time) -> dict[str, object]:
    """Return whether a proxy process is running, and when it last wrote an event.

    `state` is `running`, `stopped`, `gone` (it ended without a shutdown event) or `unknown`.
    """
    state, heartbeat = view.state, _last_heartbeat(view)
    return {
        "state": _proxy_state(view),
        "holds_event_file": view.alive,
        "heard_at": time(heartbeat.ts) if heartbeat else None,
        "last_event_at": time(state.last_event_ts) if state.last_event_ts else None,
        "processes": len(view.in_flight),
        "in_flight": view.requests_in_flight,
        "clock_ahead_s": round(view.clock_ahead_s),
    }


def _last_heartbeat(view: View) -> ProxyHeartbeat | None:
    return next(reversed(view.state.heartbeats.values()), None)


def _proxy_state(view: View) -> str:
    newest = _last_heartbeat(view)
    if view.up:
        return "running"
    if newest is None:
        return "unknown"
    return "stopped" if newest.ended else "gone"


def provider_state(view: View, name: str, *, paid: bool) -> str:
    """Return `budget` (spent), `cooldown`, `gated` (paid, and the paid gate is closed), `failing`, `ok` or `unused`.

    A provider is `failing` if its newest attempt failed.
    """
    state = view.state
    known = budget(view, name)
    if known is not None and known["spent"]:
        return "budget"
    if view.is_cooling(name):
        return "cooldown"
    if paid and state.startup and state.startup.allow_paid is False:
        return "gated"
    end = state.newest_ends.get(name)
    if end is None:
        return "unused"
    return "failing" if end.failed else "ok"


def budget(view: View, name: str) -> dict[str, object] | None:
    """Return what is spent of the provider's budget for this month (UTC), or None if it has no budget.

    The amount that the proxy reported when it last skipped the provider counts if it is higher: the proxy may have
    spent more than the exporter has seen. The budget is not spent if the provider has answered since.
    """
    now = datetime.fromtimestamp(view.now_ts, UTC)
    configured = view.budget_limits_usd.get((name,))
    spent_usd = view.state.costs_in(f"{now:%Y-%m}").get(name, 0) / MICRO
    skip, answered_since = view.state.budget_skips.get(name), False
    if skip is not None and f"{datetime.fromtimestamp(skip.ts, UTC):%Y-%m}" == f"{now:%Y-%m}":
        configured = skip.budget_usd if configured is None else configured
        spent_usd = max(spent_usd, skip.spent_usd)
        answered_since = view.state.last_success_ts.get(name, 0.0) > skip.ts
    if configured is None:
        return None
    return {
        "budget_usd": configured,
        "spent_usd": spent_usd,
        "spent": spent_usd >= configured and not answered_since,
        "until": _next_month(now).date().isoformat(),
    }


def _next_month(now: datetime) -> datetime:
    return datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)


def last_success(state: State, time: Time) -> dict[str, object] | None:
    """Return the provider that answered last."""
    if not state.last_success_ts:
        return None
    name, ts = next(reversed(state.last_success_ts.items()))
    return {"provider": name, "at": time(ts)}


def last_fallback(state: State, shown: Shown) -> dict[str, object] | None:
    """Return the newest failure after which the next provider of a chain was tried."""
    last = state.last_fallback
    if last is None:
        return None
    return {
        "provider": last.provider,
        **shown("at", last.ts, last.suspect),
        "error_type": last.error_type,
        "error": last.error,
    }


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
