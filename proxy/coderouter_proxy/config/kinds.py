"""The registry of provider kinds: one row each, with the client that sends requests to such a provider."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ProviderKind:
    """`client` is the factory of a `ProviderClient`, as `module:attribute`; imported with the first such provider.

    It is called with the provider, an `AnswerPolicy`, `ProviderTraits` and the HTTP session. `about` goes into the
    documentation.
    """

    name: str
    client: str
    about: str
    needs_address: bool = True
    """`base_url` and `model` are required."""
    key_header: str = "authorization"
    """Where the key of `api_key_env` goes."""


PROVIDER_KINDS: dict[str, ProviderKind] = {
    kind.name: kind
    for kind in (
        ProviderKind(
            name="openai_compat",
            client="coderouter_proxy.providers.by_kind:openai",
            about="speaks Chat Completions",
        ),
        ProviderKind(
            name="anthropic",
            client="coderouter_proxy.providers.by_kind:anthropic",
            about="speaks Messages",
            key_header="x-api-key",
        ),
        ProviderKind(
            name="openai_responses",
            client="coderouter_proxy.providers.by_kind:openai_responses",
            about="speaks Responses",
        ),
        ProviderKind(
            name="echo",
            client="coderouter_proxy.providers.echo:Echo",
            about="answers with the user's words",
            needs_address=False,
        ),
    )
}
