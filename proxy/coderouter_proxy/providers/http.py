"""HTTP through aiohttp, with TLS and proxies; failures become error types of the contract."""

import os
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import partial
from itertools import count
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import ContentEncodingError, HttpProcessingError
from aiohttp.tracing import Trace
from multidict import CIMultiDict
from yarl import URL

from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers import tls
from coderouter_proxy.providers.response import INTERIM, INTERIM_MAX, USER_AGENT

NETWORK_ERRORS = (aiohttp.ClientError, ConnectionError)

_connected: ContextVar[bool] = ContextVar("_connected")


class _Connection(ResponseHandler):
    """Fails at interim responses that are unknown, or that never end."""

    async def read(self) -> Any:  # noqa: ANN401 - what aiohttp reads, which its stubs leave open
        for number in count():
            found = await super().read()
            code = found[0].code
            if code // 100 != 1:
                return found
            if code not in INTERIM or number == INTERIM_MAX:
                raise HttpProcessingError(code=code, message=" again and again" if number else "")
        raise AssertionError


class _Connector(aiohttp.TCPConnector):
    """Sets `_connected` for the request that no pooled connection could take."""

    def __init__(self) -> None:
        super().__init__(limit=0, ttl_dns_cache=60, keepalive_timeout=30)
        self._factory = partial(_Connection, loop=self._loop)  # type: ignore[assignment] # of a subclass

    async def _create_connection(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        _connected.set(True)
        return await super()._create_connection(req, traces, timeout)


def new_session() -> aiohttp.ClientSession:
    """Return the one pooled session for all providers.

    It reads neither netrc files nor variables of the environment: a provider gets its own credentials or none.
    """
    return aiohttp.ClientSession(
        connector=_Connector(),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": USER_AGENT},
        trust_env=False,
        auto_decompress=True,
        requote_redirect_url=False,
    )


class SessionResponse:
    """A response of the session, which reports its failures as a ProviderError."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self.reason = response.reason or ""
        self.headers = response.headers
        self._response = response
        self._content = response.content

    async def readany(self) -> bytes:
        try:
            return await self._content.readany()
        except NETWORK_ERRORS as error:
            raise network_failure(error) from None

    def at_eof(self) -> bool:
        return self._content.at_eof()

    def release(self) -> None:
        self._response.release()

    def close(self) -> None:
        self._response.close()


class SessionRoute:
    """Requests to one URL through the session; see `Route`. Routes are made in threads, and the session in its loop."""

    def __init__(
        self,
        session: Callable[[], aiohttp.ClientSession],
        url: URL,
        headers: Mapping[str, str],
        *,
        proxy: URL | None,
        connect_timeout_s: float,
    ) -> None:
        self._session = session
        self._url = url
        self._headers = headers
        self._proxy = proxy
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout_s)

    async def get(self) -> SessionResponse:
        return await self._sent("GET", None, self._headers)

    async def post(self, data: bytes, more_headers: Mapping[str, str]) -> SessionResponse:
        headers = CIMultiDict({**self._headers, **more_headers}) if more_headers else self._headers
        return await self._sent("POST", data, headers)

    async def _sent(self, method: str, data: bytes | None, headers: Mapping[str, str]) -> SessionResponse:
        while True:
            _connected.set(False)
            try:
                response = await self._session().request(
                    method,
                    self._url,
                    data=data,
                    headers=headers,
                    timeout=self._timeout,
                    allow_redirects=False,
                    proxy=self._proxy,
                )
            except NETWORK_ERRORS as error:
                # A provider that closes a new connection may have started an answer, which must not be paid twice.
                died_idle = isinstance(error, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError))
                if _connected.get() or not died_idle:
                    raise network_failure(error) from None
            else:
                return SessionResponse(response)


def network_failure(error: BaseException) -> ProviderError:
    """Return the error for one of `NETWORK_ERRORS`."""
    match error:
        case aiohttp.ServerTimeoutError():
            return ProviderError("timeout_connect", f"no connection in time: {error}")
        case aiohttp.ClientSSLError():
            at = f"{error.host}:{error.port}"
            return ProviderError("connect", f"cannot connect to {at} with TLS: {tls.reason(error.os_error)}")
        case aiohttp.ClientConnectorError():
            via = "the HTTP proxy " if isinstance(error, aiohttp.ClientProxyConnectionError) else ""
            number = error.os_error.errno
            reason = os.strerror(number) if number and number > 0 else str(error.os_error)
            return ProviderError("connect", f"cannot connect to {via}{error.host}:{error.port}: {reason}")
        case aiohttp.ClientHttpProxyError():
            return ProviderError("connect", f"the HTTP proxy refuses with {error.status}: {error.message}")
        case aiohttp.ClientConnectionError() | ConnectionError():
            return ProviderError("connect", str(error) or type(error).__name__)
        case aiohttp.ClientPayloadError(__cause__=ContentEncodingError()):
            return ProviderError("protocol", "the answer cannot be decompressed")
        case aiohttp.ClientPayloadError():
            return ProviderError("connect", "the connection broke in the middle of the answer")
        case aiohttp.ClientResponseError(status=code) if code // 100 == 1:
            return ProviderError("protocol", f"responds with {code}{error.message}", status=code)
        case aiohttp.ClientResponseError():
            words = error.message.partition("\n")[0].partition(". Please install")[0].rstrip(": ")
            return ProviderError("protocol", f"not an HTTP response: {words}")
        case _:
            return ProviderError("protocol", str(error) or type(error).__name__)
