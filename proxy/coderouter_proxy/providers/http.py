"""Speak HTTP with providers, and report failures as error types of the event contract."""

import asyncio
import os
from collections.abc import Mapping
from contextvars import ContextVar

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.tracing import Trace
from yarl import URL

from coderouter_http import product
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers import tls
from coderouter_proxy.wires import refusals

ANSWER_BYTES_MAX = 64 * 1024 * 1024
ERROR_BODY_BYTES_MAX = 1024 * 1024

NETWORK_ERRORS = (aiohttp.ClientError, ConnectionError)

_connected: ContextVar[bool] = ContextVar("_connected")


class _Connector(aiohttp.TCPConnector):
    """Sets `_connected` for the request that no pooled connection could take."""

    async def _create_connection(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        _connected.set(True)
        return await super()._create_connection(req, traces, timeout)


def new_session() -> aiohttp.ClientSession:
    """Return the one pooled session for all providers; it uses the HTTP proxies in the environment."""
    return aiohttp.ClientSession(
        connector=_Connector(limit=0, ttl_dns_cache=60, keepalive_timeout=30),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"coderouter/{product.version()}"},
        trust_env=any(name.lower() in ("http_proxy", "https_proxy", "all_proxy") for name in os.environ),
        auto_decompress=True,
        requote_redirect_url=False,
    )


async def post(
    session: aiohttp.ClientSession,
    url: URL,
    headers: Mapping[str, str],
    data: bytes,
    timeout: aiohttp.ClientTimeout,
) -> aiohttp.ClientResponse:
    """Return the response once a 2xx header has arrived; a pooled connection that died while idle is replaced.

    Raises:
        ProviderError: the provider cannot be reached, or returns another status.
        TimeoutError: the total time of `timeout` is up.
    """
    response = None
    while response is None:
        _connected.set(False)
        try:
            response = await session.post(
                url, data=data, headers=headers, timeout=timeout, allow_redirects=False
            )
        except NETWORK_ERRORS as error:
            # A provider that closes a new connection may already have started an answer, which must not be paid twice.
            died_idle = isinstance(error, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError))
            if _connected.get() or not died_idle:
                raise network_failure(error) from None
    if response.status // 100 != 2:
        async with response:
            raise await refused(response)
    return response


class Chunks:
    """The chunks of a response, with the provider's idle and total timeouts once the content `flows`.

    One timer watches the whole stream: scheduling one for each chunk would cost more than passing the chunk on.
    """

    def __init__(self, response: aiohttp.ClientResponse, provider: Provider) -> None:
        self._response = response
        self._idle_s = provider.idle_timeout_s
        self._loop = asyncio.get_running_loop()
        self._total_at = self._loop.time() + provider.total_timeout_s
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
            return await self._response.content.readany()
        except NETWORK_ERRORS as error:
            raise (
                ProviderError("timeout_idle", self._over) if self._over else network_failure(error)
            ) from None
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


async def read_all(response: aiohttp.ClientResponse, bytes_max: int) -> bytes:
    """Return the whole body, or its first `bytes_max` + 1 bytes if it is longer."""
    parts: list[bytes] = []
    size = 0
    try:
        while size <= bytes_max and (data := await response.content.readany()):
            parts.append(data)
            size += len(data)
    except NETWORK_ERRORS as error:
        raise network_failure(error) from None
    return b"".join(parts)[: bytes_max + 1]


def network_failure(error: BaseException) -> ProviderError:
    """Return the error for one of `NETWORK_ERRORS`."""
    match error:
        case aiohttp.ServerTimeoutError():
            return ProviderError("timeout_connect", f"no connection in time: {error}")
        case aiohttp.ClientSSLError():
            at = f"{error.host}:{error.port}"
            return ProviderError("connect", f"cannot connect to {at} with TLS: {tls.reason(error.os_error)}")
        case aiohttp.ClientConnectorError():
            number = error.os_error.errno
            reason = os.strerror(number) if number and number > 0 else str(error.os_error)
            return ProviderError("connect", f"cannot connect to {error.host}:{error.port}: {reason}")
        case aiohttp.ClientConnectionError() | ConnectionError():
            return ProviderError("connect", str(error) or type(error).__name__)
        case aiohttp.ClientPayloadError():
            return ProviderError("connect", "the connection broke in the middle of the answer")
        case _:
            return ProviderError("protocol", str(error) or type(error).__name__)


async def refused(response: aiohttp.ClientResponse) -> ProviderError:
    """Return what a response other than 2xx means for the chain."""
    try:
        body = (await read_all(response, ERROR_BODY_BYTES_MAX))[:ERROR_BODY_BYTES_MAX]
    except ProviderError:
        body = b""
    return refusals.refusal(response.status, body, response.headers.get("Retry-After"), response.reason or "")
