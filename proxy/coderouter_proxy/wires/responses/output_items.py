"""Items of an answer while they grow: the events for each piece, and what the item is in the end.

Source: the event types of the official SDK, and what clients cannot do without: codex acts on `output_item.done` and
drops text before `output_item.added`; the AI SDK matches events by `item_id`.
"""

from abc import ABC, abstractmethod
from typing import Any, TypeAlias

import orjson

from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values
from coderouter_proxy.wires.responses.custom_input import LiveInput, custom_input
from coderouter_proxy.wires.responses.tools import Entry


class Events:
    """Encodes the events of one stream and numbers them."""

    def __init__(self, first: int = 0) -> None:
        self._number = first - 1

    def event(self, kind: bytes, fields: bytes) -> bytes:
        """Return an event of this kind; `fields` is JSON without the braces."""
        self._number += 1
        return b'event: response.%b\ndata: {"type":"response.%b","sequence_number":%d,%b}\n\n' % (
            kind,
            kind,
            self._number,
            fields,
        )


class OpenItem(ABC):
    """An item in progress; `item` is what is known of it, and complete after `end`."""

    def __init__(self, events: Events, index: int, item: Body) -> None:
        self.item: Body = {**item, "status": "in_progress"}
        self._events = events
        self._index = index
        self._at = orjson.dumps({"item_id": item["id"], "output_index": index})[1:-1]
        self._texts: list[str] = []

    def begin(self) -> bytes:
        return self._whole(b"output_item.added")

    @abstractmethod
    def add(self, text: str) -> bytes: ...

    @abstractmethod
    def end(self, status: str) -> bytes: ...

    def _done(self, status: str, **fields: object) -> bytes:
        self.item |= {**fields, "status": status}
        return self._whole(b"output_item.done")

    def _whole(self, kind: bytes) -> bytes:
        return self._events.event(kind, _inner({"output_index": self._index, "item": self.item}))

    def _event(self, kind: bytes, **fields: object) -> bytes:
        return self._events.event(kind, self._at + b"," + _inner(fields))


class Message(OpenItem):
    """A message of the model; a refusal is a part of its own."""

    def __init__(self, events: Events, index: int, item_id: str) -> None:
        super().__init__(
            events, index, {"type": "message", "id": item_id, "role": "assistant", "content": []}
        )
        self._before = self._at + b',"content_index":0,"delta":'

    def add(self, text: str) -> bytes:
        # Most events are of this kind; formatting it takes a third of the time of encoding it as JSON.
        begun = b"" if self._texts else self._event(b"content_part.added", content_index=0, part=_output(""))
        self._texts.append(text)
        delta = self._before + orjson.dumps(text) + b',"logprobs":[]'
        return begun + self._events.event(b"output_text.delta", delta)

    def refuse(self, words: str) -> bytes:
        """Close the text, and add a refusal behind it."""
        closed, index = self._close_text(), len(self.item["content"])
        refusal = {"type": "refusal", "refusal": words}
        self.item["content"] = [*self.item["content"], refusal]
        return b"".join(
            (
                closed,
                self._event(
                    b"content_part.added", content_index=index, part={"type": "refusal", "refusal": ""}
                ),
                self._event(b"refusal.delta", content_index=index, delta=words),
                self._event(b"refusal.done", content_index=index, refusal=words),
                self._event(b"content_part.done", content_index=index, part=refusal),
            )
        )

    def end(self, status: str) -> bytes:
        return self._close_text() + self._done(status)

    def _close_text(self) -> bytes:
        if not self._texts:
            return b""
        text = "".join(self._texts)
        self._texts = []
        self.item["content"] = [_output(text)]
        return self._event(b"output_text.done", content_index=0, text=text, logprobs=[]) + self._event(
            b"content_part.done", content_index=0, part=_output(text)
        )


