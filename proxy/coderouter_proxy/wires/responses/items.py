"""Items of the input as turns of a conversation.

Source: the API reference of responses, and what codex, openai-agents, pydantic-ai and the AI SDK send. A reader is
lenient: what it does not know is left out.
"""

from collections.abc import Iterable, Iterator, Sequence

import orjson

from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values, state
from coderouter_proxy.wires.conversation import Call, Part, Result, Text, Thinking, Turn, VendorPart
from coderouter_proxy.wires.responses import content
from coderouter_proxy.wires.responses.content import WIRE
from coderouter_proxy.wires.responses.tools import INPUT, TOOL_SEARCH, Catalogue
from coderouter_proxy.wires.system_text import SYSTEM_ROLES

NO_TURN = ("additional_tools", "configuration_update", "item_reference")
"""Types of items that say something about the request, not in the conversation."""
_BUILT_IN = {"local_shell_call": "action", "shell_call": "action", "apply_patch_call": "operation"}
"""Calls of tools that a client runs and OpenAI describes: the field with their arguments."""
_HOSTED = {
    "web_search_call": "web_search",
    "file_search_call": "file_search",
    "image_generation_call": "image_generation",
    "code_interpreter_call": "code_interpreter",
    "computer_call": "computer",
    "computer_call_output": "computer",
    "mcp_call": "mcp",
    "mcp_list_tools": "mcp",
    "mcp_approval_request": "mcp",
    "mcp_approval_response": "mcp",
    "program": "programmatic_tool_calling",
    "program_output": "programmatic_tool_calling",
}
"""What tools that run at OpenAI leave in a conversation, and the tool."""


def split_system(items: Sequence[Body]) -> tuple[list[Text], list[Body]]:
    """Return the system text before any other message, and all other items."""
    leading: list[Text] = []
    for number, item in enumerate(items):
        if item.get("type") in NO_TURN:
            continue
        if item.get("role") not in SYSTEM_ROLES:
            return leading, list(items[number:])
        leading += content.texts(item.get("content"))
    return leading, []


def turns(items: Iterable[Body], catalogue: Catalogue) -> Iterator[Turn]:
    calls = state.ReturnedCalls()
    for item in items:
        kind = item.get("type") or "message"
        if kind == "message":
            yield _message(item)
        elif kind == "reasoning":
            if (thinking := _thinking(item, calls)) is not None:
                yield Turn("assistant", (thinking,))
        elif isinstance(kind, str) and kind.endswith("_output") and kind not in _HOSTED:
            yield Turn("user", (_result(item, calls),))
        elif kind not in NO_TURN:
            yield Turn("assistant", (_call(item, catalogue, calls),))


def _message(item: Body) -> Turn:
    parts = content.parts(item.get("content"))
    role = item.get("role")
    if role in SYSTEM_ROLES:
        return Turn("system", parts)
    return Turn("assistant" if role == "assistant" else "user", parts)


def _thinking(item: Body, calls: state.ReturnedCalls) -> Thinking | None:
    """Return the reasoning: with state of ours, or the text that a model without any gave; None for another vendor's.

    A summary alone is none: its state comes back in the ids of the calls.
    """
    encrypted = item.get("encrypted_content")
    if isinstance(encrypted, str) and encrypted:
        text = "".join(part.text for part in content.texts(item.get("summary")))
        of_turn = state.signed(encrypted, text)
        if of_turn is None:
            calls.takes(encrypted)  # it may be about a call that follows
        return Thinking(text, state=of_turn) if of_turn is not None else None
    text = "".join(part.text for part in content.texts(item.get("content")))
    return Thinking(text, state=state.State("", turn={state.REASONING[0]: text})) if text else None


def _call(item: Body, catalogue: Catalogue, calls: state.ReturnedCalls) -> Part:
    kind = item.get("type")
    name, namespace = json_values.words(item.get("name")), json_values.words(item.get("namespace"))
    match kind:
        case "function_call":
            arguments = _sound(json_values.words(item.get("arguments")))
        case "custom_tool_call":
            arguments = json_values.written({INPUT: json_values.words(item.get("input"))}, retryable=False)
        case "tool_search_call":
            name, arguments = TOOL_SEARCH, json_values.written(item.get("arguments") or {}, retryable=False)
        case str() if kind in _BUILT_IN:
            name = kind.removesuffix("_call")
            arguments = json_values.written(item.get(_BUILT_IN[kind]) or {}, retryable=False)
        case _:
            return VendorPart(WIRE, _HOSTED.get(json_values.words(kind), kind), item)
    own_id, of_call = calls.call(json_values.words(item.get("call_id") or item.get("id")))
    return Call(own_id, catalogue.flat_name(namespace, name), arguments, of_call)


def _sound(arguments: str) -> str:
    """Return the arguments unchanged if they are JSON, else as a value of an object: templates of models parse them."""
    if not arguments.strip():
        return "{}"
    try:
        orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return orjson.dumps({"arguments": arguments}).decode()
    return arguments


def _result(item: Body, calls: state.ReturnedCalls) -> Result:
    call_id = calls.result(json_values.words(item.get("call_id")))
    if item.get("type") == "tool_search_output":
        return Result(call_id, (Text(_found(item.get("tools"))),))
    output = item.get("output")
    if isinstance(output, list) and any(isinstance(part, dict) and "stdout" in part for part in output):
        return Result(call_id, (Text(_printed(output)),))
    return Result(call_id, content.parts(output))


def _printed(outputs: list[object]) -> str:
    """Return what the commands of a shell call wrote."""
    texts = (
        json_values.words(each.get(name))
        for each in outputs
        if isinstance(each, dict)
        for name in ("stdout", "stderr")
    )
    return "\n".join(text for text in texts if text)


def _found(tools: object) -> str:
    """Return the names and descriptions of the tools that a search found; the request has their schemas."""
    lines: list[str] = []
    for tool in tools if isinstance(tools, list) else []:
        if not isinstance(tool, dict):
            continue
        lines.append(_line(tool, ""))
        inner = tool.get("tools")
        prefix = f"{json_values.words(tool.get('name'))}__"
        lines += [
            _line(each, prefix)
            for each in (inner if isinstance(inner, list) else [])
            if isinstance(each, dict)
        ]
    return "\n".join(lines) or "No tools found."


def _line(tool: Body, prefix: str) -> str:
    name, about = json_values.words(tool.get("name")), json_values.words(tool.get("description"))
    return f"{prefix}{name}: {about}" if about else f"{prefix}{name}"
