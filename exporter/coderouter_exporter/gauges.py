"""How the value of each gauge is worked out at a scrape."""

import platform
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version

from coderouter_exporter import families_exporter, families_proxy
from coderouter_exporter.family import MICRO
from coderouter_exporter.follow import Published
from coderouter_exporter.state import Labels, State
from coderouter_exporter.view import View

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
    families_proxy.UPTIME.name: lambda view: {(): view.uptime_s},
    families_proxy.BUDGET_LIMIT.name: _budget_limit,
    families_proxy.BUDGET_USED.name: _budget_used,
    families_proxy.COOLDOWN.name: _cooldown,
    families_proxy.IN_FLIGHT.name: lambda view: {(): sum(view.in_flight)},
    families_proxy.UP.name: lambda view: {(): float(view.up)},
    families_proxy.LAST_EVENT.name: _state(lambda state: state.last_event_ts),
    families_proxy.INFO.name: _info,
    families_exporter.BUILD_INFO.name: _build_info,
    families_exporter.EXACT.name: _state(lambda state: state.exact),
    families_exporter.EVENTS_MISSING.name: _state(lambda state: state.writers.missing()),
    families_exporter.LAST_COMMIT.name: _state(lambda state: state.committed_ts),
    families_exporter.COMMITS_FAILING.name: _live(lambda published: {(): published.commits_failing}),
    families_exporter.COMMIT_DURATION.name: _live(lambda published: {(): published.commit_duration_s}),
    families_exporter.SOURCE_READABLE.name: _live(_readable),
    families_exporter.BYTES_BEHIND.name: _live(_bytes_behind),
    families_exporter.FILES_PENDING.name: _live(lambda published: {(): published.files_pending}),
}
