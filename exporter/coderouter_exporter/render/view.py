"""What one response is rendered from, and the values that are computed at each scrape."""

import platform
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from coderouter_exporter.engine.published import Published
from coderouter_exporter.families.coderouter_2x import CONTEXT_USAGE, PROBE_LATENCY
from coderouter_exporter.families.kinds import MICRO, Gauge
from coderouter_exporter.state.cardinality import Labels
from coderouter_exporter.state.order import CLOCK_ERROR_S_MAX
from coderouter_exporter.state.reported import Learnt, ProxyHeartbeat, Queue
from coderouter_exporter.state.state import State
from coderouter_http import product

SILENCE_S_MAX = 45.0
"""A process that has missed two heartbeats, one every 15 s, is considered dead."""

Values = Mapping[Labels, float]
"""The values of a gauge by its label values."""


@dataclass(frozen=True, kw_only=True)
class View:
    """The totals, the current time, and the state of the serving process, if one serves them.

    `Gauge.reads` names the attributes that are served as gauges.
    """

    state: State
    now_ts: float
    published: Published | None = None
    alive: bool | None = None
    """Whether a proxy process holds the lock next to an event file; None if that is unknown."""

    def values(self, family: Gauge) -> Values:
        """Return what the family reads; of one without labels, under no label values."""
        found = attrgetter(family.reads)(self)
        return found if family.labels else {(): found}

    def serves(self, family: Gauge) -> bool:
        """Return whether the family is served: one that describes the serving process needs one."""
        return not family.live or self.published is not None

    @property
    def exact(self) -> bool:
        """Whether every event written is known to be counted once."""
        return not any(self.doubts.values())

    @property
    def doubts(self) -> Values:
        """Why the totals may not be exact, by reason: how many events, lines, writers, files or failures."""
        return self.state.doubts | (self.published.doubts if self.published else {})

    @property
    def uptime_s(self) -> float:
        startup = self.state.startup
        return 0.0 if startup is None or startup.ended else max(0.0, self.now_ts - startup.ts)

    @property
    def up(self) -> bool:
        """Whether any proxy process is alive."""
        return bool(self.in_flight) if self.alive is None else self.alive

    @property
    def in_flight(self) -> list[int]:
        """The requests in flight as last reported by each live proxy process."""
        return [heartbeat.in_flight for heartbeat in self._live]

    @property
    def requests_in_flight(self) -> int:
        return sum(self.in_flight)

    @property
    def provider_in_flight(self) -> Values:
        return self._summed_queues(lambda queue: queue.in_flight)

    @property
    def provider_waiting(self) -> Values:
        return self._summed_queues(lambda queue: queue.waiting)

    def _summed_queues(self, number: Callable[[Queue], int]) -> Values:
        """Return a number of each queue, summed over the live proxy processes, by providers that are configured."""
        configured = {entry.name for entry in self.state.startup.catalog} if self.state.startup else set()
        totals = Counter[Labels]()
        for queue in (queue for heartbeat in self._live for queue in heartbeat.queues):
            if queue.provider in configured:
                totals[(queue.provider,)] += number(queue)
        return {labels: float(totals[labels]) for labels in sorted(totals)}

    @property
    def learnt(self) -> list[Learnt]:
        """What live proxy processes have learnt about their providers, the newest last."""
        if self.alive is False:
            return []
        heartbeats = self.state.heartbeats
        return [
            learnt
            for learnt in self.state.learnt
            if (heartbeat := heartbeats.get(learnt.writer)) is not None and self._is_recent(heartbeat)
        ]

    @property
    def _live(self) -> list[ProxyHeartbeat]:
        """The newest heartbeat of each live proxy process."""
        if self.alive is False:
            return []
        return [heartbeat for heartbeat in self.state.heartbeats.values() if self._is_recent(heartbeat)]

    def _is_recent(self, heartbeat: ProxyHeartbeat) -> bool:
        age_s = self.now_ts - heartbeat.ts
        return not heartbeat.ended and -CLOCK_ERROR_S_MAX <= age_s <= SILENCE_S_MAX

    def is_cooling(self, provider: str) -> bool:
        cooldown = self.state.cooldowns.get(provider)
        if cooldown is None or cooldown.ts == cooldown.until:
            return False
        return cooldown.ts - CLOCK_ERROR_S_MAX <= self.now_ts < cooldown.until

    @property
    def clock_ahead_s(self) -> float:
        """By how much the time in the last event is ahead of ours, if that is more than clocks usually differ."""
        ahead_s = max(self.state.suspect_ts, self.state.last_event_ts) - self.now_ts
        return ahead_s if ahead_s > CLOCK_ERROR_S_MAX else 0.0

    @property
    def info(self) -> Values:
        startup = self.state.startup
        if startup is None:
            return {}
        allow_paid = str(startup.allow_paid).lower()
        return {(startup.version or "", startup.default_profile or "", allow_paid): 1.0}

    @property
    def cooldowns(self) -> Values:
        configured = self.state.startup.providers if self.state.startup else []
        cooling = {name for name in self.state.cooldowns if self.is_cooling(name)}
        names = list(dict.fromkeys([*sorted(cooling), *configured]))[: self.state.series_max]
        return {(name,): float(name in cooling) for name in sorted(names)}

    @property
    def budget_limits_usd(self) -> Values:
        catalog = self.state.startup.catalog if self.state.startup else []
        return {
            (entry.name,): entry.monthly_budget_usd
            for entry in catalog[: self.state.series_max]
            if entry.monthly_budget_usd is not None
        }

    @property
    def budgets_used_usd(self) -> Values:
        month = time.strftime("%Y-%m", time.gmtime(self.now_ts))
        costs = self.state.costs_in(month)
        return {labels: costs.get(labels[0], 0) / MICRO for labels in self.budget_limits_usd}

    @property
    def context_usage_ratios(self) -> Values:
        return self._newest_values(CONTEXT_USAGE)

    @property
    def probe_latencies_ms(self) -> Values:
        return self._newest_values(PROBE_LATENCY)

    def _newest_values(self, family: Gauge) -> Values:
        newest = self.state.newest_values.get(family.name, {})
        return {(label,): newest[label] for label in sorted(newest)}

    @property
    def build_info(self) -> Values:
        return {(product.version(), platform.python_version()): 1.0}

    @property
    def sources_readable(self) -> Values:
        sources = self.published.sources if self.published else ()
        return {(source.name,): float(source.readable) for source in sources}

    @property
    def source_problems(self) -> Values:
        sources = self.published.sources if self.published else ()
        return {(source.name, source.reason): 1.0 for source in sources if source.reason}

    @property
    def bytes_behind(self) -> int:
        return self.published.bytes_behind if self.published else 0

    @property
    def otlp_unsent(self) -> Values:
        unsent = self.published.unsent if self.published else None
        return {} if unsent is None else {("traces",): float(unsent.number)}

    @property
    def otlp_lag_s(self) -> Values:
        unsent = self.published.unsent if self.published else None
        if unsent is None:
            return {}
        return {("traces",): max(0.0, self.now_ts - unsent.oldest_ts) if unsent.number else 0.0}
