"""Sending requests to one provider over HTTP, whatever wire it speaks."""

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial

import orjson

from coderouter_http.deadlines import Deadlines, TimeLimit
from coderouter_proxy import aside
from coderouter_proxy.answer import Answer, Attempt, started
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers import response as http_response
from coderouter_proxy.providers import windows
from coderouter_proxy.providers.endpoint import Endpoint, body_of, post
from coderouter_proxy.providers.keys import NO_KEY
from coderouter_proxy.providers.response import ANSWER_BYTES_MAX, ERROR_BODY_BYTES_MAX, Response, Route
from coderouter_proxy.providers.stream import ProviderStream, single
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.providers.windows import Window
from coderouter_proxy.relay import whole
from coderouter_proxy.relay.relay import Relay
from coderouter_proxy.request import Body, ClientRequest
from coderouter_proxy.wires.client import named_model
from coderouter_proxy.wires.provider import Drop, ProviderWire
from coderouter_proxy.wires.token_report import TokenReport

RelayFor = Callable[[ProviderWire, ClientRequest], Relay]

COUNT_TIMEOUT_S = 10  # a later count is worth less than an estimate
NOT_COUNTED = frozenset(
    {
        "max_tokens",
        "stream",
        "temperature",
        "top_p",
        "top_k",
        "stop_sequences",
        "metadata",
        "service_tier",
    }
)


