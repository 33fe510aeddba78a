"""Names by which clients may call this machine; a page whose name was pointed at 127.0.0.1 sends its own."""

import functools
import ipaddress
import re

HOST_BYTES_MAX = 300  # a name has at most 253 characters
_HOST = re.compile(
    r"(?:\[([0-9a-f:.]+)\]|([^\x00-\x20\x7f-\xff#%/:<>?@\[\\\]^|]+))(?::(\d*))?", re.IGNORECASE
)
"""A host and a port as in the URL standard; without user, path and escapes, which a Host header cannot have."""

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def is_loopback(host: str) -> bool:
    """Return whether a server that listens on this host can be reached from this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def hostname(host: bytes) -> str:
    """Return the host in a Host header, in lower case, without port and brackets; "" if it is not a valid one."""
    return _hostname(host) if len(host) <= HOST_BYTES_MAX else ""


@functools.lru_cache(maxsize=64)
def _hostname(host: bytes) -> str:
    match = _HOST.fullmatch(host.decode("latin-1").strip(" \t"))
    if match is None or int(match[3] or 0) > 65535:
        return ""
    if match[2] is not None:
        return match[2].lower()
    try:
        return str(ipaddress.IPv6Address(match[1]))
    except ValueError:
        return ""
