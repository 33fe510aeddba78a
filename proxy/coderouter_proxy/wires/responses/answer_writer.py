"""Write deltas as an answer on the Responses wire."""

import time
from collections.abc import Callable

import orjson

from coderouter_proxy.answer import Usage
from coderouter_proxy.errors import HttpError
from coderouter_proxy.request import Body
from coderouter_proxy.wires import state
from coderouter_proxy.wires.answer_writer import AnswerWriter
from coderouter_proxy.wires.deltas import (
    Arguments,
    Delta,
    Opaque,
    Signature,
    Stop,
    Text,
    Thinking,
    ToolCall,
)
from coderouter_proxy.wires.responses.carried import carrying, thoughts_id
from coderouter_proxy.wires.responses.output_items import Events, Message, OpenItem, Reasoning, call_item
from coderouter_proxy.wires.responses.response import REFUSED, Ending, Response, ending, failed, usage_of
from coderouter_proxy.wires.responses.tools import Catalogue

Keep = Callable[[bytes, list[Body]], None]


class ResponsesWriter(AnswerWriter):
    """Writes a response.

    `shows_thinking`: the client returns reasoning with what is sealed in it. `keep` gets the end of a response
    that the client may refer to, and its output; None if it said that it will not. `input_tokens` estimates the
    tokens of the request.
    """

    def __init__(
        self,
        response: Response,
        catalogue: Catalogue,
        *,
        shows_thinking: bool,
        keep: Keep | None,
        input_tokens: Callable[[], int],
    ) -> None:
        self._response = response
        self._catalogue = catalogue
        self.shows_thinking = self.keeps_blocks = shows_thinking
        self._keep = keep
        self._input_tokens = input_tokens
        self._events = Events()
        self._done: list[Body] = []
        self._open: OpenItem | None = None
        # White space alone is held back until more text follows: an empty message is none.
        self._blank = ""

    def begin(self) -> bytes:
        response = b'"response":' + self._response.begun()
        return self._events.event(b"created", response) + self._events.event(b"in_progress", response)

    def write(self, deltas: list[Delta]) -> bytes:
        """Return the events for the deltas; items begin and end as kinds change."""
        parts: list[bytes] = []
        for delta in deltas:
            match delta:
                case Text() if not isinstance(self._open, Message):
                    self._blank += delta.text
                    if self._blank.strip():
                        text = self._blank
                        parts += (self._enter("msg", Message), self._added(text))
                case Text() | Arguments():
                    parts.append(self._added(delta.text))
                case Thinking():
                    if not isinstance(self._open, Reasoning) or self._open.sealed is not None:
                        parts.append(self._enter("rs", Reasoning))
                    parts.append(self._added(delta.text))
                case Signature() if state.is_ours(delta.signature):
                    self._seal(delta.signature)
                case Opaque(name="redacted_thinking", value=str() as sealed):
                    parts.append(self._enter("rs", Reasoning))
                    self._seal(sealed)
                case ToolCall():
                    prefix, make, named = call_item(delta.name, self._catalogue.called(delta.name))
                    parts.append(self._enter(prefix, make, delta.id, named))
        return b"".join(parts)

    def end(self, stop: Stop, usage: Usage) -> bytes:
        closed, how = self._closed(stop)
        end = self._response.end(
            how, self._done, usage_of(usage, self._done, self._input_tokens), time.time()
        )
        if self._keep is not None:
            self._keep(end, self._done)
        return closed + self._final(how, end)

    def whole(self, deltas: list[Delta], stop: Stop, usage: Usage) -> bytes:
        """Return the complete response."""
        self.write(deltas)
        _, how = self._closed(stop)
        output = self._done
        if self._keep is not None:
            output = [carrying(item) for item in output]
        end = self._response.end(how, output, usage_of(usage, output, self._input_tokens), time.time())
        if self._keep is not None:
            self._keep(end, output)
        return self._response.with_end(end)

    def fail(self, error: HttpError) -> bytes:
        """Return the event that ends a stream that cannot continue."""
        closed = self._leave("incomplete")
        how = failed("server_error", error.message)
        return closed + self._final(how, self._response.end(how, self._done, None, time.time()))

    def _enter(self, prefix: str, make: Callable[..., OpenItem], *given: object) -> bytes:
        """Close the item in progress, and begin another."""
        left = self._leave("completed")
        self._open = make(self._events, len(self._done), self._id(prefix), *given)
        return left + self._open.begin()

    def _leave(self, status: str) -> bytes:
        self._blank = ""
        if self._open is None:
            return b""
        if isinstance(self._open, Reasoning) and self.shows_thinking and self._open.sealed is None:
            self._seal(state.sign("", state.REASONING[0], self._open.text, {}))
        left = self._open.end(status)
        self._done.append(self._open.item)
        self._open = None
        return left

    def _closed(self, stop: Stop) -> tuple[bytes, Ending]:
        """Close what is open, and return how the response ended."""
        how = ending(stop)
        if stop.reason != "refusal":
            return self._leave("incomplete" if how.status != "completed" else "completed"), how
        begun = b"" if isinstance(self._open, Message) else self._enter("msg", Message)
        refused = self._open.refuse(REFUSED) if isinstance(self._open, Message) else b""
        return begun + refused + self._leave("completed"), how

    def _final(self, how: Ending, end: bytes) -> bytes:
        return self._events.event(how.status.encode(), b'"response":' + self._response.with_end(end))

    def _added(self, text: str) -> bytes:
        return self._open.add(text) if self._open is not None else b""

    def _seal(self, sealed: str) -> None:
        if isinstance(self._open, Reasoning):
            self._open.sealed = sealed

    def _id(self, prefix: str) -> str:
        own = f"{prefix}_{self._response.id.removeprefix('resp_')}{len(self._done):02x}"
        unsealed = prefix == "rs" and not self.shows_thinking  # its state is in the ids of calls
        return thoughts_id(own) if unsealed else own


def failure(response_id: str, error: HttpError) -> bytes:
    """Return the event that ends a stream of which nothing else is known."""
    how = failed("server_error", error.message)
    response = {"id": response_id, "object": "response", "output": [], **how.fields}
    return Events().event(b"failed", b'"response":' + orjson.dumps(response))
