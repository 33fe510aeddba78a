"""The status: everything the dashboard shows except requests, days and slots."""

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from coderouter_exporter.queries.values import time_of, usd
from coderouter_exporter.render import health, learnt
from coderouter_exporter.render.view import View
from coderouter_exporter.rows.tables import NUMBERS, OPEN
from coderouter_exporter.rows.usage import zone_name, zone_of
from coderouter_exporter.state import recent_events
from coderouter_exporter.state.order import is_suspect
from coderouter_exporter.state.reported import StartupInfo
from coderouter_http import product

_SUMS = ", ".join(f"total({name})" for name in NUMBERS)


def status(view: View) -> dict[str, Any]:
    state = view.state
    show = shown(view.now_ts)
    return {
        "generated_at": time_of(view.now_ts),
        "exporter_version": product.version(),
        "version": state.startup.version if state.startup else None,
        "uptime_s": round(view.uptime_s, 3),
        "started_at": time_of(state.startup.ts) if state.startup else None,
        "since": time_of(state.created_ts),
        "proxy": health.proxy_status(view, _time),
        "answering": health.last_success(state, _time),
        "moved_on": health.last_fallback(state, show),
        "paid_gate": health.paid_gate(state),
        "counting": health.counting(view),
        "sources": _sources(view),
        "learnt": learnt.as_json(view.learnt),
        "config": _config(state.startup) if state.startup else None,
        "zone": state.startup.display_timezone if state.startup else None,
        "events": recent_events.as_json(state.recent_events, show),
    }


def today(db: sqlite3.Connection, view: View) -> dict[str, Any]:
    """Return the usage of the current day, in the zone that days are counted in."""
    startup = view.state.startup
    zone = zone_name(startup.display_timezone if startup else None)
    now = datetime.fromtimestamp(view.now_ts, zone_of(zone))
    date = now.date().isoformat()
    values = db.execute(f"SELECT {_SUMS} FROM day WHERE date = ?", (date,)).fetchone()
    sums = {name: int(value) for name, value in zip(NUMBERS, values, strict=True)}
    unknown = db.execute(
        "SELECT DISTINCT provider FROM day WHERE date = ? AND unknown_cost > 0 ORDER BY provider", (date,)
    )
    return {
        "date": date,
        "timezone": zone,
        "ends_at": time_of(
            datetime.combine(now.date() + timedelta(1), datetime.min.time(), now.tzinfo).timestamp()
        ),
        "requests": sums["requests"],
        "answered": sums["ok"],
        **{
            f"{name}_tokens": sums[f"{name}_tokens"]
            for name in ("input", "output", "cache_read", "cache_creation")
        },
        "cost_usd": usd(sums["micro_usd"]),
        "unknown_cost": sums["unknown_cost"],
        "unknown_providers": [name for (name,) in unknown],
    }


def in_progress(db: sqlite3.Connection) -> int:
    """Return how many requests have begun and not ended, as far as they are rows."""
    (number,) = db.execute(f"SELECT count(*) FROM request WHERE outcome = '{OPEN}'").fetchone()
    return int(number)


def shown(now_ts: float) -> Callable[[str, float, bool], dict[str, object]]:
    """Return what shows a time in an event, with a mark beside it if it was suspect or is now."""

    def show(name: str, ts: float, suspect: bool) -> dict[str, object]:  # noqa: FBT001 - as `health.Shown`
        mark: dict[str, object] = {f"{name}_suspect": True} if suspect or is_suspect(ts, now_ts) else {}
        return {name: time_of(ts), **mark}

    return show


def _time(ts: float) -> str:
    return time_of(ts) or ""


def _sources(view: View) -> list[dict[str, Any]]:
    sources = view.published.sources if view.published else ()
    return [
        {
            "name": source.name,
            "readable": source.readable,
            "reason": source.reason or None,
            "bytes_behind": source.bytes_behind,
        }
        for source in sources
    ]


def _config(startup: StartupInfo) -> dict[str, Any]:
    catalog = {entry.name: entry for entry in startup.catalog}
    return {
        "default_profile": startup.default_profile,
        "mode_source": startup.mode_source,
        "allow_paid": startup.allow_paid,
        "display_timezone": startup.display_timezone,
        "providers": [
            {
                "name": name,
                "kind": entry.kind if entry else None,
                "model": entry.model if entry else None,
                "paid": entry.paid if entry else None,
                "base_url": entry.base_url if entry else None,
                "monthly_budget_usd": entry.monthly_budget_usd if entry else None,
            }
            for name in startup.providers or catalog
            for entry in (catalog.get(name),)
        ],
        "profiles": [
            {"name": name, "providers": startup.chains.get(name, [])}
            for name in startup.profiles or startup.chains
        ],
    }
