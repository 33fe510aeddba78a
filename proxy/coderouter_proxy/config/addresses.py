"""Where a provider is, by its address."""

from ipaddress import ip_address

from yarl import URL

from coderouter_proxy.config.kinds import PROVIDER_KINDS
from coderouter_proxy.config.schema import Provider


def is_local(provider: Provider) -> bool:
    """Return whether the provider is a server of the user's own: on this machine, or on a network without TLS."""
    if provider.paid or not PROVIDER_KINDS[provider.kind].needs_address:
        return False
    url = URL(provider.base_url)
    if url.scheme == "http" or url.host == "localhost":
        return True
    try:
        return ip_address(url.host or "").is_private
    except ValueError:
        return False
