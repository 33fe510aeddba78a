"""A loaded configuration, ready for use; a reload creates a new one, and running requests keep theirs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

from coderouter_events.closed_sets import Ingress
from coderouter_events.events import Event
from coderouter_proxy.body_memory import BodyMemory
from coderouter_proxy.config.schema import Config
from coderouter_proxy.eventlog import worker_counts
from coderouter_proxy.providers.client import ProviderClient, passing_client, provider_client
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.relay.text import AnswerPolicy
from coderouter_proxy.routing import auto_router, capabilities, worker_memory
from coderouter_proxy.routing.access import Access
from coderouter_proxy.routing.affinity import Affinity
from coderouter_proxy.routing.capabilities import CapabilityRule, ModelCapabilities
from coderouter_proxy.routing.contexts import Contexts
from coderouter_proxy.routing.cooldown import Cooldowns
from coderouter_proxy.routing.cost import Budgets
from coderouter_proxy.routing.groups import Chain
from coderouter_proxy.routing.loads import Loads
from coderouter_proxy.routing.models import Models
from coderouter_proxy.routing.profiles import DefaultProfile
from coderouter_proxy.routing.queues import Queues
from coderouter_proxy.routing.retry import Patience
from coderouter_proxy.wires.clients import PASSED_ON
from coderouter_proxy.wires.state import origin_of

Emit = Callable[[Event], None]


@dataclass(frozen=True, kw_only=True)
class Routing:
    """A loaded configuration; `capabilities` and `clients` are by provider name, `chains` by that of the profile.

    Only chains that leave a choice are among them. `passing` has the clients for requests that are passed on as they
    are, by ingress and name.
    """

    config: Config
    default: DefaultProfile
    access: Access
    models: Models
    auto_router: auto_router.Router
    capabilities: Mapping[str, ModelCapabilities]
    clients: Mapping[str, ProviderClient]
    chains: Mapping[str, Chain]
    has_groups: bool
    passing: Mapping[Ingress, Mapping[str, ProviderClient]]

    @classmethod
    def of(
        cls,
        config: Config,
        default: DefaultProfile,
        host: str,
        rules: list[CapabilityRule],
        transport: Transport,
    ) -> Self:
        known = {provider.name: capabilities.resolve(provider, rules) for provider in config.providers}
        policies = {
            provider.name: AnswerPolicy(
                provider.output_filters,
                known[provider.name].reasoning_passthrough,
                origin=origin_of(provider),
                model=provider.model,
            )
            for provider in config.providers
        }
        chains = {
            profile.name: Chain.of(profile, config) for profile in config.profiles if len(profile.names) > 1
        }
        return cls(
            config=config,
            default=default,
            access=Access(config.server, host),
            models=Models(config),
            auto_router=auto_router.Router(config.auto_router),
            capabilities=known,
            clients={
                provider.name: provider_client(
                    provider, policies[provider.name], capabilities.traits_of(provider, rules), transport
                )
                for provider in config.providers
            },
            chains=chains,
            has_groups=any(chain.groups for chain in chains.values()),
            passing={
                ingress: {
                    provider.name: passing_client(provider, ingress, transport)
                    for provider in config.providers
                    if provider.serves(ingress)
                }
                for ingress in PASSED_ON
            },
        )

    def clients_for(self, ingress: Ingress) -> Mapping[str, ProviderClient]:
        """Return the clients for such requests, by provider name."""
        return self.passing.get(ingress, self.clients)


@dataclass(slots=True, kw_only=True)
class Runtime:
    """What all requests of a process share; a reload replaces `routing`."""

    routing: Routing
    emit: Emit
    cooldowns: Cooldowns
    budgets: Budgets
    ping_s: float
    contexts: Contexts = field(default_factory=Contexts)
    bodies: BodyMemory = field(default_factory=BodyMemory)
    queues: Queues = field(default_factory=Queues)
    patience: Patience = field(default_factory=Patience)
    affinity: Affinity = field(init=False)
    loads: Loads = field(init=False)
    session_key: bytes = b""
    """For the names of sessions in events."""
    _in_flight: int = 0
    _counts: worker_counts.OwnCounts | None = field(default_factory=worker_counts.own)

    def __post_init__(self) -> None:
        memory = worker_memory.own()
        self.affinity, self.loads = Affinity(memory), Loads(memory)

    @property
    def in_flight(self) -> int:
        """The number of client requests in progress, which the supervisor of a worker knows as well."""
        return self._in_flight

    @in_flight.setter
    def in_flight(self, requests: int) -> None:
        self._in_flight = requests
        if self._counts is not None:
            self._counts.set_in_flight(requests)
