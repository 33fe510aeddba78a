"""Which program listens at an address that is in use."""

import socket
from contextlib import suppress

TIMEOUT_S = 1.0
BYTES_MAX = 4096
MARKS = {b'"name":"coderouter"': "a coderouter proxy", b"CodeRouter exporter": "a cr-exporter"}
"""What the page `/` of each of our programs contains."""
OTHER = "another program"


def occupant(host: str, port: int) -> str:
    """Return who listens there, as far as its page `/` says so; it may take a second."""
    page = b""
    with suppress(OSError), socket.create_connection((host, port), TIMEOUT_S) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        while len(page) < BYTES_MAX and (more := sock.recv(BYTES_MAX)):
            page += more
    return next((name for mark, name in MARKS.items() if mark in page), OTHER)
