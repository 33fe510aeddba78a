"""What is valid in providers.yaml, and probably meant differently."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from coderouter_proxy.config.schema import Config, Provider

_ENDPOINT = re.compile(r"/(?:chat/completions|completions|messages|responses|embeddings)/*$")
_VARIABLE = re.compile(r"\$\{[^}]*\}")
_TEXTS = ("name", "base_url", "model", "append_system_prompt")


def warnings(config: Config) -> Iterator[str]:
    """Yield a sentence for each, with what to write instead."""
    names = [provider.name for provider in config.providers]
    for profile, name in config.unknown_providers():
        near = get_close_matches(name, names, n=1)
        meant = f"did you mean {near[0]!r}?" if near else "add it to providers, or remove it here"
        yield f"profile {profile!r} skips {name!r}, which is no provider; {meant}"
    for provider in config.providers:
        yield from _of_provider(provider)


def _of_provider(provider: Provider) -> Iterator[str]:
    if found := _ENDPOINT.search(provider.base_url):
        base = provider.base_url[: found.start()]
        yield f"base_url of provider {provider.name!r} ends in {found[0]}, which is appended to it; write {base}"
    for field in _TEXTS:
        if found := _VARIABLE.search(str(getattr(provider, field))):
            yield (
                f"{field} of provider {provider.name!r} has {found[0]}, which is sent as it is: variables are"
                " replaced in headers only"
            )
