"""Ask the model of one provider directly, and hear its raw answer: nothing is filtered or repaired on the way."""

import asyncio
import secrets
import time
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from coderouter_proxy.answer import Answer, Usage
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers import http
from coderouter_proxy.providers.http_provider import HttpProvider
from coderouter_proxy.relay.text_edits import AnswerPolicy
from coderouter_proxy.request import Body, Call
from coderouter_proxy.routing.capabilities import ModelCapabilities
from coderouter_proxy.wires import sse
from coderouter_proxy.wires.anthropic.provider import AnthropicProvider
from coderouter_proxy.wires.deltas import Arguments, Delta, Reader, Text, Thinking, ToolCall
from coderouter_proxy.wires.openai.provider import OpenAIProvider
from coderouter_proxy.wires.provider import ProviderWire

ANSWER_TOKENS_MAX = 1024  # enough for a model that thinks before a short answer
ANSWER_BYTES_MAX = 1024 * 1024


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
        self._dialect: ProviderWire = (
            AnthropicProvider() if provider.kind == "anthropic" else OpenAIProvider()
        )
        self._adapter = HttpProvider(provider, self._dialect, AnswerPolicy(), session)
        self._url = URL(self._dialect.url(provider))

    @property
    def key(self) -> str:
        return self._adapter.key

    async def ask(self, words: str, **fields: object) -> Heard:
        """Return the answer to the words; the fields are those of a messages request.

        The request is what the proxy would make of one that Claude Code sends.

        Raises:
            ProviderError: there is no answer, or it is not over within `timeout_s`.
        """
        message = {"role": "user", "content": words}
        body: Body = {"model": self.provider.model, "messages": [message], **fields}
        call = Call(
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
                heard = await self._answer(call)
        except TimeoutError:
            raise ProviderError(
                "timeout_first_byte", f"no whole answer within {self.timeout_s:g} s"
            ) from None
        heard.duration_s = time.perf_counter() - started
        self.heard.append(heard)
        return heard

    async def _answer(self, call: Call) -> Heard:
        nothing = Profile(name="doctor", providers=[self.provider.name])
        body = self._dialect.request(call, self.provider, nothing, lambda _: None)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self.provider.connect_timeout_s)
        response = await self._adapter.post(call, self._url, body, timeout)
        async with response:
            return await (self._streamed if call.stream else self._whole)(response)

    async def _whole(self, response: aiohttp.ClientResponse) -> Heard:
        data = await http.read_all(response, ANSWER_BYTES_MAX)
        if len(data) > ANSWER_BYTES_MAX:
            raise ProviderError("protocol", f"the answer is longer than {ANSWER_BYTES_MAX} bytes")
        decoded = self._dialect.decoded(data)
        self._dialect.check_whole(decoded)
        heard, answer, reader = Heard(complete=True, raw=decoded), Answer(), self._dialect.reader()
        self._hear(decoded, heard, answer, reader)
        return _ended(heard, answer, reader)

    async def _streamed(self, response: aiohttp.ClientResponse) -> Heard:
        heard, answer, reader = Heard(), Answer(), self._dialect.reader()
        buffer, size, has_events = sse.EventBuffer(), 0, False
        while not heard.complete and (data := await _next(response)):
            size += len(data)
            if size > ANSWER_BYTES_MAX:
                raise ProviderError("protocol", f"the stream goes on after {ANSWER_BYTES_MAX} bytes")
            for _, said in sse.split(buffer.feed(data)):
                has_events = has_events or bool(said)
                if self._dialect.ends(said):
                    heard.complete = True
                elif said:
                    self._hear(self._dialect.decoded(said), heard, answer, reader)
        if not has_events:
            if buffer.rest.strip():
                self._dialect.decoded(buffer.rest)
                raise ProviderError("protocol", "not a stream: a whole JSON body")
            raise ProviderError("empty", "the stream ended before any content")
        return _ended(heard, answer, reader)

    def _hear(self, decoded: Body, heard: Heard, answer: Answer, reader: Reader) -> None:
        self._dialect.note(answer, decoded)
        heard.add(reader.read(decoded))


async def _next(response: aiohttp.ClientResponse) -> bytes:
    try:
        return await response.content.readany()
    except http.NETWORK_ERRORS as error:
        raise http.network_failure(error) from None


def _ended(heard: Heard, answer: Answer, reader: Reader) -> Heard:
    heard.add(reader.end())
    heard.usage = answer.usage
    heard.stop_reason = reader.stop.reason
    return heard
