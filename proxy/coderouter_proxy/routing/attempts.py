"""What is remembered of one client request while its providers are tried, also when none answers."""

from dataclasses import dataclass, field
from typing import TypeVar

from coderouter_proxy.config.schema import Provider
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.routing import gates
from coderouter_proxy.routing.affinity import Stay
from coderouter_proxy.routing.lengths import Length
from coderouter_proxy.routing.loads import Loads
from coderouter_proxy.routing.turn import Turn

Departure = gates.Skip | ProviderError
"""Why a provider did not answer."""
Reason = TypeVar("Reason", bound=Departure)


@dataclass(slots=True)
class Attempts:
    """What the fallback loop did for one request.

    `left` holds each provider that did not answer with the reason, in the order in which they were left; of errors, the
    last one: what was wrong before a request was adapted is fixed. `waited_s` adds up what the tries spent on the
    network before their first content, or their error, and the waits between them. `key_index` is which key of its
    provider the latest try sent. `loads` is how busy the providers of groups are, and `in_flight_at` where the
    request counts; both are None without groups.
    """

    count: int = 0
    provider: Provider | None = None
    left: dict[str, Departure] = field(default_factory=dict)
    length: Length | None = None
    waited_s: float = 0.0
    loads: Loads | None = None
    in_flight_at: str | None = None
    stay: Stay | None = None
    turn: Turn = field(default_factory=Turn)
    key_index: int | None = None

    def failed(self, name: str, error: ProviderError) -> None:
        self.left[name] = error

    def skipped(self, skip: gates.Skip) -> None:
        self.left[skip.provider] = skip

    def left_for(self, reason: type[Reason]) -> list[tuple[str, Reason]]:
        """Return the providers that were left for such a reason, each with its own."""
        return [(name, why) for name, why in self.left.items() if isinstance(why, reason)]

    def begin(self, name: str) -> None:
        """Count the request as one in flight at this provider, and no longer at the one before."""
        if self.loads is not None:
            if self.in_flight_at is not None:
                self.loads.end(self.in_flight_at)
            self.loads.begin(name)
            self.in_flight_at = name

    def answered(self, name: str) -> None:
        if self.stay is not None:
            self.stay.answered(name)

    def end(self) -> None:
        """Take note that the request has ended, and its answer if there was one."""
        if self.loads is not None and self.in_flight_at is not None:
            self.loads.end(self.in_flight_at)
            self.in_flight_at = None
        if self.stay is not None and self.provider is not None:
            self.stay.ended()
