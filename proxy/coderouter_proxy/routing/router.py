"""What providers.yaml decides, ready for use; read anew it becomes a new one, and running requests keep theirs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, Self

import aiohttp

from coderouter_events.events import Event
from coderouter_proxy.answer import Answer
from coderouter_proxy.config.schema import Config, Profile, Provider
from coderouter_proxy.providers.echo import Echo
from coderouter_proxy.providers.http_provider import HttpProvider
from coderouter_proxy.relay.text_edits import AnswerPolicy
from coderouter_proxy.request import Call
from coderouter_proxy.routing import auto_router as autoroute
from coderouter_proxy.routing import capabilities
from coderouter_proxy.routing.access import Access
from coderouter_proxy.routing.capabilities import ModelCapabilities
from coderouter_proxy.routing.cooldown import Cooldowns
from coderouter_proxy.routing.cost import Budgets
from coderouter_proxy.routing.profiles import DefaultProfile
from coderouter_proxy.wires.anthropic.provider import AnthropicProvider
from coderouter_proxy.wires.openai.provider import OpenAIProvider
from coderouter_proxy.wires.provider import Drop

Emit = Callable[[Event], None]


class ProviderClient(Protocol):
    """Asks one provider; returns once the first content is there, raises `ProviderError` before that."""

    provider: Provider
    key: str  # never shown to anyone; empty without one

    async def open(self, call: Call, profile: Profile, drop: Drop) -> Answer: ...


@dataclass(frozen=True, kw_only=True)
class Routing:
    """One reading of the configuration."""

    config: Config
    default: DefaultProfile
    access: Access
    auto_router: autoroute.Router
    known: Mapping[str, ModelCapabilities]
    upstreams: Mapping[str, ProviderClient]

    @classmethod
    def of(
        cls,
        config: Config,
        default: DefaultProfile,
        host: str,
        rules: list[capabilities.CapabilityRule],
        session: aiohttp.ClientSession,
    ) -> Self:
        known = {provider.name: capabilities.resolve(provider, rules) for provider in config.providers}
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
class Runtime:
    """What a process has at hand for its requests; `routing` is replaced when the configuration is read anew."""

    routing: Routing
    note: Emit
    cooldowns: Cooldowns
    budgets: Budgets
    ping_s: float
    in_flight: int = 0


def _upstream(provider: Provider, known: ModelCapabilities, session: aiohttp.ClientSession) -> ProviderClient:
    rules = AnswerPolicy(provider.output_filters, known.reasoning_passthrough)
    match provider.kind:
        case "echo":
            return Echo(provider)
        case "anthropic":
            return HttpProvider(provider, AnthropicProvider(), rules, session)
        case "openai_compat":
            return HttpProvider(provider, OpenAIProvider(), rules, session)
