"""The API of one provider: its keys, the routes to its URLs, and the JSON that it reports."""

from collections.abc import Mapping
from functools import partial

import orjson
from multidict import CIMultiDict
from yarl import URL

from coderouter_proxy import aside
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.providers import response as http_response
from coderouter_proxy.providers.credentials import http_proxy, own_headers, passwords
from coderouter_proxy.providers.keys import Keys
from coderouter_proxy.providers.response import Response, Route
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.request import Body
from coderouter_proxy.wires.provider import ProviderWire

ROUTES_MAX = 32
JSON_BYTES_MAX = 8 * 1024 * 1024  # Ollama lists all tensors, and llama.cpp has its chat template in it
NOT_READY = frozenset({408, 425, 429, 500, 502, 503, 504})  # llama.cpp says 503 while it loads a model


class Endpoint:
    """Model requests go to `url`; other requests have URLs of their own."""

    def __init__(self, provider: Provider, wire: ProviderWire, transport: Transport, url: str) -> None:
        self.keys = Keys(provider)
        self._provider = provider
        self._wire = wire
        self._transport = transport
        self._url = url
        self._other_secrets = passwords(provider)
        self._proxy = http_proxy(provider)
        self._routes: dict[str, Route] = {}
        """By the key that they send; of a provider with a file of keys there may be old ones."""
        self.route(self.keys.pick().key)

    @property
    def secrets(self) -> tuple[str, ...]:
        return (*self.keys.secrets, *self._other_secrets)

    def route(self, key: str) -> Route:
        """Return the route of model requests with this key."""
        route = self._routes.get(key)
        if route is None:
            if len(self._routes) >= ROUTES_MAX:
                self._routes.clear()
            route = self._routes[key] = self._route_to(self._url, key)
        return route

    def route_to(self, url: str, more_headers: Mapping[str, str] | None = None) -> Route:
        """Return a route to another URL, with the key to send now."""
        return self._route_to(url, self.keys.pick().key, more_headers)

    async def fetched(self, url: str, body: Body | None) -> object:
        """Return the JSON of the URL, which gets the body if there is one; None if the server does not know the path.

        Raises:
            ProviderError: it cannot be reached, or is not ready.
        """
        route = self.route_to(url, {"Accept": "application/json"})
        response = await (route.get() if body is None else route.post(orjson.dumps(body), {}))
        if response.status // 100 != 2:
            refused = await http_response.refused(response)
            if response.status in NOT_READY:
                raise refused
            return None
        data = await body_of(response, JSON_BYTES_MAX)
        try:
            return await aside.unless_small(
                len(data), aside.ANSWER_BYTES_INLINE_MAX, partial(orjson.loads, data)
            )
        except orjson.JSONDecodeError:
            return None

    def _route_to(self, url: str, key: str, more_headers: Mapping[str, str] | None = None) -> Route:
        headers = CIMultiDict({"Content-Type": "application/json"})
        headers.update(own_headers(self._provider, self._wire, key))
        headers.update(more_headers or {})
        return self._transport.route(
            URL(url),
            headers,
            proxy=self._proxy,
            connect_timeout_s=self._provider.connect_timeout_s,
        )


async def post(route: Route, data: bytes, more_headers: Mapping[str, str]) -> Response:
    """Return the response to the data.

    Raises:
        ProviderError: there is none, or it is a refusal.
    """
    response = await route.post(data, more_headers)
    if response.status // 100 != 2:
        raise await http_response.refused(response)
    return response


async def body_of(response: Response, bytes_max: int) -> bytes:
    """Return the whole body, or its first `bytes_max` + 1 bytes if it is longer; then release the connection."""
    try:
        return await http_response.read_all(response, bytes_max)
    finally:
        response.release()
