"""Parse an address and open the listening socket on it, or say what is wrong with it."""

import errno
import socket

from coderouter_http.occupant import occupant

BACKLOG = 2048
EVERY_ADDRESS = "0.0.0.0"


class CannotListen(Exception):
    """The address is in use or not available on this machine; the message says which."""

    def __init__(self, message: str, *, in_use: bool = False) -> None:
        super().__init__(message)
        self._in_use = in_use

    def advising(self, choose: str) -> str:
        """Return the message with what to do: to `choose` another address, or to stop the program that has this one."""
        return f"{self}; stop it, or {choose}" if self._in_use else f"{self}; {choose}"


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`; an IPv6 address is in brackets, and `:PORT` is every IPv4 address.

    Raises:
        ValueError: it is not an address; the message says how to write one.
    """
    host, _, port = text.rpartition(":")
    is_bracketed = host.startswith("["), host.endswith("]")
    if not port.isdecimal() or int(port) > 65535 or ":" not in text or any(is_bracketed) != all(is_bracketed):
        raise ValueError(f"{text!r} is not an address; write e.g. 127.0.0.1:9847, [::1]:9847 or :9847")
    return host.removeprefix("[").removesuffix("]") or EVERY_ADDRESS, int(port)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket listening on the first address that `host` resolves to; port 0 picks a free port.

    Raises:
        CannotListen
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
            sock.listen(BACKLOG)
        except OSError:
            sock.close()
            raise
    except (OSError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            occupied = f"port {port} on {host} is in use by {occupant(host, port)}"
            raise CannotListen(occupied, in_use=True) from None
        reason = "no such host name" if isinstance(error, UnicodeError) else error.strerror
        raise CannotListen(f"cannot listen on {host}:{port}: {reason}") from None
    return sock


def url_of(sock: socket.socket, scheme: str = "http") -> str:
    host, port = sock.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
