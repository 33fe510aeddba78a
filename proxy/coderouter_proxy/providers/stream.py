"""One streamed response of a provider, from its header to its end."""

import asyncio
from collections.abc import AsyncGenerator

from coderouter_proxy import aside
from coderouter_proxy.answer import STARTED, AnswerLog
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.errors import ProviderError, StreamBrokeOff
from coderouter_proxy.providers.response import ANSWER_BYTES_MAX, Chunks, Response
from coderouter_proxy.relay.relay import Relay
from coderouter_proxy.wires import sse

DRAIN_S = 1.0


class ProviderStream:
    def __init__(
        self,
        response: Response,
        provider: Provider,
        relay: Relay,
        *,
        body_bytes_max: int = ANSWER_BYTES_MAX,
    ) -> None:
        self._response = response
        self._relay = relay
        self._chunks = Chunks(response, provider)
        self._buffer = sse.EventBuffer()
        self._body_bytes_max = body_bytes_max
        self._error: ProviderError | None = None
        self._complete = False

    async def first_content(self) -> bytes:
        """Return what the client gets for all events up to the first content, and possibly more.

        It is held back until then, so that an earlier error can still fall back. A server that answers with a whole
        JSON body has its content in one piece.

        Raises:
            ProviderError: the stream ended before any content, or it is not a stream.
        """
        prelude = bytearray()
        received = 0
        is_body = False
        while data := await self._chunks.next():
            events = self._whole_events(data)
            if self._buffer.first in (b"{", b"["):
                events = sse.from_json(await self._rest_of_body(events + self._buffer.rest))
                self._buffer = sse.EventBuffer()
                is_body = True
            prelude += await self._first_relayed(events)
            received += len(events)
            if self._relay.has_content:
                self._chunks.flows()
                return bytes(prelude)
            if self._relay.ended:
                raise ProviderError("empty", "the stream ended before any content")
            if received > sse.BUFFER_BYTES_MAX:
                raise ProviderError("protocol", f"no content within {sse.BUFFER_BYTES_MAX} bytes")
        if rest := self._buffer.rest.strip():
            prelude += await self._first_relayed(rest + b"\n\n")
            if not self._relay.has_content:
                raise ProviderError("protocol", "neither a stream nor a JSON object")
            self._buffer = sse.EventBuffer()
            return bytes(prelude)
        if is_body:
            raise ProviderError("protocol", "a JSON body without an answer")
        raise ProviderError("empty", "the stream ended before any content")

    async def pieces(self, first: bytes) -> AsyncGenerator[bytes]:
        """Yield `STARTED` and what the client gets: what `first_content` returned, and all that follows.

        Raises:
            ProviderError: the provider failed, or its stream broke off.
        """
        relay = self._relay
        try:
            yield STARTED
            if first:
                yield first
            while self._error is None and not relay.ended and (data := await self._chunks.next()):
                events = self._whole_events(data)
                if not events:
                    continue
                relayed, self._error = await self._fed(events)
                if relay.moved:
                    relay.moved = False
                    self._chunks.moved()
                if relayed:
                    yield relayed
            rest = b"" if self._error or relay.ended else self._buffer.rest.strip()
            if rest:
                relayed, error = await self._fed(rest + b"\n\n")
                self._error = None if relay.has_stop_reason else error
                if relayed:
                    yield relayed
            if self._error is not None:
                raise self._error
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

    async def _first_relayed(self, events: bytes) -> bytes:
        relayed, error = await self._fed(events)
        if error is not None and not self._relay.has_content:
            raise error
        self._error = error
        return relayed

    async def _fed(self, events: bytes) -> tuple[bytes, ProviderError | None]:
        if len(events) <= aside.ANSWER_BYTES_INLINE_MAX:
            return self._relay.feed(events)
        return await asyncio.to_thread(self._relay.feed, events)

    async def _rest_of_body(self, begun: bytes) -> bytes:
        parts = [begun]
        size = len(begun)
        while data := await self._chunks.next():
            parts.append(data)
            size += len(data)
            if size > self._body_bytes_max:
                raise ProviderError("protocol", f"the answer is longer than {self._body_bytes_max} bytes")
        return b"".join(parts)

    def _whole_events(self, data: bytes) -> bytes:
        try:
            return self._buffer.feed(data)
        except sse.TooLong:
            raise ProviderError("protocol", f"an event is longer than {sse.BUFFER_BYTES_MAX} bytes") from None

    async def _drain(self) -> None:
        """Read the end of the response, so that its connection can serve the next request."""
        response = self._response
        try:
            if not response.at_eof():
                async with asyncio.timeout(DRAIN_S):
                    while await response.readany():
                        pass
        except (TimeoutError, ProviderError):
            return
        response.release()


async def single(body: bytes) -> AsyncGenerator[bytes]:
    """Yield a complete answer as the only piece."""
    yield body
