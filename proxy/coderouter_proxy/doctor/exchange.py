"""Send one request to a provider through the proxy's own provider client, and keep the reply instead of relaying it."""

from contextlib import suppress
from functools import cache

from coderouter_proxy.answer import Changes, Usage
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.doctor.reply import Reply
from coderouter_proxy.errors import ProviderError, StreamBrokeOff
from coderouter_proxy.providers.client import provider_client
from coderouter_proxy.providers.http_provider import HttpProvider
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.relay.relay import Relay
from coderouter_proxy.relay.text import AnswerPolicy
from coderouter_proxy.request import Body, ClientRequest
from coderouter_proxy.routing import capabilities
from coderouter_proxy.routing.capabilities import CapabilityRule
from coderouter_proxy.wires.deltas import Reader
from coderouter_proxy.wires.provider import ProviderWire

REPLY_BYTES_MAX = 1024 * 1024
NO_LIMIT_S = 3600.0  # the caller has a time limit for the whole exchange


def provider_wire(provider: Provider, transport: Transport) -> ProviderWire:
    """Return the wire of a provider that is reached over HTTP."""
    client = provider_client(provider, AnswerPolicy(), ProviderTraits(), transport)
    assert isinstance(client, HttpProvider)
    return client.wire


async def exchange(
    provider: Provider, wire: ProviderWire, request: ClientRequest, transport: Transport
) -> Reply:
    """Return what the provider replies to the request, unedited.

    Raises:
        ProviderError: there is no reply, or the connection broke within it. A stream that ends early is a reply that
            is not complete.
    """
    recorder = _Recorder(wire.reader())
    client = HttpProvider(
        provider,
        wire,
        lambda wire, _: Relay(wire, recorder),
        capabilities.traits_of(provider, _rules()),
        transport,
        answer_bytes_max=REPLY_BYTES_MAX,
    )
    profile = Profile(name="doctor", providers=[provider.name], timeout_s=NO_LIMIT_S)
    attempt = await client.attempt(request, profile, client.traits, lambda _: None)
    if attempt.answer is None:
        assert attempt.error is not None
        raise attempt.error
    with suppress(StreamBrokeOff):
        if not isinstance(attempt.answer.pieces, bytes):
            async for _ in attempt.answer.pieces:
                pass
    return recorder.finish(attempt.answer.log().usage)


@cache
def _rules() -> list[CapabilityRule]:
    """Return the rules, which take longer to read than a local server to answer."""
    return capabilities.load()


class _Recorder:
    """A conversion that keeps an answer as a reply; a client would get nothing of it."""

    def __init__(self, reader: Reader) -> None:
        self._reply = Reply()
        self._reader = reader
        self._bytes = 0

    def finish(self, usage: Usage) -> Reply:
        """Return the reply; nothing more can be added."""
        self._reply.add(self._reader.end())
        self._reply.stop_reason = self._reader.stop.reason
        self._reply.usage = usage
        return self._reply

    def changes(self) -> Changes:
        return Changes()

    def calls(self) -> int:
        return 0

    def concerns(self, events: bytes) -> bool:
        del events
        return True

    def chunk(self, event: bytes, chunk: Body) -> bytes:
        self._reply.add(self._reader.read(chunk))
        return self._count(event)

    def comment(self, event: bytes) -> bytes:
        return self._count(event)

    def last(self, event: bytes) -> bytes:
        del event
        return b""

    def end(self, usage: Usage, *, ended: bool) -> bytes:
        del usage
        self._reply.complete = ended
        return b""

    def whole(self, body: bytes, decoded: Body, usage: Usage) -> bytes:
        del body, usage
        self._reply.add(self._reader.read(decoded))
        self._reply.body = decoded
        self._reply.complete = True
        return b""

    def _count(self, event: bytes) -> bytes:
        self._bytes += len(event)
        if self._bytes > REPLY_BYTES_MAX:
            raise ProviderError("protocol", f"the stream is longer than {REPLY_BYTES_MAX} bytes")
        return b""
