"""The client of one provider, whatever its kind."""

from importlib import import_module
from typing import Protocol

from coderouter_events.closed_sets import Ingress
from coderouter_proxy.answer import Attempt
from coderouter_proxy.config.kinds import PROVIDER_KINDS
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.providers.windows import Window
from coderouter_proxy.relay.text import AnswerPolicy
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.wires.provider import Drop


class ProviderClient(Protocol):
    provider: Provider
    traits: ProviderTraits  # declared, known and learnt; whoever learns one replaces them

    @property
    def secrets(self) -> tuple[str, ...]:
        """Its keys and header values, never shown to anyone."""
        ...

    async def attempt(
        self,
        request: ClientRequest,
        profile: Profile,
        traits: ProviderTraits,
        drop: Drop,
        refused: ProviderError | None = None,
    ) -> Attempt:
        """Send the request as these traits require it; return once the first content or an error is there.

        `drop` gets the name of each thing that the provider does not get. After an attempt that ended in `refused`,
        what its words complain about in this one request is left out.
        """
        ...

    def written(
        self,
        request: ClientRequest,
        profile: Profile,
        traits: ProviderTraits,
        refused: ProviderError | None = None,
    ) -> object:
        """Return what `attempt` would send, to be compared: what was refused is not sent again unchanged."""
        ...

    def runs_hosted_tools(self, request: ClientRequest) -> bool:
        """Return whether the request's hosted tools run at this provider."""
        ...

    def may_have(self, request: ClientRequest) -> bool:
        """Return whether the provider may have what the request refers to and is not kept here."""
        ...

    async def count_tokens(self, request: ClientRequest, profile: Profile) -> int | None:
        """Return the provider's own count of the request's tokens, or None if it has none."""
        ...

    async def context_window(self) -> Window:
        """Return the context that the provider's server reports.

        Raises:
            ProviderError: the server cannot be reached, or is not ready.
        """
        ...


def provider_client(
    provider: Provider, policy: AnswerPolicy, traits: ProviderTraits, transport: Transport
) -> ProviderClient:
    """Return the client of the provider, by the row of its kind."""
    module, _, name = PROVIDER_KINDS[provider.kind].client.partition(":")
    client: ProviderClient = getattr(import_module(module), name)(provider, policy, traits, transport)
    return client


def passing_client(provider: Provider, ingress: Ingress, transport: Transport) -> ProviderClient:
    """Return the client that passes requests of this ingress on to the provider."""
    from coderouter_proxy.providers.passing import PassingProvider  # noqa: PLC0415 - memory that few need

    return PassingProvider(provider, ingress, transport)
