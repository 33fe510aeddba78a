"""Relay an answer from its provider to its client, event by event, and log what it reported."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import orjson

from coderouter_proxy.answer import NO_USAGE, AnswerLog, Changes, Usage
from coderouter_proxy.errors import ProviderError, StreamBrokeOff
from coderouter_proxy.relay.alike import Alike
from coderouter_proxy.request import Body
from coderouter_proxy.wires import lenient_json, refusals, sse
from coderouter_proxy.wires.clients import CLIENT_WIRES
from coderouter_proxy.wires.lenient_json import SplitCharacters
from coderouter_proxy.wires.provider import ProviderWire

_LOOKS_MAX = 4
"""Searches for runs of events in one piece of data; each may go through all of it."""
_NOTHING = frozenset({b"null", b"ping", b"pong", b"heartbeat", b"keepalive", b"keep-alive"})
"""Data that gateways send to keep a connection alive."""
_WITHOUT_USAGE = Changes(stripped=("usage",))
"""Of an answer with numbers of tokens that make no sense."""


class Conversion(Protocol):
    """Turns what a provider sends into what its client gets."""

    def changes(self) -> Changes:
        """Return what has been changed so far."""
        ...

    def calls(self) -> int:
        """Return how many tool calls the client has got so far, those that were text included."""
        ...

    def concerns(self, events: bytes) -> bool:
        """Return whether it must see the chunk of an event that adds content, or of one with another text.

        It gets the chunks of all other events in any case.
        """
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
    """Relays one answer.

    Each event is checked, so that a client never gets what it cannot read. Those that only add content are passed on as
    they came, in one piece if several follow each other.
    """

    def __init__(
        self,
        wire: ProviderWire,
        conversion: Conversion,
        *,
        continues: Callable[[bytes], bool] | None = None,
    ) -> None:
        """`continues` returns whether an event adds content and goes to the client as it came, and counts on it."""
        self.ended = False
        """The provider has sent the event that ends its stream."""
        self.has_content = False
        """Something of the answer itself has arrived: before that, an error can still fall back."""
        self.moved = False
        """An event that is neither a comment nor a ping has arrived since this was set to false."""
        self._wire = wire
        self._conversion = conversion
        self._continues = continues
        self._usage = NO_USAGE
        self._stop_reason: str | None = None
        self._names_stop = False
        self._split = SplitCharacters()
        self._alike = Alike()

    @property
    def has_stop_reason(self) -> bool:
        return self._stop_reason is not None

    def feed(self, events: bytes) -> tuple[bytes, ProviderError | None]:
        """Return what the client gets for these whole events, and the error that ends them."""
        conversion, is_plain, continues = self._conversion, self._wire.is_plain, self._continues
        parts: list[bytes] = []
        passed = at = 0  # what is between them goes to the client as it is
        looks = _LOOKS_MAX
        try:
            while (end := events.find(b"\n\n", at)) >= 0:
                start, at = at, end + 2
                raw = events[start:at]
                is_running = self.has_content and not self._split.holds
                if continues is not None and is_running and continues(raw):
                    self.moved = True
                    continue
                converts = is_running and conversion.concerns(raw)
                if looks and is_running and not converts:
                    looks -= 1
                    if end := self._alike.end_of_run(events, start):
                        self.moved = True
                        at = end
                        continue
                chunk = _chunk(raw)
                if chunk is not None and is_running and is_plain(raw, chunk):
                    self.moved = True
                    self._names_stop = self._names_stop or self._wire.names_stop(chunk)
                    if converts:
                        parts += (events[passed:start], conversion.chunk(raw, chunk))
                        passed = at
                    else:
                        self._alike.learn(raw, self._wire.delta(chunk), self._plain_delta)
                elif len(raw) > 2:
                    parts.append(events[passed:start])
                    passed = at
                    for piece in self._other(raw, chunk):  # an error does not take back those before it
                        parts.append(piece)
                    if self.ended:
                        break
        except ProviderError as error:
            return b"".join(parts), error
        parts.append(events[passed:at])
        return b"".join(parts), None

    def end(self) -> bytes:
        """Return what the client gets at the end of the stream."""
        held_back = b"".join(map(self._converted, self._split.end()))
        return held_back + self._conversion.end(self._usage, ended=self.ended)

    def whole(self, body: bytes, decoded: Body) -> bytes:
        """Return the body that the client gets for a complete answer."""
        self._usage = self._wire.usage(decoded, self._usage)
        self._stop_reason = self._wire.stop_reason(decoded)
        return self._conversion.whole(body, decoded, self._usage)

    def log(self, *, complete: bool = False) -> AnswerLog:
        """Return what is known about the answer so far."""
        changes = self._conversion.changes()
        return AnswerLog(
            usage=self._usage,
            stop_reason=self._stop_reason,
            tool_calls=self._conversion.calls(),
            changes=changes + _WITHOUT_USAGE if self._usage.nonsense else changes,
            complete=complete,
        )

    def _plain_delta(self, raw: bytes) -> Body | None:
        chunk = _chunk(raw)
        return self._wire.delta(chunk) if chunk is not None and self._wire.is_plain(raw, chunk) else None

    def _other(self, raw: bytes, chunk: Body | None) -> Iterable[bytes]:
        """Return what the client gets for an event that is not just more content; `chunk` if it is usual JSON.

        An event without data is passed on if it consists of comments: SDKs take any other for JSON.
        """
        name, data, comments = sse.read(raw)
        if name == b"error":
            raise self._error(data)
        if raw.startswith(b"{") and not data:  # an error that a gateway writes behind a stream it has begun
            data = raw.strip()
        if not data.strip():
            is_readable = comments and lenient_json.is_utf8(comments)
            return (self._conversion.comment(comments + b"\n\n"),) if is_readable else ()
        if self._wire.is_end(data):
            return (self._last(raw),)
        if data.strip().lower() in _NOTHING:
            return ()
        if chunk is None and (events := sse.of_lines(data)):
            return (piece for event in events for piece in self._other(event, None))
        decoded, exact = (chunk, True) if chunk is not None else self._wire.read(data)
        self._wire.raise_for_error(decoded)
        if self._wire.is_ping(decoded):
            return (self._conversion.comment(CLIENT_WIRES[self._wire.ingress].ping),)
        self.moved = True
        if not exact or self._split.holds:
            certain = self._split.feed(decoded)
            if self._wire.ends(decoded):
                certain += self._split.end()
            return (piece for each in certain for piece in self._settled(b"", each))
        return self._settled(raw, decoded)

    def _settled(self, raw: bytes, chunk: Body) -> Iterator[bytes]:
        for each in self._wire.settled(chunk):
            self._record(each)
            self.ended = self.ended or self._wire.ends(each)
            if not self.has_content and self._wire.has_content(each):
                self.has_content = True
            is_as_it_came = each is chunk and self._wire.is_framed(raw, chunk)
            event = raw if is_as_it_came else self._wire.event(each)
            yield self._conversion.chunk(event, each)

    def _converted(self, chunk: Body) -> bytes:
        return b"".join(self._settled(b"", chunk))

    def _last(self, raw: bytes) -> bytes:
        """Return what the client gets for the end; where a server names it, an end without a stop is a cut."""
        held_back = b"".join(map(self._converted, self._split.end()))
        if self._stop_reason is None and self._names_stop and self.has_content:
            raise StreamBrokeOff
        self.ended = True
        usual = self._wire.end_event
        first_line = usual.partition(b"\n")[0]
        is_usual = (
            raw.startswith(first_line + b"\n") and raw.count(b"\n") == usual.count(b"\n") and b"data: " in raw
        )
        return held_back + self._conversion.last(raw if is_usual else usual)

    def _error(self, data: bytes) -> ProviderError:
        """Return the error in an event of that name, whatever its data are."""
        try:
            self._wire.decoded(data)
        except ProviderError as error:
            if error.error_type not in ("protocol", "empty"):
                return error
        return refusals.refusal(500, data, None, "")

    def _record(self, chunk: Body) -> None:
        self._usage = self._wire.usage(chunk, self._usage)
        self._stop_reason = self._wire.stop_reason(chunk) or self._stop_reason
        self._names_stop = self._names_stop or self._wire.names_stop(chunk)


def _chunk(raw: bytes) -> Body | None:
    """Return the JSON object in an event that has one line of data; None if it is not as simple as that."""
    at = raw.find(b"data:")
    if at < 0 or (at and raw[at - 1] != 10):  # 10: a line feed
        return None
    data = raw[at + 5 : -2]
    if b"\n" in data or data.count(b"[") + data.count(b"{") > lenient_json.NESTING_MAX:
        return None
    try:
        chunk = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return chunk if isinstance(chunk, dict) else None
