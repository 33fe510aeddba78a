"""Which HTTP proxy the requests to a provider go through: its own `http_proxy`, or what the environment says.

The variables are read as curl and most other programs do: `https_proxy`, `http_proxy` by the scheme of the address,
`all_proxy` for both, and the hosts of `no_proxy` are reached directly; each in lower case or else in upper case.
"""

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator

from coderouter_proxy.config.values import http_url

DEFAULT_PORTS = {"http": 80, "https": 443}
_SEPARATORS = re.compile(r"[,\s]+")
_PORT = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<name>[^:\[\]]*))(?::(?P<port>\d{1,5}))?")
_SOCKS = re.compile(r"socks\w*://", re.IGNORECASE)


def proxy_url(value: str) -> str:
    """Return the URL of an HTTP proxy; the default scheme is http.

    Raises:
        ValueError: it is not the URL of an HTTP proxy; the message does not show it.
    """
    if _SOCKS.match(value):
        raise ValueError(
            "is a SOCKS proxy, which is not supported; use the port where it speaks HTTP, e.g. http://127.0.0.1:1080"
        )
    url = value if "://" in value else f"http://{value}"
    try:
        found = http_url(url)
    except ValueError:
        found = ""
    if not found or urlsplit(found).path:
        raise ValueError("is not the URL of an HTTP proxy; write e.g. http://127.0.0.1:3128")
    return found


def proxy_for(base_url: str, http_proxy: str | None, environment: Mapping[str, str]) -> str | None:
    """Return the URL of the proxy for requests to this address; None if they go there directly.

    `http_proxy` is the provider's own: empty for none, or None to do as the environment says.

    Raises:
        ValueError: the environment names a proxy that cannot be used; the message begins with the variable.
    """
    if http_proxy is not None:
        return http_proxy or None
    address = urlsplit(base_url)
    found = _variable(environment, f"{address.scheme}_proxy") or _variable(environment, "all_proxy")
    if found is None or _is_direct(address, environment):
        return None
    name, value = found
    try:
        return proxy_url(value)
    except ValueError as error:
        raise ValueError(f"the variable {name} {error}") from None


def _variable(environment: Mapping[str, str], name: str) -> tuple[str, str] | None:
    """Return the name and the value of a variable in lower or upper case that is not empty."""
    found = ((case, environment.get(case, "").strip()) for case in (name, name.upper()))
    return next(((case, value) for case, value in found if value), None)


def _is_direct(address: SplitResult, environment: Mapping[str, str]) -> bool:
    _, listed = _variable(environment, "no_proxy") or ("", "")
    host = (address.hostname or "").removesuffix(".")
    port = address.port or DEFAULT_PORTS[address.scheme]
    return any(_covers(entry, host, port) for entry in _SEPARATORS.split(listed.lower()) if entry)


def _covers(entry: str, host: str, port: int) -> bool:
    """Return whether an entry of `no_proxy` means the host: `*`, a name, a domain, an address or a network."""
    if (network := _network(entry)) is not None:
        return _is_in(host, network)
    parts = _PORT.fullmatch(entry)
    if parts is None or (parts["port"] and int(parts["port"]) != port):
        return False
    name = parts["name"] if parts["six"] is None else parts["six"]
    if (network := _network(name)) is not None:
        return _is_in(host, network)
    if "*" in name:
        return re.fullmatch(".*".join(map(re.escape, name.split("*"))), host) is not None
    domain = _ascii(name.strip("."))
    return bool(domain) and (_ascii(host) == domain or _ascii(host).endswith(f".{domain}"))


def _network(text: str) -> IPv4Network | IPv6Network | None:
    """Return the network in the text, or the address as a network of its own."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _is_in(host: str, network: IPv4Network | IPv6Network) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address) in network


def _ascii(name: str) -> str:
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return name


HttpProxyUrl = Annotated[str, AfterValidator(lambda value: proxy_url(value) if value else "")]
