"""The totals as one JSON document, a superset of those that CodeRouter 1.7 and 2.x serve."""

from datetime import UTC, datetime
from functools import lru_cache, partial

from coderouter_exporter.families import proxy
from coderouter_exporter.families.kinds import Counter
from coderouter_exporter.render import charts, coderouter_2x, health, learnt
from coderouter_exporter.render.view import View
from coderouter_exporter.state import recent_events
from coderouter_exporter.state.order import is_suspect
from coderouter_exporter.state.reported import LastError, RecentAttempt, StartupInfo
from coderouter_exporter.state.state import State


def report(view: View, hours: int = 1) -> dict[str, object]:
    """Return the totals and the history of the last `hours`, one of `charts.STEP_MINUTES`."""
    state = view.state
    startup = state.startup or StartupInfo(ts=state.created_ts)
    shown = partial(_shown, view.now_ts)
    return {
        "uptime_s": round(view.uptime_s, 3),
        "started_at": _time(startup.ts) if state.startup else None,
        "startup": {
            "version": startup.version,
            "providers": startup.providers,
            "profiles": startup.profiles,
            "default_profile": startup.default_profile,
            "allow_paid": startup.allow_paid,
            "mode_source": startup.mode_source,
        },
        "counters": _counters(state),
        "providers": _providers(view, shown),
        "learnt": learnt.as_json(view.learnt),
        "recent": [_recent(attempt, shown) for attempt in state.recent_attempts],
        "config": _config(startup),
        "generated_at": _time(view.now_ts),
        "proxy": health.proxy_status(view, _time),
        "answering": health.last_success(state, _time),
        "moved_on": health.last_fallback(state, shown),
        "paid_gate": health.paid_gate(state),
        "counting": health.counting(view),
        "today": charts.today(state.minutes, startup.display_timezone, view.now_ts),
        "history": charts.history(state.minutes, hours, view.now_ts),
        "events": recent_events.as_json(state.recent_events, shown),
    }


def _counters(state: State) -> dict[str, object]:
    skipped = state.totals(proxy.PROVIDER_SKIPPED).items()
    return {
        "requests_total": _total(state, proxy.REQUESTS),
        "chain_paid_gate_blocked_total": _total(state, proxy.PAID_GATE_BLOCKED),
        "chain_uniform_auth_failure_total": _total(state, proxy.UNIFORM_AUTH_FAILURE),
        "auto_router_fallthrough_total": _total(state, proxy.AUTO_ROUTER_FALLTHROUGH),
        "provider_attempts": _by_label(state, proxy.PROVIDER_ATTEMPTS),
        "provider_outcomes": _outcomes(state),
        "provider_skipped_paid": {provider: n for (provider, reason), n in skipped if reason == "paid"},
        "provider_skipped_unknown": {provider: n for (provider, reason), n in skipped if reason == "unknown"},
        "capability_degraded": _by_label(state, proxy.CAPABILITY_DEGRADED),
        "output_filter_applied": _by_label(state, proxy.OUTPUT_FILTER_APPLIED),
        **coderouter_2x.counters(state),
    }


def _total(state: State, counter: Counter) -> int:
    return state.totals(counter)[()]


def _by_label(state: State, counter: Counter) -> dict[str, int]:
    return {label: total for (label,), total in state.totals(counter).items()}


def _outcomes(state: State) -> dict[str, dict[str, int]]:
    outcomes: dict[str, dict[str, int]] = {}
    for (provider, outcome), total in state.totals(proxy.PROVIDER_OUTCOMES).items():
        outcomes.setdefault(provider, {})[outcome] = total
    return outcomes


def _providers(view: View, shown: health.Shown) -> list[dict[str, object]]:
    state = view.state
    paid = {entry.name for entry in state.startup.catalog if entry.paid} if state.startup else set()
    attempts = _by_label(state, proxy.PROVIDER_ATTEMPTS)
    outcomes = _outcomes(state)
    in_2x = coderouter_2x.OfProviders(state)
    return [
        {
            "name": name,
            "attempts": attempts.get(name, 0),
            "outcomes": outcomes.get(name, {}),
            "last_error": _last_error(state.last_errors.get(name), shown),
            "state": health.provider_state(view, name, paid=name in paid),
            "last_ok_at": _time(state.last_success_ts[name]) if name in state.last_success_ts else None,
            **in_2x.of(name),
        }
        for name in sorted(attempts.keys() | outcomes.keys() | state.last_errors.keys())
    ]


def _last_error(error: LastError | None, shown: health.Shown) -> dict[str, object] | None:
    if error is None:
        return None
    return {
        **shown("ts", error.ts, error.suspect),
        "status": error.status,
        "retryable": error.retryable,
        "error": error.error,
        "error_type": error.error_type,
    }


def _recent(attempt: RecentAttempt, shown: health.Shown) -> dict[str, object]:
    fields = {
        **shown("ts", attempt.ts, attempt.suspect),
        "event": attempt.event,
        "provider": attempt.provider,
    }
    reported = {"stream": attempt.stream, "status": attempt.status, "retryable": attempt.retryable}
    return fields | {name: value for name, value in reported.items() if value is not None}


def _config(startup: StartupInfo) -> dict[str, object]:
    catalog = {entry.name: entry for entry in startup.catalog}
    providers = []
    for name in startup.providers or catalog:
        entry = catalog.get(name)
        providers.append(
            {
                "name": name,
                "kind": entry and entry.kind,
                "paid": entry and entry.paid,
                "base_url": entry and entry.base_url,
            }
        )
    return {
        "default_profile": startup.default_profile,
        "allow_paid": startup.allow_paid,
        "display_timezone": startup.display_timezone,
        "providers": providers,
        "profiles": [
            {"name": name, "providers": startup.chains.get(name, [])}
            for name in startup.profiles or startup.chains
        ],
    }


def _shown(now_ts: float, name: str, ts: float, suspect: bool) -> dict[str, object]:  # noqa: FBT001 - as `Shown`
    """Return the field with the time, and a mark beside it if the time was suspect or is now."""
    mark: dict[str, object] = {f"{name}_suspect": True} if suspect or is_suspect(ts, now_ts) else {}
    return {name: _time(ts), **mark}


@lru_cache(1024)  # reports show mostly the same events
def _time(ts: float) -> str:
    return datetime.fromtimestamp(ts, UTC).isoformat(timespec="seconds")[:19]
