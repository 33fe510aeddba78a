"""Relay a complete answer: a JSON body, or a stream whose client did not request one."""

from coderouter_proxy.answer import NO_CHANGES, Changes, Usage
from coderouter_proxy.errors import ProviderError, StreamBrokeOff
from coderouter_proxy.relay.relay import Relay
from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values, sse
from coderouter_proxy.wires.provider import ProviderWire

_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")


def relayed(body: bytes, wire: ProviderWire, relay: Relay) -> bytes:
    """Return the body for a client that did not request a stream.

    Raises:
        ProviderError: it is not an answer, or not a complete one.
    """
    body = body.removeprefix(sse.BYTE_ORDER_MARK)
    if body.lstrip().startswith(_FIELDS):
        return _encoded(_collected(body, wire), relay)
    try:
        decoded, exact = wire.read(body)
    except ProviderError as error:
        if error.error_type != "protocol" or not (events := sse.of_lines(body)):
            raise
        return _encoded(_collected(b"".join(events), wire), relay)
    if not exact:
        decoded = wire.decoded(body)
        body = json_values.encoded(decoded, retryable=True)
    wire.validate(decoded)
    return relay.whole(body, decoded)


def sent(decoded: Body, wire: ProviderWire, relay: Relay, *, stream: bool) -> bytes:
    """Return a whole answer as a client gets it, streamed or not.

    Raises:
        ProviderError: it cannot be sent on.
    """
    if not stream:
        return _encoded(decoded, relay)
    fed, error = relay.feed(wire.event(decoded))
    if error is not None:
        raise error
    return fed + relay.end()


def _encoded(decoded: Body, relay: Relay) -> bytes:
    return relay.whole(json_values.encoded(decoded, retryable=True), decoded)


def _collected(body: bytes, wire: ProviderWire) -> Body:
    collected = _Collected()
    relay = Relay(wire, collected)
    _, error = relay.feed(sse.EventBuffer().feed(body + b"\n\n"))
    if error is not None:
        raise error
    if not relay.ended and not relay.has_stop_reason:
        raise StreamBrokeOff
    relay.end()
    if not relay.has_content:
        raise ProviderError("empty", "the stream ended before any content")
    return wire.collected(collected.chunks, relay.log().usage)


class _Collected:
    """A conversion that keeps the chunks."""

    def __init__(self) -> None:
        self.chunks: list[Body] = []

    def changes(self) -> Changes:
        return NO_CHANGES

    def calls(self) -> int:
        return 0

    def concerns(self, events: bytes) -> bool:
        return True

    def chunk(self, event: bytes, chunk: Body) -> bytes:
        self.chunks.append(chunk)
        return b""

    def comment(self, event: bytes) -> bytes:
        return b""

    def last(self, event: bytes) -> bytes:
        return b""

    def end(self, usage: Usage, *, ended: bool) -> bytes:
        return b""

    def whole(self, body: bytes, decoded: Body, usage: Usage) -> bytes:
        return body
