"""Send a model of one provider questions directly, and collect its raw answers: nothing is filtered or repaired."""

import asyncio
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp

from coderouter_proxy.answer import Changes, Usage
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.errors import ProviderError, StreamBrokeOff
from coderouter_proxy.providers.http_provider import HttpProvider, api_key
from coderouter_proxy.relay.relay import Relay
from coderouter_proxy.request import Body, ClientRequest
from coderouter_proxy.routing.capabilities import ModelCapabilities
from coderouter_proxy.wires.anthropic.provider import AnthropicProvider
from coderouter_proxy.wires.deltas import Arguments, Delta, Reader, Text, Thinking, ToolCall
from coderouter_proxy.wires.openai.provider import OpenAIProvider
from coderouter_proxy.wires.provider import ProviderWire

ANSWER_BYTES_MAX = 1024 * 1024
NO_LIMIT_S = 3600.0
ANSWER_TOKENS_MAX = 1024  # enough for a model that thinks before a short answer


@dataclass(kw_only=True)
class Heard:
    """What a model answered. `calls` has the name and the JSON text of the arguments of each tool call.

    `stop_reason` is in Anthropic's words; a stream that broke off has none and is not `complete`. `raw` is an answer
    that was not streamed, as it came.
    """

    text: str = ""
    thinking: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    stop_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    complete: bool = False
    raw: Body = field(default_factory=dict)
    duration_s: float = 0.0

    @property
    def input_tokens(self) -> int | None:
        """Tokens of the prompt that the provider says it read, cached or not."""
        told = (self.usage.input_tokens, self.usage.cache_read_tokens, self.usage.cache_creation_tokens)
        return None if told[0] is None else sum(tokens or 0 for tokens in told)

    def add(self, deltas: list[Delta]) -> None:
        for delta in deltas:
            match delta:
                case Text():
                    self.text += delta.text
                case Thinking():
                    self.thinking += delta.text
                case ToolCall():
                    self.calls.append((delta.name, ""))
                case Arguments() if self.calls:
                    name, arguments = self.calls[-1]
                    self.calls[-1] = (name, arguments + delta.text)


class _Collect:
    """Takes an answer for itself: what would go to a client is put into a `Heard`."""

    def __init__(self, reader: Reader, heard: Heard) -> None:
        self._reader = reader
        self._heard = heard
        self._size = 0

    def changes(self) -> Changes:
        return Changes()

    def concerns(self, events: bytes) -> bool:
        return True

    def chunk(self, event: bytes, chunk: Body) -> bytes:
        self._size += len(event)
        if self._size > ANSWER_BYTES_MAX:
            raise ProviderError("protocol", f"the stream continues after {ANSWER_BYTES_MAX} bytes")
        self._heard.add(self._reader.read(chunk))
        return b""

    def comment(self, event: bytes) -> bytes:
        return b""

    def last(self, event: bytes) -> bytes:
        return b""

    def end(self, usage: Usage, *, ended: bool) -> bytes:
        self._heard.complete = ended
        return self._over(usage)

    def whole(self, body: bytes, decoded: Body, usage: Usage) -> bytes:
        self._heard.raw = decoded
        self._heard.complete = True
        self._heard.add(self._reader.read(decoded))
        return self._over(usage)

    def _over(self, usage: Usage) -> bytes:
        self._heard.add(self._reader.end())
        self._heard.stop_reason = self._reader.stop.reason
        self._heard.usage = usage
        return b""


class Model:
    """The model of a provider that is reached over HTTP; `heard` is all that it has answered."""

    def __init__(
        self,
        provider: Provider,
        known: ModelCapabilities,
        session: aiohttp.ClientSession,
        timeout_s: float | None = None,
    ) -> None:
        self.provider = provider
        self.known = known
        self.timeout_s = timeout_s or provider.timeout_s
        self.heard: list[Heard] = []
        self._session = session
        self._wire: ProviderWire = AnthropicProvider() if provider.kind == "anthropic" else OpenAIProvider()

    @property
    def key(self) -> str:
        return api_key(self.provider)

    async def ask(self, words: str, **fields: object) -> Heard:
        """Return the answer to the words; the fields are those of a messages request.

        The request is what the proxy would make of one that Claude Code sends.

        Raises:
            ProviderError: there is no answer, or it is not over within `timeout_s`.
        """
        message = {"role": "user", "content": words}
        body: Body = {"model": self.provider.model, "messages": [message], **fields}
        request = ClientRequest(
            request_id=f"req_{secrets.token_hex(12)}",
            ingress="anthropic",
            body=body,
            raw=b"",
            headers={},
            stream=body.get("stream") is True,
        )
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self.timeout_s):
                heard = await self._answer(request)
        except TimeoutError:
            raise ProviderError(
                "timeout_first_byte", f"no whole answer within {self.timeout_s:g} s"
            ) from None
        heard.duration_s = time.perf_counter() - started
        self.heard.append(heard)
        return heard

    async def _answer(self, request: ClientRequest) -> Heard:
        heard = Heard()

        def collect(wire: ProviderWire, request: ClientRequest) -> Relay:
            return Relay(wire, _Collect(wire.reader(), heard))

        client = HttpProvider(
            self.provider, self._wire, collect, self._session, answer_bytes_max=ANSWER_BYTES_MAX
        )
        # The time limit is one for the whole answer, kept by the caller.
        plain = Profile(name="doctor", providers=[self.provider.name], timeout_s=NO_LIMIT_S)
        attempt = await client.attempt(request, plain, lambda _: None)
        if attempt.answer is None:
            assert attempt.error is not None
            raise attempt.error
        with suppress(StreamBrokeOff):  # which `complete` shows
            async for _ in attempt.answer.pieces:
                pass
        return heard
