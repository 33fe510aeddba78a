"""How much context each provider has, where it is known, and where that is from."""

from dataclasses import dataclass

from coderouter_proxy.routing import capabilities
from coderouter_proxy.routing.contexts import Contexts
from coderouter_proxy.settings.launch import Settings

DECLARED = "declared"
SERVER = "its server"


@dataclass(frozen=True, kw_only=True)
class Context:
    """`ratio` is how many tokens the provider has reported for each estimated one."""

    max_context_tokens: int
    source: str
    ratio: float


def known(settings: Settings) -> dict[str, Context]:
    """Return the context of each provider that has a known one, as the running proxy has written it."""
    contexts = Contexts(settings.contexts_path, earlier_windows=True)
    found = {}
    for provider in settings.config.providers:
        declared = capabilities.resolve(provider, settings.rules).max_context_tokens
        window = contexts.window(provider, declared)
        if window is not None:
            found[provider.name] = Context(
                max_context_tokens=window,
                source=SERVER if declared is None else DECLARED,
                ratio=round(contexts.of(provider).ratio, 3),
            )
    return found
