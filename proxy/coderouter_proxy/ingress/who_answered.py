"""Response headers that say who answered: the profile, the provider, its model, and how many were tried."""

from functools import lru_cache
from urllib.parse import quote

from coderouter_proxy.config.schema import Provider
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.wires.client import named_model

VALUE_CHARS_MAX = 256

_PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))


def headers(
    profile: str | None, provider: Provider | None, request: ClientRequest | None, attempts: int
) -> list[tuple[bytes, bytes]]:
    """Return the headers; those of what is not known are left out."""
    said = [(b"x-coderouter-attempts", b"%d" % attempts)]
    if profile is not None:
        said.append((b"x-coderouter-profile", value(profile)))
    if provider is not None and request is not None:
        said.append((b"x-coderouter-provider", value(provider.name)))
        said.append((b"x-coderouter-model", value(provider.model or named_model(request.body))))
    return said


@lru_cache(maxsize=256)
def value(text: str) -> bytes:
    """Return the text as the value of a header; what that cannot hold is percent-encoded."""
    return quote(text[:VALUE_CHARS_MAX], safe=_PRINTABLE).encode().strip()
