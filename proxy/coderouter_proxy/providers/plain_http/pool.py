"""Connections by address: each request takes an idle one, or opens one."""

import asyncio
import os
import socket
from collections.abc import Iterable

from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers.plain_http.connection import Connection
from coderouter_proxy.providers.plain_http.response import DISCONNECTED, PlainResponse

IDLE_S_MAX = 30.0
"""A connection that a server closes earlier is noticed at once."""

Address = tuple[str, int]


class Pool:
    def __init__(self, *, idle_s_max: float = IDLE_S_MAX) -> None:
        self._idle: dict[Address, list[Connection]] = {}  # the newest last
        self._idle_s_max = idle_s_max
        self._sweeper: asyncio.TimerHandle | None = None

    async def post(
        self, address: Address, head: bytes, data: bytes, connect_timeout_s: float
    ) -> PlainResponse:
        """Return the response once its head has arrived; an idle connection that died meanwhile is replaced.

        Raises:
            ProviderError: there is no connection, or what arrives is not an HTTP response.
        """
        while True:
            connection = self._taken(address) or await self._connected(address, connect_timeout_s)
            response = connection.send(head, data)
            try:
                await response.begun()
            except ProviderError as error:
                # A server that closes a new connection may have begun an answer, which must not be paid for twice.
                if connection.used and error.message == DISCONNECTED:
                    continue
                raise
            except BaseException:
                response.close()
                raise
            return response

    def close(self) -> None:
        """Close the idle connections."""
        for connection in [each for idle in self._idle.values() for each in idle]:
            connection.abort()
        if self._sweeper is not None:
            self._sweeper.cancel()

    def _taken(self, address: Address) -> Connection | None:
        idle = self._idle.get(address, [])
        while idle:
            if (connection := idle.pop()).is_open:
                return connection
        return None

    async def _connected(self, address: Address, timeout_s: float) -> Connection:
        host, port = address
        loop = asyncio.get_running_loop()

        def free(connection: Connection) -> None:
            connection.idle_since = loop.time()
            self._idle.setdefault(address, []).append(connection)
            if self._sweeper is None:
                self._sweeper = loop.call_later(self._idle_s_max, self._sweep)

        def gone(connection: Connection) -> None:
            idle = self._idle.get(address, [])
            if connection in idle:
                idle.remove(connection)

        try:
            async with asyncio.timeout(timeout_s):
                _, connection = await loop.create_connection(lambda: Connection(free, gone), host, port)
        except TimeoutError:
            raise ProviderError(
                "timeout_connect", f"no connection to {host}:{port} within {timeout_s:g} s"
            ) from None
        except (OSError, UnicodeError) as error:
            raise ProviderError("connect", f"cannot connect to {host}:{port}: {_reason(error)}") from None
        return connection

    def _sweep(self) -> None:
        """Close what has been idle for too long; one timer for all costs nothing per request."""
        loop = asyncio.get_running_loop()
        oldest = loop.time() - self._idle_s_max
        for connection in [each for idle in self._idle.values() for each in idle]:
            if connection.idle_since <= oldest:
                connection.abort()
        waiting: Iterable[float] = (
            each.idle_since for idle in self._idle.values() for each in idle if each.is_open
        )
        first = min(waiting, default=None)
        self._sweeper = None if first is None else loop.call_at(first + self._idle_s_max, self._sweep)


def _reason(error: OSError | UnicodeError) -> str:
    if isinstance(error, socket.gaierror) or not isinstance(error, OSError) or not error.errno:
        return str(error)
    return os.strerror(error.errno)
