"""What each provider accepts: its traits, and where each of them is from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coderouter_proxy.config.kinds import PROVIDER_KINDS
from coderouter_proxy.config.traits import ProviderTraits, Traits
from coderouter_proxy.routing import capabilities
from coderouter_proxy.settings.launch import Settings

DEFAULT = "default"
LEARNT = "learnt"
_DEFAULTS = ProviderTraits()


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """One trait of a provider."""

    value: Any
    source: str


def traits(settings: Settings, learnt: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Accepted]]:
    """Return every trait of every provider that is reached over a network; `learnt` is by provider."""
    return {
        provider.name: _of_provider(
            list(capabilities.declarations(provider, settings.rules)), learnt.get(provider.name, {})
        )
        for provider in settings.config.providers
        if PROVIDER_KINDS[provider.kind].needs_address
    }


def _of_provider(
    declarations: Sequence[tuple[str, Traits]], learnt: Mapping[str, Any]
) -> dict[str, Accepted]:
    accepted: dict[str, Accepted] = {}
    for name in Traits.model_fields:
        declared = ((getattr(traits, name), source) for source, traits in declarations)
        said = next(((value, source) for value, source in declared if value is not None), None)
        value, source = said or (getattr(_DEFAULTS, name), DEFAULT)
        if name in learnt:
            value, source = learnt[name], LEARNT
        accepted[name] = Accepted(value=value, source=source)
    return accepted
