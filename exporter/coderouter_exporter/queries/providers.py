"""What each provider did in a range of hours, and how it is now."""

from collections.abc import Mapping
from typing import Any

from coderouter_exporter.families.kinds import MICRO
from coderouter_exporter.queries.slots import Sums
from coderouter_exporter.queries.values import share, time_of
from coderouter_exporter.render import health
from coderouter_exporter.render.view import View
from coderouter_exporter.rows.usage import Slot, empty_slot


def providers(slots: Mapping[str, Slot], view: View) -> list[dict[str, Any]]:
    """Return the configured providers and those that did something, in the order of the configuration."""
    startup = view.state.startup
    configured = list(startup.providers) if startup else []
    names = list(
        dict.fromkeys([*configured, *sorted(filter(None, slots.keys() | view.state.last_errors.keys()))])
    )
    answered = sum(Sums(slot)["ok"] for slot in slots.values())
    return [_provider(name, slots.get(name) or empty_slot(), answered, view) for name in names]


def _provider(name: str, slot: Slot, answered: int, view: View) -> dict[str, Any]:
    sums = Sums(slot)
    midstream, failed = sums["tries_midstream"], sums["tries_failed"]
    # A try may begin in one range and end in the next.
    ok = max(0, sums["tries_ok"] - midstream)
    tries = ok + failed + midstream
    prompt = sums["input_tokens"] + sums["cache_read_tokens"] + sums["cache_creation_tokens"]
    catalog = {entry.name: entry for entry in view.state.startup.catalog} if view.state.startup else {}
    entry = catalog.get(name)
    generated_us = sums["generated_us"]
    return {
        "name": name,
        "kind": entry.kind if entry else None,
        "paid": entry.paid if entry else None,
        "state": health.provider_state(view, name, paid=bool(entry and entry.paid)),
        "answers": sums["ok"],
        "share": share(sums["ok"], answered),
        "tries": tries,
        "ok": ok,
        "failed": failed,
        "midstream": midstream,
        "unfinished": max(0, sums["tries"] - tries),
        "skipped": sums["tries_skipped"],
        "success": share(ok, tries),
        **sums.quantiles(),
        "tokens_per_s": round(sums["generated_tokens"] * MICRO / generated_us, 2) if generated_us else None,
        "cache_hit": share(sums["cache_read_tokens"], prompt),
        **sums.tokens(),
        **sums.cost(),
        "budget": health.budget(view, name),
        "last_error": _last_error(name, view),
        "last_ok_at": time_of(view.state.last_success_ts.get(name)),
        "cooldown_until": time_of(view.state.cooldowns[name].until) if view.is_cooling(name) else None,
    }


def _last_error(name: str, view: View) -> dict[str, Any] | None:
    error = view.state.last_errors.get(name)
    if error is None:
        return None
    return {
        "ts": time_of(error.ts),
        "suspect": error.suspect,
        "status": error.status,
        "retryable": error.retryable,
        "error_type": error.error_type,
        "error": error.error,
    }
