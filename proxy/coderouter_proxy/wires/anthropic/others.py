"""Adapt a messages request to servers other than Anthropic's own: what they reject, and what they are sent instead.

Source: requests of real Claude Code, and what local servers and other vendors answered to them.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from coderouter_proxy.wires import json_values, system_text
from coderouter_proxy.wires.anthropic.fit import without_effort
from coderouter_proxy.wires.anthropic.request_reader import blocks, tool_found
from coderouter_proxy.wires.client import Drop, HostedTools
from coderouter_proxy.wires.losses import named

Body = dict[str, Any]

BILLING_HEADER = re.compile(r"\s*x-anthropic-billing-header:[^\n]*\n*")
"""Begins a system text of Claude Code. It differs between sessions, which invalidates every prefix cache."""

# Reserved names of tools that are never called; they keep Anthropic's cache of tools valid.
PLACEHOLDERS = frozenset({"DeferredToolPlaceholder", "__pi_deferred_placeholder__"})

# What tools that run at Anthropic leave in a conversation; most of their results are named after the tool.
_CALLS = frozenset({"server_tool_use", "mcp_tool_use"})
_RESULT = "_tool_result"


def fitted(body: Body, drop: Drop, *, settled: bool = True) -> Body:
    """Return the request for a server that is not Anthropic's own.

    `drop` gets the tools that only run there, and what is left of them in the conversation.
    `settled`: system text of the messages goes where every server takes it.
    """
    given = body["messages"]
    leading, messages = system_text.settled(given, in_parts=True) if settled else ([], given)
    own = [
        *_as_blocks(body.get("system")),
        *(block for each in leading for block in _as_blocks(each.get("content"))),
    ]
    system = [fit for block in own if (fit := _without_billing(block)) is not None]
    fit_messages = [fit for message in messages if (fit := _fitted_message(message, drop)) is not None]
    changed: Body = {**body, "messages": fit_messages}
    if leading or system != own:
        changed["system"] = system
        if not system:
            del changed["system"]
    return _with_tools(changed if settled else _without_idle_effort(changed, drop), body, drop)


def _without_idle_effort(body: Body, drop: Drop) -> Body:
    """Return the request without an effort where thinking is off.

    DeepSeek refuses both together (anthropics/claude-code#65863), and others have no use for it.
    """
    thinking, config = body.get("thinking"), body.get("output_config")
    disabled = isinstance(thinking, dict) and thinking.get("type") == "disabled"
    return (
        without_effort(body, drop) if disabled and isinstance(config, dict) and "effort" in config else body
    )


def hosted_tools(body: Body) -> HostedTools:
    """Return the tools that run at Anthropic, and the one of them that the model has to call."""
    tools = blocks(body.get("tools"))
    hosted = [tool for tool in tools if is_hosted(tool)]
    mode, chosen = _choice(body)
    if mode == "tool":
        forced = [tool for tool in hosted if json_values.words(tool.get("name")) == chosen]
    else:
        forced = hosted if mode == "any" and len(hosted) == len(tools) else []
    return HostedTools(tuple(map(_name, hosted)), _name(forced[0]) if forced else None)


def _choice(body: Body) -> tuple[str, str]:
    """Return the type of the choice, and the tool that it names; empty where there is none."""
    choice = body.get("tool_choice")
    fields = choice if isinstance(choice, dict) else {}
    return json_values.words(fields.get("type")), json_values.words(fields.get("name"))


def is_hosted(tool: Body) -> bool:
    return "input_schema" not in tool


def _name(hosted: Body) -> str:
    return named(hosted.get("type") or "tool")


def _as_blocks(system: object) -> list[Body]:
    return [{"type": "text", "text": system}] if isinstance(system, str) and system else blocks(system)


def _without_billing(block: Body) -> Body | None:
    text = json_values.words(block.get("text"))
    header = BILLING_HEADER.match(text)
    if header is None:
        return block
    rest = text[header.end() :]
    return {**block, "text": rest} if rest.strip() else None


def _fitted_message(message: Body, drop: Drop) -> Body | None:
    """Return the message with references to tools, which Anthropic expands, as text; None if nothing is left."""
    content = message.get("content")
    if not isinstance(content, list):
        return message
    kept: list[Any] = []
    for block in content:
        if _is_of_hosted_tool(block):
            drop(named(block["type"]))
        else:
            kept.append(_as_text(block))
    if kept == content:
        return message
    return {**message, "content": kept} if kept else None


def _is_of_hosted_tool(block: object) -> bool:
    kind = json_values.words(block.get("type")) if isinstance(block, dict) else ""
    return kind in _CALLS or kind.endswith(_RESULT)


def _as_text(block: Any) -> Any:  # noqa: ANN401 - of a client
    if not isinstance(block, dict):
        return block
    if block.get("type") == "tool_result" and isinstance(content := block.get("content"), list):
        return {**block, "content": list(map(_as_text, content))}
    return {"type": "text", "text": tool_found(block)} if block.get("type") == "tool_reference" else block


def _with_tools(changed: Body, body: Body, drop: Drop) -> Body:
    """Return the request without tools that run at Anthropic, and without those that no search has found yet."""
    tools = blocks(body.get("tools"))
    if not any(is_hosted(tool) or _may_be_deferred(tool) for tool in tools):
        return changed
    _, chosen = _choice(body)
    loaded = {*_references(body["messages"]), chosen}
    kept: list[Body] = []
    for tool in tools:
        if is_hosted(tool):
            drop(_name(tool))
        elif not _is_deferred(tool, loaded):
            kept.append({name: tool[name] for name in tool if name != "defer_loading"})
    others = {name: value for name, value in changed.items() if name != "tools"}
    if not kept or (chosen and all(json_values.words(tool.get("name")) != chosen for tool in kept)):
        others.pop("tool_choice", None)
    return {**others, "tools": kept} if kept else others


def _may_be_deferred(tool: Body) -> bool:
    return "defer_loading" in tool or json_values.words(tool.get("name")) in PLACEHOLDERS


def _is_deferred(tool: Body, loaded: set[str]) -> bool:
    name = json_values.words(tool.get("name"))
    return name in PLACEHOLDERS or (bool(tool.get("defer_loading")) and name not in loaded)


def _references(messages: Iterable[Body]) -> Iterator[str]:
    """Yield the names of the tools that the conversation has found or called by now."""
    for message in messages:
        for block in blocks(message.get("content")):
            if block.get("type") == "tool_use":
                yield json_values.words(block.get("name"))
            for each in (block, *_results(block)):
                if each.get("type") == "tool_reference":
                    yield json_values.words(each.get("tool_name"))


def _results(block: Body) -> list[Body]:
    """Return what is in a result, of a tool search of the client or of Anthropic's."""
    content = block.get("content")
    return blocks(content.get("tool_references") if isinstance(content, dict) else content)
