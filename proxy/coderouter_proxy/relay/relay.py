"""Relay an answer from its provider to its client, event by event, and log what it reported."""

from typing import Protocol

from coderouter_proxy.answer import AnswerLog, Changes, Usage
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.request import Body
from coderouter_proxy.wires import sse
from coderouter_proxy.wires.provider import ProviderWire


class Conversion(Protocol):
    """Turns what a provider sends into what its client gets."""

    def changes(self) -> Changes:
        """Return what has been changed so far."""
        ...

    def concerns(self, events: bytes) -> bool:
        """Return whether these events must be parsed; others are passed through."""
        ...

    def chunk(self, event: bytes, chunk: Body) -> bytes:
        """Return what the client gets for an event that holds this chunk."""
        ...

    def comment(self, event: bytes) -> bytes:
        """Return what the client gets for an event without data."""
        ...

    def last(self, event: bytes) -> bytes:
        """Return what the client gets for the event that only marks the end of the stream."""
        ...

    def end(self, usage: Usage, *, ended: bool) -> bytes:
        """Return what the client gets last; `ended` means that the provider sent the event that ends its stream."""
        ...

    def whole(self, body: bytes, decoded: Body, usage: Usage) -> bytes:
        """Return the body that the client gets for a complete answer."""
        ...


class Relay:
    """Relays one answer; events are parsed only if the wire or the conversion may need something from them."""

    def __init__(self, wire: ProviderWire, conversion: Conversion) -> None:
        self.ended = False
        """The provider has sent the event that ends its stream."""
        self._wire = wire
        self._conversion = conversion
        self._usage = Usage()
        self._stop_reason: str | None = None

    @property
    def has_stop_reason(self) -> bool:
        return self._stop_reason is not None

    def feed(self, events: bytes) -> tuple[bytes, ProviderError | None]:
        """Return what the client gets for these whole events, and the error that ends them."""
        if not (
            self._conversion.concerns(events)
            or self._wire.needs_parsing(events)
            or sse.may_not_be_json(events)
        ):
            return events, None
        kept: list[bytes] = []
        for event, data in sse.split(events):
            if not data:
                kept.append(self._conversion.comment(event))
            elif self._wire.is_end(data):
                self.ended = True
                kept.append(self._conversion.last(event))
                break
            else:
                try:
                    chunk = self._wire.decoded(data)
                except ProviderError as error:
                    return b"".join(kept), error
                self._record(chunk)
                kept.append(self._conversion.chunk(event, chunk))
        return b"".join(kept), None

    def end(self) -> bytes:
        """Return what the client gets at the end of the stream."""
        return self._conversion.end(self._usage, ended=self.ended)

    def whole(self, body: bytes, decoded: Body) -> bytes:
        """Return the body that the client gets for a complete answer."""
        self._record(decoded)
        return self._conversion.whole(body, decoded, self._usage)

    def log(self, *, complete: bool = False) -> AnswerLog:
        """Return what is known about the answer so far."""
        return AnswerLog(
            usage=self._usage,
            stop_reason=self._stop_reason,
            changes=self._conversion.changes(),
            complete=complete,
        )

    def _record(self, chunk: Body) -> None:
        self._usage = self._wire.usage(chunk, self._usage)
        self._stop_reason = self._wire.stop_reason(chunk) or self._stop_reason
