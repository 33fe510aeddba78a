"""Adapt a responses request to servers other than OpenAI's own, which reject some of it.

llama.cpp refused any tool but a function and later left it out (ggml-org/llama.cpp#20156), Ollama makes a namespace
part of the name (ollama/ollama#18284), and no local server knows the tools of codex. They get all of these as
functions, and the client gets their calls as items of its own types.
"""

from collections.abc import Iterator

from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values
from coderouter_proxy.wires.client import Drop
from coderouter_proxy.wires.conversation import Conversation, Turn, VendorPart
from coderouter_proxy.wires.losses import named
from coderouter_proxy.wires.responses import items
from coderouter_proxy.wires.responses.request_writer import choice_of, tool_of
from coderouter_proxy.wires.responses.request_writer import items as written
from coderouter_proxy.wires.responses.tools import Catalogue, tool_choice

_USUAL = frozenset({"", "message", "reasoning", "function_call", "function_call_output", "item_reference"})


def uses_own_types(body: Body) -> bool:
    """Return whether the request has tools or items that only OpenAI's own API knows."""
    given, listed = body.get("tools"), body.get("input")
    tools = given if isinstance(given, list) else []
    found = listed if isinstance(listed, list) else []
    return any(isinstance(tool, dict) and tool.get("type") != "function" for tool in tools) or any(
        _is_unusual(item) for item in found
    )


def fitted(body: Body, drop: Drop) -> Body:
    """Return the request with functions as its only tools; `drop` gets the names of what is left out.

    The ids of codex's sessions and turns go to OpenAI only.
    """
    if "client_metadata" in body:
        body = {name: value for name, value in body.items() if name != "client_metadata"}
    if not uses_own_types(body):
        return body
    listed = body.get("input")
    given = listed if isinstance(listed, list) else []
    catalogue = Catalogue.of({**body, "input": given})
    for hosted in catalogue.hosted:
        drop(named(hosted))
    choice, allowed, expressed = tool_choice(body.get("tool_choice"), catalogue)
    if not expressed:
        drop("tool_choice")
    kept = {name: value for name, value in body.items() if name not in ("tools", "tool_choice")}
    if isinstance(listed, list):
        kept["input"] = [new for item in given for new in _fitted(item, catalogue, drop)]
    tools = [tool_of(tool) for tool in catalogue.tools(allowed) if tool.hosted is None]
    if not tools:
        return kept
    return {**kept, "tools": tools, **choice_of(Conversation(tool_choice=choice))}


def _is_unusual(item: Body) -> bool:
    return json_values.words(item.get("type")) not in _USUAL or "namespace" in item


def _fitted(item: Body, catalogue: Catalogue, drop: Drop) -> Iterator[Body]:
    if not _is_unusual(item):
        yield item
        return
    for turn in items.turns([item], catalogue):
        lost = [part for part in turn.parts if isinstance(part, VendorPart)]
        for part in lost:
            drop(named(part.name))
        kept = tuple(part for part in turn.parts if part not in lost)
        yield from written(Turn(turn.role, kept), own_api=False)
