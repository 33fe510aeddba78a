"""A response of a provider, whichever client received it: its head, its body, what a refusal means, its timeouts."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Protocol

from coderouter_http import product
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.wires import refusals

USER_AGENT = f"coderouter/{product.version()}"
UPSTREAM_REQUEST_ID = b"x-upstream-request-id"
ANSWER_BYTES_MAX = 64 * 1024 * 1024
ERROR_BODY_BYTES_MAX = 1024 * 1024
INTERIM = frozenset({100, 102, 103})
"""Responses that announce another one (RFC 9110, 15.2; RFC 2518, 10.1; RFC 8297)."""
INTERIM_MAX = 16


class Fields(Protocol):
    """Header fields; `get` ignores the case of the name."""

    def get(self, name: str, /) -> str | None: ...

    def items(self) -> Iterable[tuple[str, str]]: ...


class Response(Protocol):
    @property
    def status(self) -> int: ...

    @property
    def reason(self) -> str: ...

    @property
    def headers(self) -> Fields: ...

    async def readany(self) -> bytes:
        """Return what has arrived of the body and was not read yet, or nothing at its end.

        Raises:
            ProviderError: the connection broke, or was closed.
        """
        ...

    def at_eof(self) -> bool: ...

    def release(self) -> None:
        """Let the connection serve the next request, if all of the body has been read; otherwise close it."""
        ...

    def close(self) -> None:
        """Close the connection, unless it was released."""
        ...


class Route(Protocol):
    """How requests reach one URL."""

    async def post(self, data: bytes, more_headers: Mapping[str, str]) -> Response:
        """Return the response once its head has arrived; a pooled connection that died while idle is replaced.

        Raises:
            ProviderError: the provider cannot be reached.
        """
        ...

    async def get(self) -> Response:
        """Return the response to a GET; see `post`."""
        ...


async def read_all(response: Response, bytes_max: int) -> bytes:
    """Return the whole body, or its first `bytes_max` + 1 bytes if it is longer."""
    parts: list[bytes] = []
    size = 0
    while size <= bytes_max and (data := await response.readany()):
        parts.append(data)
        size += len(data)
    return b"".join(parts)[: bytes_max + 1]


async def refused(response: Response) -> ProviderError:
    """Return what a response other than 2xx means for the chain."""
    try:
        body = (await read_all(response, ERROR_BODY_BYTES_MAX))[:ERROR_BODY_BYTES_MAX]
    except ProviderError:
        body = b""
    finally:
        response.release()
    return refusals.refusal(response.status, body, response.headers.get("Retry-After"), response.reason)


def forwarded(response: Response, prefixes: tuple[str, ...]) -> list[tuple[bytes, bytes]]:
    """Return the headers for the client: those with these prefixes, such as rate limits, and the request id."""
    headers = [
        (name.lower().encode(), value.encode("latin-1", "ignore"))
        for name, value in response.headers.items()
        if name.lower().startswith(prefixes)
    ]
    upstream_id = response.headers.get("request-id") or response.headers.get("x-request-id")
    if upstream_id:
        headers.append((UPSTREAM_REQUEST_ID, upstream_id.encode("latin-1", "ignore")))
    return headers


class Chunks:
    """The chunks of a response, with the provider's idle and total timeouts once the content `flows`.

    One timer watches the whole stream: scheduling one for each chunk would cost more than passing the chunk on.
    """

    def __init__(self, response: Response, provider: Provider) -> None:
        self._response = response
        self._idle_s = provider.idle_timeout_s
        self._loop = asyncio.get_running_loop()
        self._total_at = self._loop.time() + provider.stream_s
        # Time in which a slow client does not read counts against the client, not the provider.
        self._waited_s = 0.0
        self._waiting_since: float | None = None
        self._over: str | None = None
        self._timer: asyncio.TimerHandle | None = None

    def flows(self) -> None:
        """Watch the stream from now on; a long prompt may keep a provider silent before its first content."""
        self.moved()
        self._timer = self._loop.call_at(min(self._loop.time() + self._idle_s, self._total_at), self._look)

    def moved(self) -> None:
        """Note that the answer has moved on: comments and pings alone do not keep a stream from being idle."""
        self._waited_s = 0.0

    async def next(self) -> bytes:
        """Return the next chunk, or nothing at the end.

        Raises:
            ProviderError: the answer does not move for longer than the idle timeout, the total time is up, or the
                connection broke.
        """
        since = self._waiting_since = self._loop.time()
        try:
            return await self._response.readany()
        except ProviderError:
            if self._over is None:
                raise
            raise ProviderError("timeout_idle", self._over) from None
        finally:
            self._waiting_since = None
            self._waited_s += self._loop.time() - since

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._response.close()

    def _look(self) -> None:
        now = self._loop.time()
        waiting_since = now if self._waiting_since is None else self._waiting_since
        idle_at = waiting_since + self._idle_s - self._waited_s
        if now >= min(idle_at, self._total_at):
            self._over = f"silent for {self._idle_s:g} s" if now >= idle_at else "its total time is up"
            self._response.close()
        else:
            self._timer = self._loop.call_at(min(idle_at, self._total_at), self._look)
