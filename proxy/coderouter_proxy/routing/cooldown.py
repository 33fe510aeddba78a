"""Moves failing providers to the end of the chain; none is removed, because it may be the only one left."""

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from coderouter_events.closed_sets import CooldownReason
from coderouter_events.events import Event, ProviderCooldown, ProviderRecovered
from coderouter_proxy.config.schema import Cooldown
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.wires.refusals import retry_after_s

RETRY_AFTER_S_MAX = 3600

# Errors of local servers when a model does not fit into memory: retrying at once makes it worse.
MEMORY_PHRASES = re.compile(
    r"out of memory|cuda[ _]error|insufficient memory|failed to allocate|more system memory|\boom\b",
    re.IGNORECASE,
)

# Caused by the client, or a request that the provider rightly rejects.
NOT_THE_PROVIDERS_FAULT = frozenset({"cancelled", "upstream_4xx"})

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Health:
    failures: int = 0
    until: float = 0.0  # of the monotonic clock
    since: float = 0.0


class Cooldowns:
    """The health of each provider as this process has seen it; only profiles with a cooldown use it."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self._emit = emit
        self._health: dict[str, _Health] = {}

    @property
    def any_failed(self) -> bool:
        """Whether a provider has failed since its last answer."""
        return bool(self._health)

    def in_order(self, names: list[str]) -> list[str]:
        """Return the names, those in cooldown last."""
        if not self.any_failed:
            return names
        now = time.monotonic()
        return sorted(names, key=lambda name: name in self._health and now < self._health[name].until)

    def failed(self, name: str, error: ProviderError, cooldown: Cooldown) -> None:
        """Count the failure; begin a cooldown when it was one too many."""
        if error.error_type in NOT_THE_PROVIDERS_FAULT or error.about_request:
            return
        health = self._health.setdefault(name, _Health())
        health.failures += 1
        memory = MEMORY_PHRASES.search(error.message) is not None
        wait_s = _wait_s(error.retry_after)
        if wait_s is None and not memory and health.failures < cooldown.threshold:
            return
        now = time.monotonic()
        if now >= health.until:
            health.since = now
            reason: CooldownReason = "failures" if wait_s is None else "retry_after"
            if memory:
                reason = "memory_pressure"
            seconds = cooldown.seconds if wait_s is None else wait_s
            self._emit(
                ProviderCooldown(provider=name, reason=reason, failures=health.failures, seconds=seconds)
            )
            log.warning(
                "provider %s failed (%s); it moves to the end of the chain for %g s",
                name,
                error.error_type,
                seconds,
            )
        health.until = now + (cooldown.seconds if wait_s is None else wait_s)

    def succeeded(self, name: str) -> None:
        """Forget the failures; an answer ends a cooldown."""
        health = self._health.pop(name, None)
        if health is not None and health.until:
            self._emit(ProviderRecovered(provider=name, cooldown_s=round(time.monotonic() - health.since, 3)))
            log.info("provider %s answers again", name)


def _wait_s(retry_after: str | None) -> float | None:
    seconds = retry_after_s(retry_after)
    return min(seconds, RETRY_AFTER_S_MAX) if seconds is not None and seconds > 0 else None
