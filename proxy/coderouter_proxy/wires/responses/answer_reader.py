"""Read an answer on the Responses wire into deltas, also from servers that leave out some of its events."""

from collections import deque
from collections.abc import Iterable
from typing import Any

from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values, state, tool_names
from coderouter_proxy.wires.anthropic.calls import arguments_text
from coderouter_proxy.wires.deltas import Arguments, Delta, Opaque, Reader, Stop, Text, Thinking, ToolCall
from coderouter_proxy.wires.ids import CallIds
from coderouter_proxy.wires.json_text import JsonText
from coderouter_proxy.wires.responses.shape import LAST, TEXTS, response_in, texts
from coderouter_proxy.wires.responses.tools import INPUT, TOOL_SEARCH

PARAGRAPH = "\n\n"
_FIELDS = {"summary": state.SUMMARY, "content": state.REASONING[0]}
"""By field of an item of reasoning, what its text is called in the state of a turn."""
_STOPS = {"max_output_tokens": "max_tokens", "content_filter": "content_filter"}
_CALLS = frozenset({"function_call", "custom_tool_call", "tool_search_call"})


class _Item:
    """One item of the output, with what has been read and not yet passed on."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.waiting: list[Delta] = []
        self.name = ""
        self.written = ""  # of a call, its arguments so far, as they came
        self.arguments = JsonText()  # those that have been passed on
        self.field = ""  # that its text is read from, where there are several
        self.has_text = False
        self.queued = False
        self.over = False

    @property
    def is_call(self) -> bool:
        return self.kind in _CALLS


class ResponsesReader(Reader):
    """Turns the events of a stream, or a complete response, into deltas.

    Items that overlap are put in sequence: the first one is passed on live, the others when it is over. Items of tools
    that ran at the provider are left out. If the deltas of an item did not come, its text is read from the whole item.
    """

    def __init__(self) -> None:
        self.stop = Stop()
        self._items: dict[object, _Item] = {}
        self._queue: deque[_Item] = deque()  # those that are not passed on in whole
        self._has_called = False
        self._ids = CallIds("call_")

    def read(self, chunk: Body) -> list[Delta]:
        """Return what the event adds to the answer; a complete response is treated as one event."""
        kind = json_values.words(chunk.get("type"))
        match kind:
            case "response.output_item.added" if isinstance(item := chunk.get("item"), dict):
                self._added(_key(chunk), item)
            case "response.output_item.done" if isinstance(item := chunk.get("item"), dict):
                self._done(_key(chunk), item)
            case "response.reasoning_summary_part.added" if chunk.get("summary_index"):
                self._text(_key(chunk), "response.reasoning_summary_text.delta", PARAGRAPH)
            case "response.function_call_arguments.done":
                self._named(_key(chunk), chunk)
            case str() if kind in TEXTS:
                self._text(_key(chunk), kind, json_values.words(chunk.get("delta")))
            case str() if kind in LAST or (not kind and isinstance(chunk.get("output"), list)):
                self._ended(response_in(chunk), kind)
        return self._passed()

    def end(self) -> list[Delta]:
        for item in self._queue:
            item.over = True
        deltas = self._passed()
        if self._has_called and self.stop.reason in (None, "end_turn"):
            self.stop = Stop("tool_use")
        return deltas

    def _passed(self) -> list[Delta]:
        """Return what is certain of the first item, and of those behind it once it is over."""
        deltas: list[Delta] = []
        while self._queue:
            first = self._queue[0]
            deltas += first.waiting
            first.waiting = []
            if not first.over and (first.is_call or len(self._queue) == 1):
                break
            self._queue.popleft()
            first.queued = False
        return deltas

    def _item(self, key: object, kind: str) -> _Item:
        """Return the item with this key, at the end of the queue if it was taken for one that is over."""
        item = self._items.get(key)
        if item is None:
            item = self._items[key] = _Item(kind)
        if not (item.queued or item.over):
            item.queued = True
            self._queue.append(item)
        return item

    def _added(self, key: object, given: Body) -> None:
        kind = json_values.words(given.get("type"))
        item = self._item(key, kind)
        item.kind = kind or item.kind
        if item.is_call:
            self._begin_call(item, given)

    def _begin_call(self, item: _Item, given: Body) -> bool:
        """Return whether the call has just got its name."""
        name = TOOL_SEARCH if item.kind == "tool_search_call" else tool_names.called(given.get("name"))
        if item.name or not name:
            return False
        item.name = name
        self._has_called = True
        if namespace := json_values.words(given.get("namespace")):
            name = f"{namespace}__{name}"
        item.waiting.append(ToolCall(self._ids.of(json_values.words(given.get("call_id"))), name))
        return True

    def _named(self, key: object, given: Body) -> None:
        item = self._item(key, "function_call")
        if item.name:
            self._complete(item, arguments_text(given.get("arguments")))

    def _text(self, key: object, kind: str, text: str) -> None:
        of, field = TEXTS[kind]
        item = self._item(key, of)
        if not text or item.over:
            return
        if item.kind == "custom_tool_call":
            item.written += text
        elif item.is_call:
            self._add_arguments(item, text)
        elif field in ("text", *_FIELDS) and item.field in ("", field):
            item.field, item.has_text = field, True
            item.waiting.append(Text(text) if field == "text" else Thinking(text, _FIELDS[field]))

    def _add_arguments(self, item: _Item, text: str) -> None:
        item.written += text
        if item.name:
            _pass_arguments(item, text)

    def _complete(self, item: _Item, arguments: str) -> None:
        """Add what is missing of the arguments; those that differ from what was passed on are not."""
        if arguments.startswith(item.written) and arguments != item.written:
            self._add_arguments(item, arguments[len(item.written) :])

    def _done(self, key: object, given: Body) -> None:
        kind = json_values.words(given.get("type"))
        item = self._item(key, kind)
        if item.over:
            return
        item.kind = kind or item.kind
        if item.is_call:
            self._end_call(item, given)
        elif item.kind == "message" and not item.has_text:
            item.waiting += [Text(text) for text in texts(given.get("content"))]
        elif item.kind == "reasoning":
            if not item.has_text:
                item.waiting += _thoughts(given)
            item.waiting += _sealed(given)
        item.over = True

    def _end_call(self, item: _Item, given: Body) -> None:
        is_new = self._begin_call(item, given)
        if not item.name:
            return
        if is_new and item.written and item.kind != "custom_tool_call":
            _pass_arguments(item, item.written)
        if item.kind == "custom_tool_call":
            text = json_values.words(given.get(INPUT)) or item.written
            item.waiting.append(Arguments(json_values.written({INPUT: text}, retryable=True)))
        else:
            self._complete(item, arguments_text(given.get("arguments")))
            if not item.arguments:
                _pass_arguments(item, "{}")

    def _ended(self, response: Body, kind: str) -> None:
        """Read the whole output: the rest of known items, those that no event had, and how the answer ended."""
        known: dict[str, deque[object]] = {}
        for key, item in self._items.items():
            known.setdefault(item.kind, deque()).append(key)
        output = response.get("output")
        for index, given in enumerate(output if isinstance(output, list) else []):
            if isinstance(given, dict):
                keys = known.get(json_values.words(given.get("type")))
                self._done(keys.popleft() if keys else ("output", index), given)
        details = response.get("incomplete_details")
        reason = json_values.words(details.get("reason")) if isinstance(details, dict) else ""
        if response.get("status") == "incomplete" or kind == "response.incomplete":
            self.stop = Stop(_STOPS.get(reason, "max_tokens"))
        else:
            self.stop = Stop("end_turn")


def _pass_arguments(item: _Item, text: str) -> None:
    item.arguments.add(text)
    if new := item.arguments.take():
        item.waiting.append(Arguments(new))


def _thoughts(reasoning: Body) -> Iterable[Delta]:
    for field, name in _FIELDS.items():
        if said := PARAGRAPH.join(texts(reasoning.get(field))):
            return (Thinking(said, name),)
    return ()


def _sealed(reasoning: Body) -> Iterable[Delta]:
    """Return the state that has to come back: reasoning that only its provider can read."""
    sealed = reasoning.get("encrypted_content")
    if not isinstance(sealed, str) or not sealed:
        return ()
    item: Body = {"type": "reasoning", "summary": [], "encrypted_content": sealed}
    if own_id := json_values.words(reasoning.get("id")):
        item["id"] = own_id
    return (Opaque(state.ITEMS, [item]),)


def _key(event: Body) -> object:
    index = event.get("output_index")
    if isinstance(index, int):
        return index
    item: Any = event.get("item")
    return json_values.words(event.get("item_id") or (item.get("id") if isinstance(item, dict) else ""))
