"""Clients that send without end: the proxy refuses them, and does not grow."""

import itertools
import threading
from collections.abc import Callable, Iterable

from support.raw_http import connected, get

GROWTH_KB_MAX = 20_000
PIPELINED = 1_000_000
CONNECTIONS = 8


def pipeline(port: int) -> None:
    """Send a million requests over each of some connections, or as many as are read, and read no answer."""
    batch = get("/") * 1000
    _flood(port, lambda: itertools.repeat(batch, PIPELINED // 1000))


def endless_heads(port: int) -> None:
    """Send one field without an end over each of some connections, or as much as is read."""
    start = get("/").removesuffix(b"\r\n") + b"X-Endless: "
    _flood(port, lambda: itertools.chain([start], itertools.repeat(b"x" * 100_000, 1000)))


def _flood(port: int, pieces: Callable[[], Iterable[bytes]]) -> None:
    def send() -> None:
        with connected(port) as connection:
            connection.sock.settimeout(5)
            connection.send_what_is_accepted(pieces())

    threads = [threading.Thread(target=send) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
