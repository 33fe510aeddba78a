"""The tools of a request, which are in several places and of several types, as functions that any model can call.

Source: the API reference of responses, and what codex sends: a tool that a model calls has to come back as an item of
its own type, with its own name and namespace, or codex aborts the turn.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values
from coderouter_proxy.wires.conversation import Tool, ToolChoice
from coderouter_proxy.wires.tool_names import NAME_CHARS_MAX, short

Kind: TypeAlias = Literal["function", "custom", "tool_search"]
Key: TypeAlias = tuple[str, str]
"""Namespace, empty without one, and name."""

INPUT = "input"
"""The one argument of a custom tool: its text."""
TOOL_SEARCH = "tool_search"
MODES = {"auto": "auto", "required": "required", "none": "none"}
_INPUT_SCHEMA: Body = {
    "type": "object",
    "properties": {INPUT: {"type": "string"}},
    "required": [INPUT],
    "additionalProperties": False,
}
_QUERY_SCHEMA: Body = {
    "type": "object",
    "properties": {"query": {"type": "string"}},
    "required": ["query"],
}
_HASH_CHARS = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """A tool that the client runs; `tool` is the function for it, whose name is unique in the request."""

    kind: Kind
    namespace: str
    name: str
    tool: Tool


class Catalogue:
    """All tools of a request. Of tools with the same namespace and name, the last one counts."""

    def __init__(self, entries: Iterable[Entry], hosted: Iterable[str]) -> None:
        self.hosted = tuple(hosted)
        """Types of tools that do not run at the client."""
        self._by_key: dict[Key, Entry] = {(entry.namespace, entry.name): entry for entry in entries}
        self._by_flat: dict[str, Entry] = {}
        for key, entry in self._by_key.items():
            flat = _flat(*key)
            if flat in self._by_flat:
                flat = _hashed(key)
            named = replace(entry, tool=replace(entry.tool, name=flat))
            self._by_key[key] = self._by_flat[flat] = named
        self._by_name: dict[str, list[Entry]] = {}
        for entry in self._by_flat.values():
            self._by_name.setdefault(entry.name, []).append(entry)

    @classmethod
    def of(cls, body: Body) -> "Catalogue":
        """Return the tools of a request, also those that are in its input."""
        entries: list[Entry] = []
        hosted: dict[str, None] = {}
        for tool in given_tools(body):
            found = list(_entries(tool, ""))
            entries += found
            if not found:
                hosted[json_values.words(tool.get("type")) or "tool"] = None
        return cls(entries, hosted)

    @property
    def schemas(self) -> dict[str, Body]:
        """The JSON schemas of the functions by their names."""
        given = {name: entry.tool.parameters for name, entry in self._by_flat.items()}
        return {name: schema if isinstance(schema, dict) else {} for name, schema in given.items()}

    def tools(self, only: Collection[str] | None = None) -> list[Tool]:
        """Return the functions, or `only` those with these names, and the tools that run elsewhere."""
        kept = [entry.tool for name, entry in self._by_flat.items() if only is None or name in only]
        return [*kept, *(Tool(name="", hosted=kind) for kind in self.hosted)]

    def called(self, name: str) -> Entry | None:
        """Return the tool that a model calls by this name; models also leave out the namespace."""
        return self._by_flat.get(name) or self._only(name)

    def flat_name(self, namespace: str, name: str) -> str:
        """Return the name of the function for a tool of the client, also of one that is no longer there."""
        entry = self._by_key.get((namespace, name)) or (None if namespace else self._only(name))
        return entry.tool.name if entry is not None else _flat(namespace, name)

    def _only(self, name: str) -> Entry | None:
        found = self._by_name.get(name, ())
        return found[0] if len(found) == 1 else None


def given_tools(body: Body) -> Iterator[Body]:
    """Yield the tools of the field and of the input, as they are."""
    for item in ({"tools": body.get("tools")}, *body["input"]):
        if item.get("type") in (None, "additional_tools", "tool_search_output"):
            tools = item.get("tools")
            yield from (tool for tool in tools if isinstance(tool, dict)) if isinstance(tools, list) else ()


def tool_choice(choice: object, catalogue: Catalogue) -> tuple[ToolChoice | None, set[str] | None, bool]:
    """Return the choice, the names of the only tools that are allowed, and whether it can be expressed."""
    if isinstance(choice, str):
        mode: Any = MODES.get(choice)
        return (ToolChoice(mode) if mode else None), None, True
    if not isinstance(choice, dict):
        return None, None, True
    match choice.get("type"):
        case "function" | "custom":
            return ToolChoice("tool", _named(choice, catalogue)), None, True
        case "allowed_tools":
            allowed = choice.get("tools")
            listed = [each for each in allowed if isinstance(each, dict)] if isinstance(allowed, list) else []
            required = choice.get("mode") == "required"
            return (
                ToolChoice("required" if required else "auto"),
                {_named(each, catalogue) for each in listed},
                True,
            )
    return None, None, False


def _named(choice: Body, catalogue: Catalogue) -> str:
    name = json_values.words(choice.get("name")) or json_values.words(choice.get("type"))
    return catalogue.flat_name(json_values.words(choice.get("namespace")), name)


def _entries(tool: Body, namespace: str) -> Iterator[Entry]:
    """Yield the tools that the client runs; none for a tool that runs elsewhere."""
    name = json_values.words(tool.get("name"))
    description = json_values.words(tool.get("description"))
    match tool.get("type"):
        case "function" if name:
            function = Tool(
                name=name,
                description=description,
                parameters=tool.get("parameters"),
                strict=tool.get("strict") or None,  # false is what servers do that do not know it
            )
            yield Entry("function", namespace, name, function)
        case "custom" if name:
            custom = Tool(name=name, description=_with_grammar(description, tool), parameters=_INPUT_SCHEMA)
            yield Entry("custom", namespace, name, custom)
        case "namespace" if name and not namespace:
            inner = tool.get("tools")
            for each in inner if isinstance(inner, list) else []:
                if isinstance(each, dict):
                    yield from _entries(each, name)
        case "tool_search" if tool.get("execution") == "client":
            search = Tool(
                name=TOOL_SEARCH,
                description=description,
                parameters=tool.get("parameters") or _QUERY_SCHEMA,
            )
            yield Entry("tool_search", namespace, TOOL_SEARCH, search)


def _with_grammar(description: str, tool: Body) -> str:
    """Return the description and the grammar that the text has to follow, which only OpenAI's models are held to."""
    form = tool.get("format")
    definition = form.get("definition") if isinstance(form, dict) else None
    if not isinstance(form, dict) or not isinstance(definition, str) or not definition:
        return description
    syntax = json_values.words(form.get("syntax")) or "following"
    grammar = f"The text must follow this {syntax} grammar:\n{definition}"
    return f"{description}\n\n{grammar}" if description else grammar


def _flat(namespace: str, name: str) -> str:
    return short(f"{namespace}__{name}" if namespace else name)


def _hashed(key: Key) -> str:
    """Return another name, which no other tool of the request has."""
    digest = hashlib.sha256("\0".join(key).encode()).hexdigest()[:_HASH_CHARS]
    return f"{_flat(*key)[: NAME_CHARS_MAX - _HASH_CHARS - 1]}_{digest}"
