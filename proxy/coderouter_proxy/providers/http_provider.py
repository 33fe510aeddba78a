"""Ask one provider over HTTP, whatever wire it speaks."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Mapping

import aiohttp
import orjson
from multidict import CIMultiDict
from yarl import URL

from coderouter_proxy.answer import Answer
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers import http
from coderouter_proxy.relay.choose import carrier
from coderouter_proxy.relay.relays import Carrier
from coderouter_proxy.relay.text_edits import AnswerPolicy
from coderouter_proxy.request import Body, Call
from coderouter_proxy.wires import sse
from coderouter_proxy.wires.provider import Drop, ProviderWire

UPSTREAM_REQUEST_ID = "x-upstream-request-id"


class HttpProvider:
    """One provider; answers come on the client's wire."""

    def __init__(
        self, provider: Provider, dialect: ProviderWire, rules: AnswerPolicy, session: aiohttp.ClientSession
    ) -> None:
        self.provider = provider
        self.dialect = dialect
        self._rules = rules
        self.key = os.environ.get(provider.api_key_env, "").strip() if provider.api_key_env else ""
        self._session = session
        self._timeouts: dict[float | None, aiohttp.ClientTimeout] = {}
        self._url = URL(dialect.url(provider))
        self._headers = CIMultiDict({"Content-Type": "application/json", **dialect.headers(self.key)})

    async def open(self, call: Call, profile: Profile, drop: Drop) -> Answer:
        """Return the answer as soon as its first content is there; `drop` is told what the provider does not get.

        Raises:
            ProviderError: before that.
        """
        timeout_s = profile.timeout_s if profile.timeout_s is not None else self.provider.timeout_s
        body = self.dialect.request(call, self.provider, profile, drop)
        started = time.perf_counter()
        try:
            try:
                return await self._ask(call, body, timeout_s)
            except ProviderError as failure:
                better = self.dialect.second_request(body, failure, drop)
                if better is None:
                    raise
            return await self._ask(call, better, timeout_s)
        except TimeoutError:
            raise ProviderError("timeout_first_byte", f"no content within {timeout_s:g} s") from None
        finally:
            call.waited_s += time.perf_counter() - started

    async def post(
        self, call: Call, url: URL, body: Body, timeout: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        """Return the response to the body, with the client's headers that this provider understands.

        Raises:
            ProviderError, TimeoutError: as `upstream.post` does.
        """
        try:
            data = orjson.dumps(body)
        except orjson.JSONEncodeError as error:  # orjson reads deeper nesting than it writes
            raise ProviderError("protocol", f"the body cannot be sent on: {error}", retryable=False) from None
        more = self.dialect.headers_of(call)
        headers: Mapping[str, str] = CIMultiDict({**self._headers, **more}) if more else self._headers
        return await http.post(self._session, url, headers, data, timeout)

    async def _ask(self, call: Call, body: Body, timeout_s: float) -> Answer:
        return await (self._stream if call.stream else self._whole)(call, body, timeout_s)

    async def _whole(self, call: Call, body: Body, timeout_s: float) -> Answer:
        response = await self.post(call, self._url, body, self._timeout(timeout_s))
        async with response:
            data = await http.read_all(response, http.ANSWER_BYTES_MAX)
        if len(data) > http.ANSWER_BYTES_MAX:
            raise ProviderError("protocol", f"the answer is longer than {http.ANSWER_BYTES_MAX} bytes")
        decoded = self.dialect.decoded(data)
        self.dialect.check_whole(decoded)
        answer = Answer(headers=self._passed_on(call, response))
        self.dialect.note(answer, decoded)
        answer.pieces = _single(carrier(self.dialect, call, answer, self._rules).whole(data, decoded))
        return answer

    async def _stream(self, call: Call, body: Body, timeout_s: float) -> Answer:
        async with asyncio.timeout(timeout_s):
            response = await self.post(call, self._url, body, self._timeout(None))
            answer = Answer(headers=self._passed_on(call, response))
            stream = _Stream(
                response,
                self.provider,
                self.dialect,
                carrier(self.dialect, call, answer, self._rules),
                answer,
            )
            try:
                answer.pieces = stream.pieces(await stream.begin())
            except BaseException:
                stream.close()
                raise
        return answer

    def _timeout(self, total_s: float | None) -> aiohttp.ClientTimeout:
        """Return the one made before, for making it costs more than looking for it."""
        made = self._timeouts.get(total_s)
        if made is None:
            made = aiohttp.ClientTimeout(total=total_s, sock_connect=self.provider.connect_timeout_s)
            self._timeouts[total_s] = made
        return made

    def _passed_on(self, call: Call, response: aiohttp.ClientResponse) -> list[tuple[bytes, bytes]]:
        """Return what of the response's headers the client gets: its limits, and its name for the request."""
        if call.ingress != self.dialect.ingress:
            return []
        headers = [
            (name.lower().encode(), value.encode("latin-1", "ignore"))
            for name, value in response.headers.items()
            if name.lower().startswith(self.dialect.passed_on)
        ]
        named = response.headers.get("request-id") or response.headers.get("x-request-id")
        if named:
            headers.append((UPSTREAM_REQUEST_ID.encode(), named.encode("latin-1", "ignore")))
        return headers


class _Stream:
    """One streamed response of a provider, from its header to its end."""

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        provider: Provider,
        dialect: ProviderWire,
        carrier: Carrier,
        answer: Answer,
    ) -> None:
        self._response = response
        self._dialect = dialect
        self._carrier = carrier
        self._answer = answer
        self._chunks = http.Chunks(response, provider)
        self._buffer = sse.EventBuffer()

    async def begin(self) -> bytes:
        """Return all events up to the first content and maybe beyond.

        They are held back until then: whatever goes wrong up to here is still retryable.
        """
        prelude = b""
        while data := await self._chunks.next():
            whole = self._whole_events(data)
            prelude += whole
            if any(self._has_content(said) for _, said in sse.split(whole)):
                self._chunks.flows()
                return prelude
        if self._buffer.rest.strip():
            self._dialect.decoded(self._buffer.rest)
            raise ProviderError("protocol", "not a stream: a whole JSON body")
        raise ProviderError("empty", "the stream ended before any content")

    def _has_content(self, data: bytes) -> bool:
        if not data or self._dialect.ends(data):
            return False
        return self._dialect.has_content(self._dialect.decoded(data))

    async def pieces(self, whole: bytes) -> AsyncGenerator[bytes]:
        """Yield what the client gets for these events and for all that follow."""
        try:
            while True:
                carried, failure = self._carrier.feed(whole)
                if carried:
                    yield carried
                if failure is not None:
                    raise failure
                if self._carrier.done:
                    break
                data = await self._chunks.next()
                if not data:
                    break
                whole = self._whole_events(data)
            if not self._carrier.done and self._answer.stop_reason is None:
                raise ProviderError("protocol", "the stream broke off: no stop reason and no end")
            if last := self._carrier.end():
                yield last
            self._answer.complete = True
            await self._finish()
        finally:
            self.close()

    def close(self) -> None:
        self._chunks.close()

    async def _finish(self) -> None:
        """Read the end of the response, so that its connection can serve the next request."""
        try:
            async with asyncio.timeout(1):
                while await self._response.content.readany():
                    pass
        except (TimeoutError, *http.NETWORK_ERRORS):
            return
        self._response.release()

    def _whole_events(self, data: bytes) -> bytes:
        try:
            return self._buffer.feed(data)
        except sse.TooLong:
            raise ProviderError("protocol", f"an event is longer than {sse.BUFFER_BYTES_MAX} bytes") from None


async def _single(body: bytes) -> AsyncGenerator[bytes]:
    yield body