class HttpProvider:
    """One provider. `relay_for` returns the relay of an answer; in the proxy, to the client's wire.

    Requests go to the `url`; by default, to that of the wire.
    """

    def __init__(
        self,
        provider: Provider,
        wire: ProviderWire,
        relay_for: RelayFor,
        traits: ProviderTraits,
        transport: Transport,
        *,
        answer_bytes_max: int = ANSWER_BYTES_MAX,
        url: str | None = None,
    ) -> None:
        self.provider = provider
        self.wire = wire
        self.traits = traits
        self._relay_for = relay_for
        self._answer_bytes_max = answer_bytes_max
        self._deadlines_of: dict[float, Deadlines] = {}
        """By their seconds: those of the provider, and of profiles with their own."""
        self._endpoint = Endpoint(provider, wire, transport, url or wire.url(provider))

    @property
    def secrets(self) -> tuple[str, ...]:
        return self._endpoint.secrets

    async def attempt(
        self,
        request: ClientRequest,
        profile: Profile,
        traits: ProviderTraits,
        drop: Drop,
        refused: ProviderError | None = None,
    ) -> Attempt:
        timeout_s = self._timeout_s(request, profile)
        started = time.perf_counter()
        answer: Answer | None = None
        failed: ProviderError | None = None
        keys, picked = self._endpoint.keys, NO_KEY
        other_key = False
        try:
            data = await aside.unless_small(
                len(request.raw),
                aside.REQUEST_BYTES_INLINE_MAX,
                lambda: _encoded(self._body(request, profile, traits, drop, refused)),
            )
            headers = self._more_headers(request, traits)
            picked = keys.pick()
            route = self._endpoint.route(picked.key)
            started = time.perf_counter()
            send = self._stream if request.stream else self._whole
            answer = await send(request, route, data, headers, timeout_s)
        except ProviderError as error:
            answer, failed = self._from_failed_generation(request, error), error
            other_key = keys.refused(picked, error)
        except TimeoutError:
            failed = ProviderError("timeout_first_byte", f"no content within {timeout_s:g} s")
        return Attempt(
            waited_s=time.perf_counter() - started,
            answer=answer,
            error=None if answer else failed,
            key_index=picked.index,
            other_key=other_key,
        )

    def _deadlines(self, timeout_s: float) -> Deadlines:
        deadlines = self._deadlines_of.get(timeout_s)
        if deadlines is None:
            deadlines = self._deadlines_of[timeout_s] = Deadlines(timeout_s)
        return deadlines

    def _timeout_s(self, request: ClientRequest, profile: Profile) -> float:
        """Return the seconds to the first content of a stream, or to a complete answer."""
        timeout_s = profile.timeout_s if profile.timeout_s is not None else self.provider.timeout_s
        until_next_s = self.provider.ttft_timeout_s
        if until_next_s is None or not request.stream or profile.names[-1] == self.provider.name:
            return timeout_s
        return min(timeout_s, until_next_s)

    def written(
        self,
        request: ClientRequest,
        profile: Profile,
        traits: ProviderTraits,
        refused: ProviderError | None = None,
    ) -> object:
        body = self._body(request, profile, traits, _not_reported, refused)
        return body, self._more_headers(request, traits)

    def runs_hosted_tools(self, request: ClientRequest) -> bool:
        return self.wire.ingress == request.ingress and self.wire.is_vendors_own(self.provider)

    def may_have(self, request: ClientRequest) -> bool:
        return self.wire.ingress == request.ingress

    async def count_tokens(self, request: ClientRequest, profile: Profile) -> int | None:
        url = self.wire.count_tokens_url(self.provider)
        if url is None:
            return None
        try:
            data = await aside.unless_small(
                len(request.raw), aside.REQUEST_BYTES_INLINE_MAX, partial(self._counted, request, profile)
            )
            headers = self._more_headers(request, self.traits)
            async with asyncio.timeout(COUNT_TIMEOUT_S):
                response = await post(self._endpoint.route_to(url), data, headers)
                answer = orjson.loads(await body_of(response, ERROR_BODY_BYTES_MAX))
        except (ProviderError, TimeoutError, orjson.JSONDecodeError):
            return None
        return TokenReport().count(answer, "input_tokens")

    async def context_window(self) -> Window:
        models_url = self.wire.models_url(self.provider).partition("?")[0]
        return await windows.reported(
            self.provider.base_url, self.provider.model, models_url, self._endpoint.fetched
        )

    def _counted(self, request: ClientRequest, profile: Profile) -> bytes:
        body = self.wire.request(request, self.provider, profile, self.traits, _not_reported)
        return _encoded({name: value for name, value in body.items() if name not in NOT_COUNTED})

    def _body(
        self,
        request: ClientRequest,
        profile: Profile,
        traits: ProviderTraits,
        drop: Drop,
        refused: ProviderError | None,
    ) -> Body:
        body = self.wire.request(request, self.provider, profile, traits, drop)
        degraded = self.wire.degraded_retry(body, refused, drop) if refused is not None else None
        return body if degraded is None else degraded

    def _more_headers(self, request: ClientRequest, traits: ProviderTraits) -> Mapping[str, str]:
        """Return the client's headers that this provider understands, without the flags that it refuses."""
        headers = self.wire.forwarded_request_headers(request)
        if not traits.refused_fields:
            return headers
        kept = {
            name: ",".join(flag for flag in value.split(",") if flag.strip() not in traits.refused_fields)
            for name, value in headers.items()
            if name not in traits.refused_fields
        }
        return {name: value for name, value in kept.items() if value}

    async def _whole(
        self, request: ClientRequest, route: Route, sent: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> Answer:
        with TimeLimit(self._deadlines(timeout_s)):
            response = await post(route, sent, headers)
            data = await body_of(response, self._answer_bytes_max)
        if len(data) > self._answer_bytes_max:
            raise ProviderError("protocol", f"the answer is longer than {self._answer_bytes_max} bytes")
        return await self._relayed(request, data, response)

    async def _relayed(self, request: ClientRequest, data: bytes, response: Response) -> Answer:
        relay = self._relay_for(self.wire, request)
        relayed = await aside.unless_small(
            len(data), aside.ANSWER_BYTES_INLINE_MAX, partial(whole.relayed, data, self.wire, relay)
        )
        log = relay.log()
        return Answer(pieces=relayed, log=lambda: log, headers=self._forwarded(request, response))

    async def _stream(
        self, request: ClientRequest, route: Route, sent: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> Answer:
        with TimeLimit(self._deadlines(timeout_s)):
            response = await post(route, sent, headers)
            try:
                relay = self._relay_for(self.wire, request)
                stream = ProviderStream(response, self.provider, relay, body_bytes_max=self._answer_bytes_max)
                pieces = await started(stream.pieces(await stream.first_content()))
            except BaseException:
                response.close()
                raise
        return Answer(pieces=pieces, log=stream.log, headers=self._forwarded(request, response))

    def _forwarded(self, request: ClientRequest, response: Response) -> list[tuple[bytes, bytes]]:
        """Return the response's headers that the client gets: those of an API that is not its own say nothing to it."""
        if request.ingress != self.wire.ingress:
            return []
        return http_response.forwarded(response, self.wire.forwarded_response_headers)

    def _from_failed_generation(self, request: ClientRequest, error: ProviderError) -> Answer | None:
        """Return the answer that the text in a refusal holds: tool calls that the server could not read."""
        if error.failed_generation is None:
            return None
        relay = self._relay_for(self.wire, request)
        said = self.wire.saying(error.failed_generation, self.provider.model or named_model(request.body))
        try:
            relayed = whole.sent(said, self.wire, relay, stream=request.stream)
        except ProviderError:
            return None
        log = relay.log(complete=True)
        pieces = single(relayed) if request.stream else relayed
        return Answer(pieces=pieces, log=lambda: log) if log.changes.repaired else None


def _encoded(body: Body) -> bytes:
    """Return the body as JSON.

    Raises:
        ProviderError: it cannot be written.
    """
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:  # orjson reads deeper nesting than it writes
        raise ProviderError(
            "protocol", f"the body cannot be sent on: {error}", retryable=False, about_request=True
        ) from None


def _not_reported(name: str) -> None:
    """A count or a comparison is not an answer: what it leaves out is no loss to the client."""
