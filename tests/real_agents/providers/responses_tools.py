"""The tools that a Responses request offers: in its field, in its input, and found by a search."""

import re
from collections.abc import Iterable, Iterator

from openai.types.responses.tool_param import ToolParam

from real_agents.providers.conversation import Body, Refused, Tool
from real_agents.providers.responses_items import check_fields, typed

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
TOOLS = typed(ToolParam)


def offered(given: Iterable[Body], items: Iterable[Body]) -> tuple[Tool, ...]:
    """Return the tools that the agent runs.

    Raises:
        Refused: OpenAI would not accept one of the tools.
    """
    found = [tool for tool, is_deferred in _run_by_the_agent(given, "", "tools") if not is_deferred]
    for item in items:
        if item.get("type") in ("additional_tools", "tool_search_output"):
            found += (tool for tool, _ in _run_by_the_agent(item["tools"], "", item["type"]))
    return tuple(dict.fromkeys(found))


def _run_by_the_agent(given: Iterable[Body], namespace: str, where: str) -> Iterator[tuple[Tool, bool]]:
    """Yield each tool, and whether a model gets it only once it has searched for it."""
    for index, tool in enumerate(given):
        here = f"{where}[{index}]"
        kind = tool.get("type", "")
        if kind not in TOOLS:
            raise Refused(f"Invalid value: '{kind}'. ({here}.type)")
        # A function's parameters and `strict` may be left out, unlike what the types say.
        check_fields(tool, TOOLS[kind].known, TOOLS[kind].required - {"parameters", "strict"}, here)
        if kind in ("function", "custom", "namespace") and NAME.fullmatch(tool["name"]) is None:
            raise Refused(f"Invalid '{here}.name': string does not match pattern.")
        match kind:
            case "function":
                if tool.get("strict"):
                    _check_strict(tool["name"], tool.get("parameters") or {})
                yield Tool(tool["name"], namespace), tool.get("defer_loading") is True
            case "custom":
                yield Tool(tool["name"], namespace, kind), tool.get("defer_loading") is True
            case "tool_search":
                yield Tool(kind, "", kind), False
            case "namespace":
                yield from _run_by_the_agent(tool["tools"], tool["name"], f"{here}.tools")


def _check_strict(name: str, schema: Body) -> None:
    wrong = f"Invalid schema for function '{name}'"
    if schema.get("type") == "object":
        properties = schema.get("properties") or {}
        if schema.get("additionalProperties") is not False:
            raise Refused(f"{wrong}: 'additionalProperties' is required to be supplied and to be false.")
        if missing := sorted(properties.keys() - set(schema.get("required") or ())):
            raise Refused(f"{wrong}: 'required' is required to include {missing}.")
        for inner in properties.values():
            _check_strict(name, inner)
    elif schema.get("type") == "array":
        _check_strict(name, schema.get("items") or {})
