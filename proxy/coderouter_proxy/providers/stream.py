"""One streamed response of a provider, from its header to its end."""

import asyncio
from collections.abc import AsyncGenerator

import aiohttp

from coderouter_proxy.answer import AnswerLog
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.errors import ProviderError, StreamBrokeOff
from coderouter_proxy.providers import http
from coderouter_proxy.relay.relay import Relay
from coderouter_proxy.wires import sse
from coderouter_proxy.wires.provider import ProviderWire

DRAIN_S = 1.0


class ProviderStream:
    def __init__(
        self, response: aiohttp.ClientResponse, provider: Provider, wire: ProviderWire, relay: Relay
    ) -> None:
        self._response = response
        self._wire = wire
        self._relay = relay
        self._chunks = http.Chunks(response, provider)
        self._buffer = sse.EventBuffer()
        self._complete = False

    async def first_content(self) -> bytes:
        """Return all events up to the first content, and possibly more.

        They are held back until then, so that an earlier error can still fall back.

        Raises:
            ProviderError: the stream ended before any content, or it is not a stream.
        """
        prelude = bytearray()
        while data := await self._chunks.next():
            events = self._whole_events(data)
            prelude += events
            if len(prelude) > sse.BUFFER_BYTES_MAX:
                raise ProviderError("protocol", f"no content within {sse.BUFFER_BYTES_MAX} bytes")
            if any(self._has_content(data) for _, data in sse.split(events)):
                self._chunks.flows()
                return bytes(prelude)
        if self._buffer.rest.strip():
            self._wire.decoded(self._buffer.rest)
            raise ProviderError("protocol", "not a stream: a whole JSON body")
        raise ProviderError("empty", "the stream ended before any content")

    async def pieces(self, events: bytes) -> AsyncGenerator[bytes]:
        """Yield what the client gets for these events and for all that follow.

        Raises:
            ProviderError: the provider failed, or its stream broke off.
        """
        relay = self._relay
        try:
            while True:
                relayed, error = relay.feed(events)
                if relayed:
                    yield relayed
                if error is not None:
                    raise error
                if relay.ended:
                    break
                data = await self._chunks.next()
                if not data:
                    break
                events = self._whole_events(data)
            if not relay.ended and not relay.has_stop_reason:
                raise StreamBrokeOff
            if last := relay.end():
                yield last
            self._complete = True
            await self._drain()
        finally:
            self.close()

    def log(self) -> AnswerLog:
        return self._relay.log(complete=self._complete)

    def close(self) -> None:
        self._chunks.close()

    def _has_content(self, data: bytes) -> bool:
        if not data or self._wire.is_end(data):
            return False
        return self._wire.has_content(self._wire.decoded(data))

    def _whole_events(self, data: bytes) -> bytes:
        try:
            return self._buffer.feed(data)
        except sse.TooLong:
            raise ProviderError("protocol", f"an event is longer than {sse.BUFFER_BYTES_MAX} bytes") from None

    async def _drain(self) -> None:
        """Read the end of the response, so that its connection can serve the next request."""
        try:
            async with asyncio.timeout(DRAIN_S):
                while await self._response.content.readany():
                    pass
        except (TimeoutError, *http.NETWORK_ERRORS):
            return
        self._response.release()


async def single(body: bytes) -> AsyncGenerator[bytes]:
    """Yield a complete answer as the only piece."""
    yield body
