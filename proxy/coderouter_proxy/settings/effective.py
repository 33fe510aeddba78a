"""The effective configuration: defaults and environment applied, and the providers each profile would try now."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from coderouter_proxy.config import headers
from coderouter_proxy.config.chains import Member, weighted
from coderouter_proxy.config.schema import Config, Provider
from coderouter_proxy.providers import keys
from coderouter_proxy.redact import masked
from coderouter_proxy.routing import capabilities, gates, retry
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


def context_tokens(config: Config, profile: str | None) -> int | None:
    """Return the smallest context of the providers of a profile, by default the default one; None if any is unknown.

    Raises:
        ConfigErrors: the user's rules of capabilities are invalid.
    """
    rules = capabilities.load()
    name = profile or config.default_profile
    chain = next((each.names for each in config.profiles if each.name == name), [])
    providers = [
        provider for each in chain if (provider := config.provider(each)) and provider.kind != "echo"
    ]
    known = [_context_tokens(provider, rules) for provider in providers]
    if not known or None in known:
        return None
    return min(tokens for tokens in known if tokens is not None)


def _context_tokens(provider: Provider, rules: list[capabilities.CapabilityRule]) -> int | None:
    """Return the context that requests ask its server for, else that of its model."""
    options = provider.extra_body.get("options")
    asked = options.get("num_ctx") if isinstance(options, Mapping) else None
    return asked if isinstance(asked, int) else capabilities.resolve(provider, rules).max_context_tokens


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
        profile.name: [
            _link(name, equals, settings.config, budgets)
            for link in profile.providers
            for name, equals in _members(link)
        ]
        for profile in settings.config.profiles
    }


def spent(settings: Settings) -> Budgets:
    """Return what providers with a budget have cost, as far as it is written; nothing is created to find out."""
    path = settings.spend_path
    return Budgets(path if path and path.exists() else None)


def _members(link: str | Sequence[str | Member]) -> Iterator[tuple[str, str]]:
    """Yield each provider of the link, with a remark on those that are equal to it."""
    weights = dict(weighted(link))
    for name, weight in weights.items():
        others = ", ".join(other for other in weights if other != name)
        if not others:
            yield name, ""
        else:
            yield name, f"equal to {others}" + ("" if weight == 1 else f", with a weight of {weight:g}")


def _link(name: str, equals: str, config: Config, budgets: Budgets) -> Link:
    provider = config.provider(name)
    if (skip := gates.skip("", name, provider, budgets, allow_paid=config.allow_paid)) is not None:
        return Link(provider=name, tried=False, remark=gates.reason(skip))
    keyless = without_key(provider) if provider is not None and not keys.has_key(provider) else ""
    return Link(provider=name, tried=True, remark="; ".join(filter(None, (equals, keyless))))


def without_key(provider: Provider) -> str:
    return f"without a key: {', '.join(keys.problems(provider))}"


def _provider(provider: Provider, settings: Settings) -> dict[str, Any]:
    known = asdict(capabilities.resolve(provider, settings.rules))
    shown = provider.model_dump(mode="json", exclude={"capabilities", "headers"})
    return {
        **shown,
        "retries": retry.retries_of(provider),
        "headers": headers.masked(provider.headers),
        "capabilities": known,
    }


def _without_empty(value: Any) -> Any:  # noqa: ANN401
    """Return the value without fields that are null or empty."""
    if isinstance(value, Mapping):
        kept = {key: _without_empty(inner) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if inner not in (None, [], {})}
    return [_without_empty(inner) for inner in value] if isinstance(value, list) else value
