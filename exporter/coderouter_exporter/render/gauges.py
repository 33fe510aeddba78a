"""How the value of each gauge is worked out at a scrape."""

import platform
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version

from coderouter_exporter.engine.loop import Published
from coderouter_exporter.families import exporter, proxy
from coderouter_exporter.families.kinds import MICRO
from coderouter_exporter.render.view import View
from coderouter_exporter.state.state import Labels, State

Values = Mapping[Labels, float]


def _build_info(_: View) -> Values:
    return {(version("coderouter"), platform.python_version()): 1.0}


def _info(view: View) -> Values:
    startup = view.state.startup
    if startup is None:
        return {}
    return {(startup.version or "", startup.default_profile or "", str(startup.allow_paid).lower()): 1.0}


def _cooldown(view: View) -> Values:
    known = view.state.startup.providers if view.state.startup else []
    cooling = {name for name, told in view.state.cooling.items() if view.now_ts < told.until}
    return {(name,): float(name in cooling) for name in sorted(cooling.union(known))}


def _budget_limit(view: View) -> Values:
    catalog = view.state.startup.catalog if view.state.startup else []
    return {
        (entry.name,): entry.monthly_budget_usd for entry in catalog if entry.monthly_budget_usd is not None
    }


def _budget_used(view: View) -> Values:
    month = time.strftime("%Y-%m", time.gmtime(view.now_ts))
    costs = view.state.month_costs if view.state.month == month else {}
    return {labels: costs.get(labels[0], 0) / MICRO for labels in _budget_limit(view)}


def _readable(published: Published) -> Values:
    return {(str(source.path),): float(source.readable) for source in published.sources}


def _bytes_behind(published: Published) -> Values:
    return {(): sum(source.bytes_behind for source in published.sources)}


def _live(read: Callable[[Published], Values]) -> Callable[[View], Values]:
    return lambda view: {} if view.published is None else read(view.published)


def _state(read: Callable[[State], float]) -> Callable[[View], Values]:
    return lambda view: {(): read(view.state)}


READERS: dict[str, Callable[[View], Values]] = {
    proxy.UPTIME.name: lambda view: {(): view.uptime_s},
    proxy.BUDGET_LIMIT.name: _budget_limit,
    proxy.BUDGET_USED.name: _budget_used,
    proxy.COOLDOWN.name: _cooldown,
    proxy.IN_FLIGHT.name: lambda view: {(): sum(view.in_flight)},
    proxy.UP.name: lambda view: {(): float(view.up)},
    proxy.LAST_EVENT.name: _state(lambda state: state.last_event_ts),
    proxy.INFO.name: _info,
    exporter.BUILD_INFO.name: _build_info,
    exporter.EXACT.name: _state(lambda state: state.exact),
    exporter.EVENTS_MISSING.name: _state(lambda state: state.writers.missing()),
    exporter.LAST_COMMIT.name: _state(lambda state: state.committed_ts),
    exporter.COMMITS_FAILING.name: _live(lambda published: {(): published.commits_failing}),
    exporter.COMMIT_DURATION.name: _live(lambda published: {(): published.commit_duration_s}),
    exporter.SOURCE_READABLE.name: _live(_readable),
    exporter.BYTES_BEHIND.name: _live(_bytes_behind),
    exporter.FILES_PENDING.name: _live(lambda published: {(): published.files_pending}),
}
