"""Where a provider is, by its address."""

from ipaddress import ip_address

from yarl import URL

from coderouter_proxy.config.kinds import PROVIDER_KINDS
from coderouter_proxy.config.schema import Provider

_LOCAL_SUFFIXES = (".local", ".lan", ".internal", ".home.arpa", ".localhost")


def is_local(provider: Provider) -> bool:
    """Return whether the provider is a server of the user's own: on this machine, or on a network without TLS."""
    if provider.paid or not PROVIDER_KINDS[provider.kind].needs_address:
        return False
    url = URL(provider.base_url)
    return url.scheme == "http" or is_local_host(url.host or "")


def is_local_host(host: str) -> bool:
    """Return whether the host is this machine or on this network, as far as its name or address shows."""
    try:
        address = ip_address(host)
    except ValueError:
        return bool(host) and ("." not in host or host.endswith(_LOCAL_SUFFIXES))
    return address.is_private or address.is_loopback or address.is_link_local
