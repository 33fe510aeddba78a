"""What servers other than Anthropic's own do not take of a messages request, and what they are sent instead.

Source: requests of real Claude Code, and what local servers and other vendors answered to them.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from coderouter_proxy.wires import json_values, system_text
from coderouter_proxy.wires.anthropic.fit import without_effort
from coderouter_proxy.wires.anthropic.request_reader import blocks
from coderouter_proxy.wires.client import Drop, HostedTools
from coderouter_proxy.wires.losses import named

Body = dict[str, Any]

BILLING_HEADER = "x-anthropic-billing-header:"
"""Begins a system block of Claude Code whose text differs between sessions: it voids every prefix cache."""

# Reserved names that keep Anthropic's cache of tools; they can never be called.
PLACEHOLDERS = frozenset({"DeferredToolPlaceholder", "__pi_deferred_placeholder__"})


def fitted(body: Body, drop: Drop, *, settled: bool = True) -> Body:
    """Return the request for a server that is not Anthropic's own; `drop` gets the tools that only run there.

    `settled`: system text of the messages goes where every server takes it.
    """
    leading, messages = system_text.settled(body["messages"]) if settled else ([], body["messages"])
    own = [
        *_as_blocks(body.get("system")),
        *(block for each in leading for block in _as_blocks(each.get("content"))),
    ]
    system = [block for block in own if not json_values.words(block.get("text")).startswith(BILLING_HEADER)]
    changed: Body = {**body, "messages": list(map(_without_references, messages))}
    if leading or len(system) != len(own):
        changed["system"] = system
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
    """Return the tools that run at Anthropic, and whether the model has to call one of them."""
    hosted = [tool for tool in blocks(body.get("tools")) if is_hosted(tool)]
    choice = body.get("tool_choice")
    chosen = choice.get("name") if isinstance(choice, dict) and choice.get("type") == "tool" else None
    forced = chosen is not None and any(tool.get("name") == chosen for tool in hosted)
    return HostedTools(tuple(named(tool.get("type") or "tool") for tool in hosted), forced)


def is_hosted(tool: Body) -> bool:
    return "input_schema" not in tool


def _as_blocks(system: object) -> list[Body]:
    return [{"type": "text", "text": system}] if isinstance(system, str) and system else blocks(system)


def _without_references(message: Body) -> Body:
    """Return the message with references to tools, which Anthropic's server expands, as text."""
    if not any(True for _ in _references([message])):
        return message
    return {**message, "content": list(map(_as_text, message["content"]))}


def _as_text(block: Any) -> Any:  # noqa: ANN401 - of a client
    if not isinstance(block, dict):
        return block
    if block.get("type") == "tool_result" and isinstance(content := block.get("content"), list):
        return {**block, "content": list(map(_as_text, content))}
    if block.get("type") == "tool_reference":
        name = json_values.words(block.get("tool_name"))
        return {"type": "text", "text": f"Tool {name} is now available."}
    return block


def _with_tools(changed: Body, body: Body, drop: Drop) -> Body:
    """Return the request without tools that run at Anthropic, and without those that no search has found yet."""
    tools = blocks(body.get("tools"))
    if not any(is_hosted(tool) or "defer_loading" in tool for tool in tools):
        return changed
    loaded = set(_references(body["messages"]))
    kept: list[Body] = []
    for tool in tools:
        if is_hosted(tool):
            drop(named(tool.get("type") or "tool"))
        elif not _is_deferred(tool, loaded):
            kept.append({name: tool[name] for name in tool if name != "defer_loading"})
    others = {name: value for name, value in changed.items() if name != "tools"}
    choice = body.get("tool_choice")
    chosen = choice.get("name") if isinstance(choice, dict) else None
    if not kept or (chosen is not None and all(tool.get("name") != chosen for tool in kept)):
        others.pop("tool_choice", None)
    return {**others, "tools": kept} if kept else others


def _is_deferred(tool: Body, loaded: set[str]) -> bool:
    name = json_values.words(tool.get("name"))
    return name in PLACEHOLDERS or (bool(tool.get("defer_loading")) and name not in loaded)


def _references(messages: Iterable[Body]) -> Iterator[str]:
    """Yield the names of the tools that a tool search has found by now."""
    for message in messages:
        for block in blocks(message.get("content")):
            inner = blocks(block.get("content")) if block.get("type") == "tool_result" else [block]
            for each in inner:
                if each.get("type") == "tool_reference":
                    yield json_values.words(each.get("tool_name"))
