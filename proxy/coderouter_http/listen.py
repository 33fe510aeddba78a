"""Open the listening socket, or say what is wrong with its address."""

import errno
import socket

BACKLOG = 2048


class CannotListen(Exception):
    """The address is in use or not available on this machine; the message says which."""


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
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotListen(f"port {port} on {host} is in use") from None
        raise CannotListen(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return sock


def url_of(sock: socket.socket, scheme: str = "http") -> str:
    host, port = sock.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
