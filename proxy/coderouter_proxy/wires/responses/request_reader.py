"""A responses request as a conversation.

Source: the API reference of responses. Fields about how the answer is kept or reported are not part of one.
"""

from collections.abc import Iterable
from typing import Any

from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values
from coderouter_proxy.wires.conversation import Conversation, OutputSchema, Text
from coderouter_proxy.wires.responses import items
from coderouter_proxy.wires.responses.tools import Catalogue, tool_choice

# Fields of OpenAI's other wire with the same meaning, and the values that say nothing.
_SHARED: dict[str, tuple[object, ...]] = {
    "prompt_cache_key": (),
    "prompt_cache_retention": (),
    "safety_identifier": (),
    "service_tier": ("auto", "default"),
}


def read(body: Body) -> Conversation:
    """Return the conversation; `input` is a list of items, and refers to nothing outside of it.

    Raises:
        ProviderError: arguments of a call are nested too deeply to be written.
    """
    given: list[Body] = body["input"]
    settings = _updated(body, given)
    catalogue = Catalogue.of(body)
    leading, rest = items.split_system(given)
    instructions = json_values.words(body.get("instructions"))
    choice, allowed, expressed = tool_choice(body.get("tool_choice"), catalogue)
    schema, wanted = _output(settings["text"])
    vendor = _shared(body) | wanted
    effort = _effort(settings["reasoning"])
    if effort is not None:
        vendor["reasoning_effort"] = effort
    if not expressed:
        vendor["tool_choice"] = body["tool_choice"]
    return Conversation(
        system=(*((Text(instructions),) if instructions else ()), *leading),
        turns=tuple(items.turns(rest, catalogue)),
        tools=tuple(catalogue.tools(allowed)),
        tool_choice=choice,
        parallel_calls=False if body.get("parallel_tool_calls") is False else None,
        max_tokens=body.get("max_output_tokens"),
        temperature=body.get("temperature"),
        top_p=body.get("top_p"),
        stream=body.get("stream"),
        output_schema=schema,
        user=json_values.words(body.get("user")) or None,
        effort=effort,
        vendor={"openai": vendor},
        effort_fields=() if effort is None else ("reasoning_effort",),
    )


def _updated(body: Body, given: Iterable[Body]) -> dict[str, Body]:
    """Return the settings of the request with the updates that are in its input."""
    settings: dict[str, Body] = {name: _fields(body.get(name)) for name in ("reasoning", "text")}
    for item in given:
        if item.get("type") == "configuration_update":
            for name, fields in settings.items():
                settings[name] = {**fields, **_fields(item.get(name))}
    return settings


def _shared(body: Body) -> Body:
    return {
        name: body[name]
        for name, idle in _SHARED.items()
        if body.get(name) is not None and body[name] not in idle
    }


def _effort(reasoning: Body) -> str | None:
    """Return the level of effort; `ultra` is a name of this wire for the highest."""
    effort = json_values.words(reasoning.get("effort")) or None
    return "max" if effort == "ultra" else effort


def _output(text: Body) -> tuple[OutputSchema | None, Body]:
    """Return the schema of the answer, and what OpenAI's other wire has as fields."""
    fields: Body = {}
    if verbosity := json_values.words(text.get("verbosity")):
        fields["verbosity"] = verbosity
    wanted: Any = _fields(text.get("format"))
    if wanted.get("type") == "json_object":
        fields["response_format"] = {"type": "json_object"}
    if wanted.get("type") != "json_schema" or wanted.get("schema") is None:
        return None, fields
    name = json_values.words(wanted.get("name")) or "answer"
    return OutputSchema(wanted["schema"], name, wanted.get("strict")), fields


def _fields(value: object) -> Body:
    return value if isinstance(value, dict) else {}
