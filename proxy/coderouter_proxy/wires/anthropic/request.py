"""An OpenAI chat completion request as an Anthropic messages request.

Sources: the API references of both wires. Only fields that Anthropic knows are sent: it refuses all others.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values
from coderouter_proxy.wires.losses import named

Drop = Callable[[str], object]
Block = dict[str, Any]

MAX_TOKENS = 8192  # Anthropic wants a number; this much every model of theirs can write
KEPT = frozenset({"top_k", "top_p", "stream", "thinking", "output_config"})
# Fields with a value that changes nothing are dropped without a word.
_HARMLESS = {
    "n": 1,
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "logprobs": False,
    "store": False,
    "metadata": {},
    "service_tier": "default",
}
_TRANSLATED = frozenset(
    {
        "messages",
        "model",
        "tools",
        "functions",
        "tool_choice",
        "function_call",
        "parallel_tool_calls",
        "stop",
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "user",
        "response_format",
        "stream_options",
        "profile",
    }
)
CHOICES = {"auto": "auto", "required": "any", "none": "none"}
_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^,]*)?;base64,(.*)", re.DOTALL)
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9_-]")


def request(body: Body, drop: Drop) -> Body:
    """Return the Anthropic request; `drop` is told the name of each thing that is lost."""
    translated: Body = {name: value for name, value in body.items() if name in KEPT}
    translated |= _told_otherwise(body)
    for name, value in body.items():
        known = name in _TRANSLATED or name in translated
        if not known and value is not None and _HARMLESS.get(name) != value:
            drop(named(name))
    translated["model"] = body.get("model")
    translated["max_tokens"] = body.get("max_completion_tokens") or body.get("max_tokens") or MAX_TOKENS
    leading, others = _split_system(body["messages"])
    if system := _system(leading, drop):
        translated["system"] = system
    translated["messages"] = _merged(_messages(others, drop))
    if (temperature := body.get("temperature")) is not None:
        translated["temperature"] = (
            min(temperature, 1) if isinstance(temperature, (int, float)) else temperature
        )
    if stop := body.get("stop"):
        translated["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    if tools := list(_tools(body, drop)):
        translated["tools"] = tools
        translated |= _tool_choice(body, drop)
    translated |= _output(body.get("response_format"), drop)
    return translated


def _told_otherwise(body: Body) -> Body:
    """Return the fields of both wires that mean the same only with some of their values."""
    told: Body = {}
    metadata = body.get("metadata")
    user = body.get("user") or (metadata.get("user_id") if isinstance(metadata, dict) else None)
    if isinstance(user, str):
        told["metadata"] = {"user_id": user}
    if body.get("service_tier") in ("auto", "standard_only"):
        told["service_tier"] = body["service_tier"]
    return told


def _split_system(messages: list[Block]) -> tuple[list[Block], list[Block]]:
    """Return the system messages at the beginning, and all the rest."""
    count = 0
    while count < len(messages) and messages[count].get("role") in ("system", "developer"):
        count += 1
    return messages[:count], messages[count:]


def _system(messages: list[Block], drop: Drop) -> str | list[Block]:
    """Return one text; or blocks, where a breakpoint of the cache has to stay in its place."""
    blocks = [part for message in messages for part in _parts(message.get("content"), drop)]
    texts = [block for block in blocks if block["type"] == "text"]
    if any("cache_control" in block for block in texts):
        return texts
    return "\n\n".join(block["text"] for block in texts)


def _messages(messages: list[Block], drop: Drop) -> Iterator[tuple[str, list[Block]]]:
    for message in messages:
        content = message.get("content")
        match message.get("role"):
            case "assistant":
                yield "assistant", [*_parts(content, drop), *_calls(message)]
            case "tool" | "function":
                result = {
                    "type": "tool_result",
                    "tool_use_id": _call_id(message.get("tool_call_id") or message.get("name")),
                }
                yield "user", [{**result, "content": _parts(content, drop) or ""}]
            case _:  # user; also a system message amid the conversation, which has no place of its own there
                yield "user", _parts(content, drop)


def _merged(messages: Iterator[tuple[str, list[Block]]]) -> list[Block]:
    """Return the messages with those of one role in a row made one; tool results come first in theirs."""
    merged: list[Block] = []
    for role, blocks in messages:
        if merged and merged[-1]["role"] == role:
            merged[-1]["content"] += blocks
        elif blocks:
            merged.append({"role": role, "content": blocks})
    for message in merged:
        message["content"].sort(key=lambda block: block["type"] != "tool_result")
    return merged


def _calls(message: Block) -> Iterator[Block]:
    """Yield the calls; `function_call` is the one they were before, known by its name only."""
    calls, before = message.get("tool_calls"), message.get("function_call")
    for call in calls if isinstance(calls, list) else []:
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            yield _tool_use(call.get("id"), function)
    if isinstance(before, dict):
        yield _tool_use(before.get("name"), before)


def _tool_use(call_id: object, function: Block) -> Block:
    return {
        "type": "tool_use",
        "id": _call_id(call_id),
        "name": function.get("name"),
        "input": json_values.arguments(function.get("arguments")),
    }


def _call_id(given: object) -> object:
    return _NOT_IN_ID.sub("_", given) if isinstance(given, str) else given


def _parts(content: object, drop: Drop) -> list[Block]:
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    parts = content if isinstance(content, list) else []
    blocks: list[Block] = []
    for part in parts:
        if isinstance(part, dict) and (block := _part(part, drop)) is not None:
            if "cache_control" in part:
                block["cache_control"] = part["cache_control"]
            blocks.append(block)
    return blocks


def _part(part: Block, drop: Drop) -> Block | None:
    kind = json_values.words(part.get("type"))
    inner = part.get(kind)
    if kind in ("text", "refusal"):
        # Anthropic refuses a text that is empty or only white space.
        return {"type": "text", "text": inner} if isinstance(inner, str) and inner.strip() else None
    if kind == "image_url":
        url = inner.get("url") if isinstance(inner, dict) else inner
        if isinstance(url, str):
            return {"type": "image", "source": _source(url)}
    elif kind == "file" and isinstance(inner, dict) and isinstance(inner.get("file_data"), str):
        document = {"type": "document", "source": _source(inner["file_data"])}
        return {**document, "title": inner["filename"]} if inner.get("filename") else document
    drop(named(kind))
    return None


def _source(url: str) -> Block:
    if data := _DATA_URL.match(url):
        return {"type": "base64", "media_type": data[1] or "application/octet-stream", "data": data[2]}
    return {"type": "url", "url": url}


def _tools(body: Body, drop: Drop) -> Iterator[Block]:
    """Yield the tools; `functions` is the name they had before."""
    tools, functions = body.get("tools"), body.get("functions")
    listed = [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    listed += [{"function": function} for function in (functions if isinstance(functions, list) else [])]
    for tool in listed:
        function = tool.get("function")
        if not isinstance(function, dict):
            drop(named(tool.get("type")))
            continue
        schema = function.get("parameters") or {"type": "object", "properties": {}}
        translated = {"name": function.get("name"), "input_schema": schema}
        if function.get("description"):
            translated["description"] = function["description"]
        if "cache_control" in tool:
            translated["cache_control"] = tool["cache_control"]
        yield translated


def _tool_choice(body: Body, drop: Drop) -> Body:
    choice = body.get("tool_choice") or body.get("function_call")
    alone = body.get("parallel_tool_calls") is False
    translated: Block | None = {"type": "auto"} if alone else None
    if isinstance(choice, dict):
        function = choice.get("function") or choice
        name = function.get("name") if isinstance(function, dict) else None
        if isinstance(name, str):
            translated = {"type": "tool", "name": name}
        else:
            drop("tool_choice")
    elif isinstance(choice, str) and choice in CHOICES:
        translated = {"type": CHOICES[choice]}
    if translated is None:
        return {}
    if alone and translated["type"] != "none":
        translated["disable_parallel_tool_use"] = True
    return {"tool_choice": translated}


def _output(wanted: object, drop: Drop) -> Body:
    if not isinstance(wanted, dict) or wanted.get("type") == "text":
        return {}
    schema = wanted.get("json_schema")
    if wanted.get("type") == "json_schema" and isinstance(schema, dict):
        return {"output_config": {"format": {"type": "json_schema", "schema": schema.get("schema")}}}
    drop("response_format")
    return {}
