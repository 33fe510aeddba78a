"""A messages request as a conversation.

Source: the API reference of messages. A reader is lenient: values of the wrong type are left out.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from coderouter_proxy.wires import json_values, state
from coderouter_proxy.wires.conversation import (
    Body,
    Call,
    Conversation,
    Media,
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
    return Conversation(
        system=tuple(_texts(body.get("system"))),
        turns=tuple(map(_turn, body["messages"])),
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
        vendor={WIRE: vendor | config},
    )


def blocks(value: object) -> list[Body]:
    """Return the entries of a list that are objects."""
    return [block for block in value if isinstance(block, dict)] if isinstance(value, list) else []


def tool_found(reference: Body) -> str:
    """Return the text for a reference to a tool, which only Anthropic's server expands."""
    return f"Tool {json_values.words(reference.get('tool_name'))} is now available."


def _turn(message: Body) -> Turn:
    role, content = message.get("role"), message.get("content")
    given = [{"type": "text", "text": content}] if isinstance(content, str) else blocks(content)
    return Turn(role if role in ("assistant", "system") else "user", tuple(_part(block) for block in given))


def _part(block: Body) -> Part:
    cache = block.get("cache_control")
    match block.get("type"):
        case "text":
            return Text(json_values.words(block.get("text")), cache=cache)
        case "tool_use":
            arguments = json_values.written(block.get("input") or {}, retryable=False)
            own_id, of_call = state.decode_id(json_values.words(block.get("id")))
            return Call(own_id, json_values.words(block.get("name")), arguments, of_call, cache=cache)
        case "tool_result":
            call_id, _ = state.decode_id(json_values.words(block.get("tool_use_id")))
            content = block.get("content")
            parts = (
                [Text(content)] if isinstance(content, str) else [_part(inner) for inner in blocks(content)]
            )
            return Result(call_id, tuple(parts), is_error=bool(block.get("is_error")), cache=cache)
        case "thinking":
            text, proof = json_values.words(block.get("thinking")), json_values.words(block.get("signature"))
            return Thinking(text, proof, state.signed(proof, text), cache=cache)
        case "image" | "document" | "search_result":
            return _media(block) or VendorPart(WIRE, block["type"], block, cache=cache)
        case "tool_reference":
            return Text(tool_found(block), cache=cache)
        case other:
            return VendorPart(WIRE, other, block, cache=cache)


def _media(block: Body) -> Part | None:
    given, cache = block.get("source"), block.get("cache_control")
    source: Body = given if isinstance(given, dict) else {}
    kind: Literal["image", "document"] = "image" if block["type"] == "image" else "document"
    title = json_values.words(block.get("title")) or None
    media_type = json_values.words(source.get("media_type"))
    match block["type"], source.get("type"):
        case "image" | "document", "base64":
            return Media(
                kind, media_type, data=json_values.words(source.get("data")), title=title, cache=cache
            )
        case "image" | "document", "url":
            return Media(kind, url=json_values.words(source.get("url")), title=title, cache=cache)
        case "document", "text":
            return Media(
                kind, "text/plain", text=json_values.words(source.get("data")), title=title, cache=cache
            )
        case "document", "content":
            return Text(_joined(source.get("content")), cache=cache)
        case "search_result", _:
            return Text(_joined(block.get("content")), cache=cache)
    return None


def _texts(system: object) -> Iterator[Text]:
    if isinstance(system, str):
        yield Text(system)
        return
    for block in blocks(system):
        if block.get("type") == "text" and (text := json_values.words(block.get("text"))):
            yield Text(text, cache=block.get("cache_control"))


def _joined(content: object) -> str:
    if isinstance(content, str):
        return content
    return "\n\n".join(text.text for text in _texts(content))


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


def _split_output_config(config: object) -> tuple[object, Body]:
    """Return the schema of the answer, and the rest of the field, which only this wire has."""
    if not isinstance(config, dict):
        return None, {}
    wanted = config.get("format")
    if isinstance(wanted, dict) and wanted.get("type") == "json_schema":
        return wanted.get("schema"), {name: config[name] for name in config.keys() - {"format"}}
    return None, dict(config)


def texts_of(parts: Iterable[Part]) -> list[str]:
    return [part.text for part in parts if isinstance(part, Text) and part.text]
