"""A chat completion request as a conversation.

Source: the API reference of chat completions. A reader is lenient: values of the wrong type are left
out.
"""

import re
from collections.abc import Iterator
from typing import Any

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
    Tool,
    ToolChoice,
    Turn,
    VendorPart,
)
from coderouter_proxy.wires.system_text import SYSTEM_ROLES

WIRE = "openai"
MODES = {"auto": "auto", "required": "required", "none": "none"}
# Read below; the others are fields that only this wire has.
_READ = frozenset(
    {
        "model",
        "messages",
        "tools",
        "functions",
        "tool_choice",
        "function_call",
        "parallel_tool_calls",
        "stop",
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "top_k",
        "stream",
        "stream_options",
        "user",
        "response_format",
        "metadata",
        "profile",
    }
)
_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^,]*)?;base64,(.*)", re.DOTALL)


def read(body: Body) -> Conversation:
    """Return the conversation.

    Raises:
        ProviderError: arguments of a call are nested too deeply to be written.
    """
    system, turns = _split_system(body["messages"])
    stop = body.get("stop")
    stops = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
    choice, choice_left = _tool_choice(body.get("tool_choice") or body.get("function_call"))
    schema, format_left = _output(body.get("response_format"))
    user, metadata_left = _user(body)
    vendor = {name: value for name, value in body.items() if name not in _READ}
    effort = json_values.words(body.get("reasoning_effort")) or None
    return Conversation(
        system=tuple(part for message in system for part in _texts(message.get("content"))),
        turns=tuple(map(_turn, turns)),
        tools=tuple(_tools(body)),
        tool_choice=choice,
        parallel_calls=False if body.get("parallel_tool_calls") is False else None,
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        stop=tuple(each for each in stops if isinstance(each, str)),
        temperature=body.get("temperature"),
        top_p=body.get("top_p"),
        top_k=body.get("top_k"),
        stream=body.get("stream"),
        output_schema=schema,
        user=user,
        effort=effort,
        vendor={WIRE: vendor | choice_left | format_left | metadata_left},
        effort_fields=() if effort is None else ("reasoning_effort",),
    )


def _split_system(messages: list[Body]) -> tuple[list[Body], list[Body]]:
    """Return the system messages at the beginning, and all the rest."""
    count = 0
    while count < len(messages) and messages[count].get("role") in SYSTEM_ROLES:
        count += 1
    return messages[:count], messages[count:]


def _turn(message: Body) -> Turn:
    parts = _parts(message.get("content"))
    match message.get("role"):
        case "assistant":
            return Turn("assistant", (*(parts or _parts(message.get("refusal"))), *_calls(message)))
        case "tool" | "function":
            given = json_values.words(message.get("tool_call_id") or message.get("name"))
            call_id, _ = state.decode_id(given)
            return Turn("user", (Result(call_id, tuple(parts)),))
        case "system" | "developer":
            return Turn("system", tuple(parts))
    return Turn("user", tuple(parts))


def _calls(message: Body) -> Iterator[Call]:
    """Yield the calls; `function_call` is their older form, identified by the name of the function."""
    calls, before = message.get("tool_calls"), message.get("function_call")
    for call in calls if isinstance(calls, list) else []:
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            yield _call(call.get("id"), function)
    if isinstance(before, dict):
        yield _call(before.get("name"), before)


def _call(call_id: object, function: Body) -> Call:
    arguments = function.get("arguments")
    text = arguments if isinstance(arguments, str) else json_values.written(arguments or {}, retryable=False)
    own_id, of_call = state.decode_id(json_values.words(call_id))
    return Call(own_id, json_values.words(function.get("name")), text, of_call)


def _texts(content: object) -> list[Text]:
    return [part for part in _parts(content) if isinstance(part, Text)]


def _parts(content: object) -> list[Part]:
    if isinstance(content, str):
        return [Text(content)]
    parts = content if isinstance(content, list) else []
    return [_part(part) for part in parts if isinstance(part, dict)]


def _part(part: Body) -> Part:
    kind, cache = json_values.words(part.get("type")), part.get("cache_control")
    inner = part.get(kind)
    if kind in ("text", "refusal"):
        return Text(json_values.words(inner), cache=cache)
    if kind == "image_url":
        url = inner.get("url") if isinstance(inner, dict) else inner
        if isinstance(url, str):
            return _media("image", url, cache=cache)
    elif kind == "file" and isinstance(inner, dict) and isinstance(inner.get("file_data"), str):
        title = json_values.words(inner.get("filename")) or None
        return _media("document", inner["file_data"], title=title, cache=cache)
    return VendorPart(WIRE, kind, part, cache=cache)


def _media(kind: Any, url: str, *, title: str | None = None, cache: object) -> Media:  # noqa: ANN401
    if data := _DATA_URL.match(url):
        return Media(kind, data[1] or "application/octet-stream", data=data[2], title=title, cache=cache)
    return Media(kind, url=url, title=title, cache=cache)


def _tools(body: Body) -> Iterator[Tool]:
    """Yield the tools; `functions` is their older name."""
    tools, functions = body.get("tools"), body.get("functions")
    for tool in tools if isinstance(tools, list) else []:
        function = tool.get("function") if isinstance(tool, dict) else None
        if isinstance(function, dict):
            yield _tool(function, tool.get("cache_control"))
        elif isinstance(tool, dict):
            yield Tool(name="", hosted=tool.get("type") or "tool")
    for function in functions if isinstance(functions, list) else []:
        if isinstance(function, dict):
            yield _tool(function, None)


def _tool(function: Body, cache: object) -> Tool:
    return Tool(
        name=json_values.words(function.get("name")),
        description=json_values.words(function.get("description")),
        parameters=function.get("parameters"),
        strict=function.get("strict"),
        cache=cache,
    )


def _tool_choice(choice: object) -> tuple[ToolChoice | None, Body]:
    """Return the choice; one that only this wire has is returned as a field."""
    if isinstance(choice, dict):
        function = choice.get("function") or choice
        name = function.get("name") if isinstance(function, dict) else None
        if isinstance(name, str):
            return ToolChoice("tool", name), {}
        return None, {"tool_choice": choice}
    mode: Any = MODES.get(json_values.words(choice))
    return (ToolChoice(mode), {}) if mode else (None, {})


def _output(wanted: object) -> tuple[OutputSchema | None, Body]:
    """Return the schema of the answer; a format that only this wire has is returned as a field."""
    if not isinstance(wanted, dict) or wanted.get("type") == "text":
        return None, {}
    given = wanted.get("json_schema")
    if wanted.get("type") == "json_schema" and isinstance(given, dict):
        schema = given.get("schema")
        name = json_values.words(given.get("name")) or "answer"
        return None if schema is None else OutputSchema(schema, name, given.get("strict")), {}
    return None, {"response_format": wanted}


def _user(body: Body) -> tuple[str | None, Body]:
    """Return the user, and the metadata about anything else."""
    metadata = body.get("metadata")
    fields = metadata if isinstance(metadata, dict) else {}
    user = body.get("user") or fields.get("user_id")
    left = {name: value for name, value in fields.items() if name != "user_id"}
    return user if isinstance(user, str) else None, {"metadata": left} if left else {}
