"""An Anthropic messages request as an OpenAI chat completion request.

Sources: the API references of both wires. Fields that neither maps nor drops here are unknown to us and stay as
they are: a provider may know them.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values
from coderouter_proxy.wires.losses import named
from coderouter_proxy.wires.tool_names import short

Drop = Callable[[str], object]
Block = dict[str, Any]

# Said in another way below, or meaningless to an OpenAI provider.
_TRANSLATED = frozenset(
    {
        "system",
        "messages",
        "tools",
        "tool_choice",
        "stop_sequences",
        "max_tokens",
        "metadata",
        "output_config",
    }
)
_UNKNOWN_THERE = ("thinking", "context_management", "container", "mcp_servers", "betas", "anthropic_version")
_NO_THINKING = {"type": "disabled"}
_SILENTLY_GONE = frozenset({"service_tier", "inference_geo"})
STOP_SEQUENCES_MAX = 4
USER_CHARS_MAX = 64

CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def request(body: Body, drop: Drop) -> Body:
    """Return the OpenAI request; `drop` is told the name of each thing that is lost."""
    gone = {*_TRANSLATED, *_SILENTLY_GONE, *_UNKNOWN_THERE}
    for name in _UNKNOWN_THERE:
        if body.get(name) and body[name] != _NO_THINKING:
            drop(name)
    if _mentions_cache_control(body):
        drop("cache_control")
    translated: Body = {key: value for key, value in body.items() if key not in gone}
    translated["messages"] = [*_system(body.get("system")), *_messages(body["messages"], drop)]
    if (max_tokens := body.get("max_tokens")) is not None:
        translated["max_tokens"] = max_tokens
    if stops := body.get("stop_sequences"):
        translated["stop"] = stops[:STOP_SEQUENCES_MAX] if isinstance(stops, list) else stops
        if translated["stop"] != stops:
            drop("stop_sequences")
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("user_id"), str):
        translated["user"] = _user_id(metadata["user_id"])
    if tools := list(_tools(body.get("tools"), drop)):
        translated["tools"] = tools
        translated |= _tool_choice(body.get("tool_choice"))
    translated |= _output(body.get("output_config"), drop)
    return translated


def _user_id(given: str) -> str:
    """Return the name of the user; Claude Code's is longer than OpenAI takes, and always the same."""
    return given if len(given) <= USER_CHARS_MAX else hashlib.sha256(given.encode()).hexdigest()


def _system(system: object) -> list[Block]:
    text = system if isinstance(system, str) else "\n\n".join(_texts(system))
    return [{"role": "system", "content": text}] if text else []


def _messages(messages: list[Any], drop: Drop) -> Iterator[Block]:
    for message in messages:
        role, content = message.get("role"), message.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else _blocks(content)
        if role == "assistant":
            yield _assistant(blocks, drop)
        elif role == "system":
            yield {"role": "system", "content": "\n\n".join(_texts(blocks))}
        else:
            yield from _user(blocks, drop)


def _assistant(blocks: list[Block], drop: Drop) -> Block:
    calls = []
    for block in blocks:
        match block.get("type"):
            case "tool_use":
                function = {
                    "name": short(json_values.words(block.get("name"))),
                    "arguments": json_values.written(block.get("input") or {}, retryable=False),
                }
                calls.append({"id": block.get("id"), "type": "function", "function": function})
            case "text":
                pass
            case "thinking" | "redacted_thinking":
                drop("thinking")
            case other:
                drop(named(other))
    message: Block = {"role": "assistant", "content": "".join(_texts(blocks)) or None}
    if calls:
        message["tool_calls"] = calls
    elif message["content"] is None:
        message["content"] = ""
    return message


def _user(blocks: list[Block], drop: Drop) -> Iterator[Block]:
    """Yield tool results first: on the OpenAI wire they have to follow the calls directly."""
    parts: list[Block] = []
    for block in blocks:
        if block.get("type") == "tool_result":
            text, others = _result(block, drop)
            yield {"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": text}
            parts += others
        elif (part := _part(block, drop)) is not None:
            parts.append(part)
    if parts:
        only_text = all(part["type"] == "text" for part in parts)
        content = "\n\n".join(part["text"] for part in parts) if only_text else parts
        yield {"role": "user", "content": content}


