"""How requests reach providers: plain HTTP through our own client, all else through aiohttp.

Our own client takes a third of the time, and only a server on this machine or network is reached without TLS.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

from yarl import URL

from coderouter_proxy.config.headers import can_hold
from coderouter_proxy.providers.plain_http.pool import Pool
from coderouter_proxy.providers.plain_http.response import PlainResponse
from coderouter_proxy.providers.response import USER_AGENT, Route

if TYPE_CHECKING:
    import aiohttp


class Transport:
    """The connections of all providers; a context that closes them at its end."""

    def __init__(self) -> None:
        self._plain = Pool()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._plain.close()
        if self._session is not None:
            await self._session.close()

    @property
    def session(self) -> "aiohttp.ClientSession":
        """Requests that need TLS, a proxy, or another method than POST."""
        if self._session is None:
            from coderouter_proxy.providers.http import new_session  # noqa: PLC0415 - memory and time that few need

            self._session = new_session()
        return self._session

    def route(
        self, url: URL, headers: Mapping[str, str], *, proxy: URL | None, connect_timeout_s: float
    ) -> Route:
        """Return the route to this URL; each request has these headers.

        Raises:
            ValueError: a header cannot be sent.
        """
        if url.scheme == "http" and proxy is None and not url.user:
            return _PlainRoute(self._plain, url, headers, connect_timeout_s)
        from coderouter_proxy.providers.http import SessionRoute  # noqa: PLC0415

        return SessionRoute(
            lambda: self.session, url, headers, proxy=proxy, connect_timeout_s=connect_timeout_s
        )


class _PlainRoute:
    def __init__(self, pool: Pool, url: URL, headers: Mapping[str, str], connect_timeout_s: float) -> None:
        assert url.host is not None
        self._pool = pool
        self._address = (url.raw_host or url.host, url.port or 80)
        self._connect_timeout_s = connect_timeout_s
        self._names = {name.lower() for name in headers}
        own = {
            "Host": url.host_port_subcomponent or url.host,
            "User-Agent": USER_AGENT,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
        }
        usual = {name: value for name, value in own.items() if name.lower() not in self._names}
        start = f"POST {url.raw_path_qs} HTTP/1.1\r\n"
        self._headers = headers
        self._usual = start + _fields(usual)
        self._head = (self._usual + _fields(headers)).encode("utf-8")

    async def post(self, data: bytes, more_headers: Mapping[str, str]) -> PlainResponse:
        head = self._head
        if more_headers:
            replaced = {name.lower() for name in more_headers}
            kept = {name: value for name, value in self._headers.items() if name.lower() not in replaced}
            head = (self._usual + _fields({**kept, **more_headers})).encode("utf-8")
        head = b"%bContent-Length: %d\r\n\r\n" % (head, len(data))
        return await self._pool.post(self._address, head, data, self._connect_timeout_s)

    async def get(self) -> PlainResponse:
        head = b"GET%b\r\n" % self._head.removeprefix(b"POST")
        return await self._pool.post(self._address, head, b"", self._connect_timeout_s)


def _fields(headers: Mapping[str, str]) -> str:
    for name, value in headers.items():
        if not can_hold(name + value):
            raise ValueError(f"the header {name!r} holds line breaks or characters beyond Latin-1")
    return "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
