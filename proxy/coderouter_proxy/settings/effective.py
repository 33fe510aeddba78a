"""The effective configuration: defaults and environment applied, and the providers each profile would try now."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from coderouter_proxy.config import headers
from coderouter_proxy.config.schema import Config, Provider
from coderouter_proxy.providers import keys
from coderouter_proxy.redact import masked
from coderouter_proxy.routing import capabilities, gates
from coderouter_proxy.routing.cost import Budgets
from coderouter_proxy.settings.launch import Settings


@dataclass(frozen=True, kw_only=True)
class Link:
    """One provider of a chain; the remark says why it is skipped, or what it lacks."""

    provider: str
    tried: bool
    remark: str = ""


def config(settings: Settings) -> dict[str, Any]:
    """Return every value of the configuration that has an effect, as JSON, with secrets masked."""
    shown: dict[str, Any] = settings.config.model_dump(mode="json", exclude={"providers"})
    shown["default_profile"] = settings.default.profile
    shown["providers"] = [_provider(provider, settings) for provider in settings.config.providers]
    order = ("allow_paid", "default_profile", "providers", "profiles", *shown)
    result: dict[str, Any] = masked(_without_empty({name: shown[name] for name in order}))
    return result


def keys_set(settings: Settings) -> dict[str, bool]:
    """Return each variable and each file of keys that the configuration names, and whether it holds something."""
    found = [source for provider in settings.config.providers for source in keys.sources(provider)]
    shown = {source.name: bool(source.key) for source in found}
    of_clients = settings.config.server.api_keys_env
    return (
        shown if of_clients is None else {**shown, of_clients: bool(os.environ.get(of_clients, "").strip())}
    )


def chains(settings: Settings) -> dict[str, list[Link]]:
    """Return the chain of each profile as a plain request would go through it now, in the order of trying."""
    budgets = spent(settings)
    return {
        profile.name: [_link(name, settings.config, budgets) for name in profile.providers]
        for profile in settings.config.profiles
    }


def spent(settings: Settings) -> Budgets:
    """Return what providers with a budget have cost, as far as it is written; nothing is created to find out."""
    path = settings.spend_path
    return Budgets(path if path and path.exists() else None)


def _link(name: str, config: Config, budgets: Budgets) -> Link:
    provider = config.provider(name)
    if (skip := gates.skip("", name, provider, budgets, allow_paid=config.allow_paid)) is not None:
        return Link(provider=name, tried=False, remark=gates.reason(skip))
    if provider is not None and not keys.has_key(provider):
        return Link(provider=name, tried=True, remark=without_key(provider))
    return Link(provider=name, tried=True)


def without_key(provider: Provider) -> str:
    return f"without a key: {', '.join(keys.problems(provider))}"


def _provider(provider: Provider, settings: Settings) -> dict[str, Any]:
    known = asdict(capabilities.resolve(provider, settings.rules))
    shown = provider.model_dump(mode="json", exclude={"capabilities", "headers"})
    return {**shown, "headers": headers.masked(provider.headers), "capabilities": known}


def _without_empty(value: Any) -> Any:  # noqa: ANN401
    """Return the value without fields that are null or empty."""
    if isinstance(value, Mapping):
        kept = {key: _without_empty(inner) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if inner not in (None, [], {})}
    return [_without_empty(inner) for inner in value] if isinstance(value, list) else value
