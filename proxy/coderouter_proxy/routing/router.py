"""What providers.yaml decides, ready for use; read anew it becomes a new one, and running requests keep theirs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, Self

import aiohttp

from coderouter_events.events import Event
from coderouter_proxy.answer import Answer
from coderouter_proxy.config.schema import Config, Profile, Provider
from coderouter_proxy.providers.echo import Echo
from coderouter_proxy.providers.http_provider import Adapter
from coderouter_proxy.relay.text_edits import Rules
from coderouter_proxy.request import Call
from coderouter_proxy.routing import auto_router as autoroute
from coderouter_proxy.routing import capabilities
from coderouter_proxy.routing.access import Access
from coderouter_proxy.routing.capabilities import Known
from coderouter_proxy.routing.cooldown import Cooldowns
from coderouter_proxy.routing.cost import Budgets
from coderouter_proxy.routing.profiles import Default
from coderouter_proxy.wires.anthropic.provider import AnthropicNative
from coderouter_proxy.wires.openai.provider import OpenAICompat
from coderouter_proxy.wires.provider import Drop

Note = Callable[[Event], None]


class Upstream(Protocol):
    """Asks one provider; returns once the first content is there, raises `Failure` before that."""

    provider: Provider
    key: str  # never shown to anyone; empty without one

    async def open(self, call: Call, profile: Profile, drop: Drop) -> Answer: ...


@dataclass(frozen=True, kw_only=True)
class Routing:
    """One reading of the configuration."""

    config: Config
    default: Default
    access: Access
    auto_router: autoroute.Router
    known: Mapping[str, Known]
    upstreams: Mapping[str, Upstream]

    @classmethod
    def of(
        cls,
        config: Config,
        default: Default,
        host: str,
        rules: list[capabilities.Rule],
        session: aiohttp.ClientSession,
    ) -> Self:
        known = {provider.name: capabilities.of(provider, rules) for provider in config.providers}
        return cls(
            config=config,
            default=default,
            access=Access(config.server, host),
            auto_router=autoroute.Router(config.auto_router),
            known=known,
            upstreams={
                provider.name: _upstream(provider, known[provider.name], session)
                for provider in config.providers
            },
        )


@dataclass(slots=True, kw_only=True)
class Desk:
    """What a process has at hand for its requests; `routing` is replaced when the configuration is read anew."""

    routing: Routing
    note: Note
    cooldowns: Cooldowns
    budgets: Budgets
    ping_s: float
    in_flight: int = 0


def _upstream(provider: Provider, known: Known, session: aiohttp.ClientSession) -> Upstream:
    rules = Rules(provider.output_filters, known.reasoning_passthrough)
    match provider.kind:
        case "echo":
            return Echo(provider)
        case "anthropic":
            return Adapter(provider, AnthropicNative(), rules, session)
        case "openai_compat":
            return Adapter(provider, OpenAICompat(), rules, session)
