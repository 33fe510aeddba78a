"""A messages request as a conversation.

Source: the API reference of messages. A reader is lenient: values of the wrong type are left out.
"""

from collections.abc import Iterator
from typing import Any

from coderouter_proxy.wires import json_values, state
from coderouter_proxy.wires.anthropic import documents
from coderouter_proxy.wires.conversation import (
    Body,
    Call,
    Conversation,
    OutputSchema,
    Part,
    Result,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    Turn,
    VendorPart,
)

WIRE = "anthropic"
MODES = {"auto": "auto", "any": "required", "none": "none", "tool": "tool"}
# Read below; the others are fields that only this wire has.
_READ = frozenset(
    {
        "model",
        "messages",
        "system",
        "tools",
        "tool_choice",
        "stop_sequences",
        "max_tokens",
        "metadata",
        "temperature",
        "top_p",
        "top_k",
        "stream",
        "profile",
    }
)
_EFFORT_FIELDS = ("thinking", "effort")
# Upper bounds of `thinking.budget_tokens`, as other gateways map them to levels.
_BUDGETS = ((1024, "low"), (8192, "medium"))
# About which servers answer, not about the answer.
_NO_LOSS = frozenset({"service_tier", "inference_geo", "anthropic_version"})


def read(body: Body) -> Conversation:
    """Return the conversation.

    Raises:
        ProviderError: arguments of a call are nested too deeply to be written.
    """
    choice = body.get("tool_choice")
    choice = choice if isinstance(choice, dict) else {}
    metadata = body.get("metadata")
    user = metadata.get("user_id") if isinstance(metadata, dict) else None
    stops = body.get("stop_sequences")
    schema, config = _split_output_config(body.get("output_config"))
    vendor = {name: value for name, value in body.items() if name not in _READ and name not in _NO_LOSS}
    vendor.pop("output_config", None)
    if schema is None:
        schema, _ = _split_output_config({"format": vendor.pop("output_format", None)})
    effort = _effort(vendor.get("thinking"), config.get("effort"))
    return Conversation(
        system=tuple(_texts(body.get("system"))),
        turns=tuple(_turns(body["messages"])),
        tools=tuple(map(_tool, blocks(body.get("tools")))),
        tool_choice=_tool_choice(choice),
        parallel_calls=False if choice.get("disable_parallel_tool_use") else None,
        max_tokens=body.get("max_tokens"),
        stop=tuple(stop for stop in stops if isinstance(stop, str)) if isinstance(stops, list) else (),
        temperature=body.get("temperature"),
        top_p=body.get("top_p"),
        top_k=body.get("top_k"),
        stream=body.get("stream"),
        output_schema=None if schema is None else OutputSchema(schema),
        user=user if isinstance(user, str) else None,
        effort=effort,
        vendor={WIRE: vendor | config},
        effort_fields=() if effort is None else _EFFORT_FIELDS,
    )


def blocks(value: object) -> list[Body]:
    """Return the entries of a list that are objects."""
    return [block for block in value if isinstance(block, dict)] if isinstance(value, list) else []


def tool_found(reference: Body) -> str:
    """Return the text for a reference to a tool, which only Anthropic's server expands."""
    return f"Tool {json_values.words(reference.get('tool_name'))} is now available."


def _turns(messages: list[Body]) -> Iterator[Turn]:
    calls = state.ReturnedCalls()
    for message in messages:
        role, content = message.get("role"), message.get("content")
        if isinstance(content, str):
            parts: tuple[Part, ...] = (Text(content),)
        else:
            parts = tuple(part for block in blocks(content) for part in _parts(block, calls))
        yield Turn(role if role in ("assistant", "system") else "user", parts)


def _parts(block: Body, calls: state.ReturnedCalls) -> tuple[Part, ...]:
    """Return what the block says: several parts for a document with images, none for a block of ours.

    A block of ours is about a call that follows.
    """
    cache = block.get("cache_control")
    match block.get("type"):
        case "text":
            return (Text(json_values.words(block.get("text")), cache=cache),)
        case "tool_use":
            arguments = json_values.written(block.get("input") or {}, retryable=False)
            own_id, of_call = calls.call(json_values.words(block.get("id")))
            return (Call(own_id, json_values.words(block.get("name")), arguments, of_call, cache=cache),)
        case "tool_result":
            call_id = calls.result(json_values.words(block.get("tool_use_id")))
            content = block.get("content")
            inner = [{"type": "text", "text": content}] if isinstance(content, str) else blocks(content)
            parts = tuple(part for each in inner for part in _parts(each, calls))
            return (Result(call_id, parts, is_error=bool(block.get("is_error")), cache=cache),)
        case "thinking":
            text, proof = json_values.words(block.get("thinking")), json_values.words(block.get("signature"))
            return (Thinking(text, proof, state.signed(proof, text), cache=cache),)
        case "redacted_thinking" if calls.takes(block.get("data")):
            return ()
        case "image" | "document" | "search_result":
            said = documents.parts(block) or (VendorPart(WIRE, block["type"], block, cache=cache),)
            return (*said, VendorPart(WIRE, "citations", block["citations"])) if _cites(block) else said
        case "tool_reference":
            return (Text(tool_found(block), cache=cache),)
        case other:
            return (VendorPart(WIRE, other, block, cache=cache),)


def _cites(block: Body) -> bool:
    citations = block.get("citations")
    return isinstance(citations, dict) and bool(citations.get("enabled"))


def _texts(system: object) -> Iterator[Text]:
    if isinstance(system, str):
        yield Text(system)
        return
    for block in blocks(system):
        if block.get("type") == "text" and (text := json_values.words(block.get("text"))):
            yield Text(text, cache=block.get("cache_control"))


def _tool(tool: Body) -> Tool:
    name, cache = json_values.words(tool.get("name")), tool.get("cache_control")
    if "input_schema" not in tool:
        return Tool(name=name, hosted=tool.get("type") or "tool", cache=cache)
    return Tool(
        name=name,
        description=json_values.words(tool.get("description")),
        parameters=tool["input_schema"],
        strict=tool.get("strict"),
        cache=cache,
    )


def _tool_choice(choice: Body) -> ToolChoice | None:
    mode: Any = MODES.get(json_values.words(choice.get("type")))
    return ToolChoice(mode, json_values.words(choice.get("name"))) if mode else None


def _effort(thinking: object, effort: object) -> str | None:
    """Return the level that the request means; None where it leaves it to the model."""
    fields = thinking if isinstance(thinking, dict) else {}
    if fields.get("type") == "disabled":
        return "none"
    if isinstance(effort, str) and effort:
        return effort
    budget = fields.get("budget_tokens")
    if fields.get("type") != "enabled" or not isinstance(budget, int):
        return None
    return next((level for tokens_max, level in _BUDGETS if budget <= tokens_max), "high")


def _split_output_config(config: object) -> tuple[object, Body]:
    """Return the schema of the answer, and the rest of the field, which only this wire has."""
    if not isinstance(config, dict):
        return None, {}
    wanted = config.get("format")
    if isinstance(wanted, dict) and wanted.get("type") == "json_schema":
        return wanted.get("schema"), {name: config[name] for name in config.keys() - {"format"}}
    return None, dict(config)