class Reasoning(OpenItem):
    """Thoughts, as a summary: that is what clients show. `sealed` is what the client has to return with it."""

    def __init__(self, events: Events, index: int, item_id: str) -> None:
        super().__init__(events, index, {"type": "reasoning", "id": item_id, "summary": []})
        self.sealed: str | None = None
        self._before = self._at + b',"summary_index":0,"delta":'

    @property
    def text(self) -> str:
        return "".join(self._texts)

    def add(self, text: str) -> bytes:
        begun = b""
        if not self._texts:
            begun = self._event(b"reasoning_summary_part.added", summary_index=0, part=_summary(""))
        self._texts.append(text)
        return begun + self._events.event(b"reasoning_summary_text.delta", self._before + orjson.dumps(text))

    def end(self, status: str) -> bytes:
        fields: Body = {} if self.sealed is None else {"encrypted_content": self.sealed}
        if not self._texts:
            return self._done(status, **fields)
        text = self.text
        return b"".join(
            (
                self._event(b"reasoning_summary_text.done", summary_index=0, text=text),
                self._event(b"reasoning_summary_part.done", summary_index=0, part=_summary(text)),
                self._done(status, summary=[_summary(text)], **fields),
            )
        )


class FunctionCall(OpenItem):
    def __init__(self, events: Events, index: int, item_id: str, call_id: str, named: Body) -> None:
        call = {"type": "function_call", "id": item_id, "call_id": call_id, **named, "arguments": ""}
        super().__init__(events, index, call)
        self._before = self._at + b',"delta":'

    def add(self, text: str) -> bytes:
        self._texts.append(text)
        return self._events.event(b"function_call_arguments.delta", self._before + orjson.dumps(text))

    def end(self, status: str) -> bytes:
        missing = b"" if any(self._texts) else self.add("{}")
        arguments = "".join(self._texts)
        ended = self._event(b"function_call_arguments.done", name=self.item["name"], arguments=arguments)
        return missing + ended + self._done(status, arguments=arguments)


class CustomCall(OpenItem):
    def __init__(self, events: Events, index: int, item_id: str, call_id: str, named: Body) -> None:
        call = {"type": "custom_tool_call", "id": item_id, "call_id": call_id, **named, "input": ""}
        super().__init__(events, index, call)
        self._live = LiveInput()

    def add(self, text: str) -> bytes:
        self._texts.append(text)
        live = self._live.feed(text)
        return self._delta(live) if live else b""

    def end(self, status: str) -> bytes:
        sent = "".join(self._live.sent)
        given = custom_input("".join(self._texts))
        if status != "completed" and sent:
            given = sent  # the rest of the JSON did not arrive
        rest = self._delta(given[len(sent) :]) if given.startswith(sent) and given != sent else b""
        ended = self._event(b"custom_tool_call_input.done", input=given)
        return rest + ended + self._done(status, input=given)

    def _delta(self, text: str) -> bytes:
        return self._event(b"custom_tool_call_input.delta", delta=text)


class ToolSearchCall(OpenItem):
    """A search for tools by the client; its arguments are an object, so they are not streamed."""

    def __init__(self, events: Events, index: int, item_id: str, call_id: str, named: Body) -> None:
        del named
        call = {"type": "tool_search_call", "id": item_id, "call_id": call_id, "execution": "client"}
        super().__init__(events, index, {**call, "arguments": {}})

    def add(self, text: str) -> bytes:
        self._texts.append(text)
        return b""

    def end(self, status: str) -> bytes:
        text = "".join(self._texts)
        arguments = json_values.arguments(text)
        try:
            orjson.dumps(arguments)
        except orjson.JSONEncodeError:  # nested more deeply than can be written
            arguments = {"arguments": text}
        return self._done(status, arguments=arguments)


CallItem: TypeAlias = type[FunctionCall] | type[CustomCall] | type[ToolSearchCall]
_CALLS: dict[str, tuple[str, CallItem]] = {
    "function": ("fc", FunctionCall),
    "custom": ("ctc", CustomCall),
    "tool_search": ("tsc", ToolSearchCall),
}


def call_item(name: str, entry: Entry | None) -> tuple[str, CallItem, Body]:
    """Return the prefix of ids, the type, and the names of a call; a tool that is not known is a function."""
    if entry is None:
        return (*_CALLS["function"], {"name": name})
    named = {"name": entry.name}
    return (
        *_CALLS[entry.kind],
        {**named, "namespace": entry.namespace} if entry.namespace else named,
    )


def _output(text: str) -> Body:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _summary(text: str) -> Body:
    return {"type": "summary_text", "text": text}


def _inner(fields: Any) -> bytes:  # noqa: ANN401
    return orjson.dumps(fields)[1:-1]