def _result(block: Block, drop: Drop) -> tuple[str, list[Block]]:
    """Return the text of a tool result, and its images: a tool message holds text only, so the user shows them."""
    content = block.get("content")
    if isinstance(content, str) or content is None:
        text, others = content or "", []
    else:
        parts = [part for inner in _blocks(content) if (part := _part(inner, drop)) is not None]
        text = "\n\n".join(part["text"] for part in parts if part["type"] == "text")
        others = [part for part in parts if part["type"] != "text"]
    return (f"Error: {text}" if block.get("is_error") else text), others


def _part(block: Block, drop: Drop) -> Block | None:
    given = block.get("source")
    source: Block = given if isinstance(given, dict) else {}
    match block.get("type"), source.get("type"):
        case "text", _:
            return {"type": "text", "text": json_values.words(block.get("text"))}
        case "image", "base64" | "url":
            return {"type": "image_url", "image_url": {"url": _url(source)}}
        case "document", "text":
            return {"type": "text", "text": json_values.words(source.get("data"))}
        case "document", "base64":
            name = block.get("title") or "document.pdf"
            return {"type": "file", "file": {"filename": name, "file_data": _url(source)}}
        case "document", "content":
            return {"type": "text", "text": "\n\n".join(_texts(source.get("content")))}
        case "search_result", _:
            return {"type": "text", "text": "\n\n".join(_texts(block.get("content")))}
        case other, _:
            drop(named(other))
            return None


def _url(source: Block) -> str:
    if source["type"] == "url":
        return json_values.words(source.get("url"))
    media_type = json_values.words(source.get("media_type")) or "application/octet-stream"
    return f"data:{media_type};base64,{json_values.words(source.get('data'))}"


def _tools(tools: object, drop: Drop) -> Iterator[Block]:
    for tool in _blocks(tools):
        if "input_schema" not in tool:
            drop(named(tool.get("type") or "tool"))  # it runs on Anthropic's servers
            continue
        function = {"name": short(json_values.words(tool.get("name"))), "parameters": tool["input_schema"]}
        if tool.get("description"):
            function["description"] = tool["description"]
        if tool.get("strict") is not None:
            function["strict"] = tool["strict"]
        yield {"type": "function", "function": function}


def _tool_choice(choice: object) -> Body:
    if not isinstance(choice, dict):
        return {}
    translated: Body = {}
    if choice.get("type") == "tool":
        name = short(json_values.words(choice.get("name")))
        translated["tool_choice"] = {"type": "function", "function": {"name": name}}
    elif (kind := CHOICES.get(json_values.words(choice.get("type")))) is not None:
        translated["tool_choice"] = kind
    if choice.get("disable_parallel_tool_use"):
        translated["parallel_tool_calls"] = False
    return translated


def _output(config: object, drop: Drop) -> Body:
    if not isinstance(config, dict):
        return {}
    if config.get("effort") is not None:
        drop("effort")
    wanted = config.get("format")
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        return {}
    schema = {"name": "answer", "schema": wanted.get("schema"), "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _mentions_cache_control(body: Body) -> bool:
    places = [
        body.get("system"),
        body.get("tools"),
        *(message.get("content") for message in body["messages"]),
    ]
    return "cache_control" in body or any(
        "cache_control" in block for place in places for block in _blocks(place)
    )


def _texts(blocks: object) -> list[str]:
    return [
        text
        for block in _blocks(blocks)
        if block.get("type") == "text" and (text := json_values.words(block.get("text")))
    ]


def _blocks(value: object) -> list[Block]:
    """Return the blocks of a list; what is none is not the proxy's to complain about."""
    return [block for block in value if isinstance(block, dict)] if isinstance(value, list) else []
