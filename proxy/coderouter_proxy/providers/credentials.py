"""The secrets in requests to a provider: its keys, its headers, and passwords in addresses."""

import os

from multidict import CIMultiDict
from yarl import URL

from coderouter_proxy.config import headers as config_headers
from coderouter_proxy.config.http_proxies import proxy_for
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.providers.keys import Keys
from coderouter_proxy.wires.provider import ProviderWire


def own_headers(provider: Provider, wire: ProviderWire, key: str) -> CIMultiDict[str]:
    """Return the headers of requests with this key: the provider's own over those of the wire, whatever their case."""
    headers = CIMultiDict(wire.headers(key))
    headers.update(config_headers.expanded(provider.headers))
    return headers


def http_proxy(provider: Provider) -> URL | None:
    """Return the HTTP proxy for requests to the provider; None if they go there directly."""
    url = proxy_for(provider.base_url, provider.http_proxy, os.environ)
    return None if url is None else URL(url)


def secrets(provider: Provider) -> tuple[str, ...]:
    """Return the secrets in requests to the provider: its keys, passwords, and what its headers hold."""
    return (*Keys(provider).secrets, *passwords(provider))


def passwords(provider: Provider) -> tuple[str, ...]:
    urls = (URL(provider.base_url), http_proxy(provider))
    passwords = (url.password for url in urls if url is not None and url.password)
    return (*passwords, *config_headers.secrets(provider.headers))
