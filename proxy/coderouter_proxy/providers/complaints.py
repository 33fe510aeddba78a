"""What a refusal names, as values of traits: fields, keywords, limits, levels.

Each function gets the match of a row's pattern and the traits so far, and returns None where the words are about
something else.
"""

import re
from collections.abc import Iterable

from coderouter_proxy.config.traits import EFFORTS, ProviderTraits

ANSWER_TOKENS_MIN = 1024  # an answer with less room is not worth a request
NAMES_MAX = 16

# Without these nothing is left to answer; what refuses them means something else.
INDISPENSABLE = frozenset(
    {
        "messages",
        "model",
        "tools",
        "stream",
        "role",
        "content",
        "type",
        "function",
        "name",
        "parameters",
        "input",
    }
) | {
    *(
        "max_tokens",
        "max_completion_tokens",
        "input_schema",
        "tool_calls",
        "tool_call_id",
        "tool_use_id",
        "id",
    ),
    *("properties", "required", "items", "arguments", "text", "body"),
}
# Of JSON Schema; Gemini's complaint does not always say that it is about tools.
SCHEMA_KEYWORDS = frozenset(
    {"$schema", "$ref", "$defs", "$id", "$comment", "definitions", "additionalProperties", "propertyNames", "const"}
) | {
    *("patternProperties", "unevaluatedProperties", "dependentRequired", "minProperties", "maxProperties"),
    *("exclusiveMinimum", "exclusiveMaximum", "multipleOf", "uniqueItems", "prefixItems", "contains", "examples"),
    *("oneOf", "anyOf", "allOf", "not", "if", "then", "else", "default", "pattern", "format", "title"),
    *("minLength", "maxLength", "minItems", "maxItems", "readOnly", "writeOnly", "deprecated"),
}  # fmt: skip


def _group(match: re.Match[str]) -> str:
    """Return the group of the alternative that matched."""
    return next((group for group in match.groups() if group), "")


def limit(match: re.Match[str], traits: ProviderTraits) -> int | None:
    limit = int(_group(match)) - (match.lastgroup == "below")
    known = traits.max_output_tokens
    return limit if limit >= 1 and (known is None or limit < known) else None


def room(match: re.Match[str], traits: ProviderTraits) -> int | None:
    """Return the tokens that the prompt leaves for the answer."""
    del traits
    context, prompt = (int(group) for group in match.groups() if group)
    return context - prompt if context - prompt >= ANSWER_TOKENS_MIN else None


def stricter(match: re.Match[str], traits: ProviderTraits) -> str:
    """Return the next stricter value: some templates refuse any system message in the same words as a second one."""
    del match
    return "first" if traits.system_text == "anywhere" else "never"


def fields(match: re.Match[str], traits: ProviderTraits) -> tuple[str, ...] | None:
    """Return the names of all fields that the words complain about."""
    del traits
    return _names(_field(_group(each)) for each in match.re.finditer(match.string))


def _field(path: str) -> str:
    """Return the field that a path is about: the last one of a message or a tool, else the one at the top."""
    steps = [step for step in re.split(r"[.\[\]]+", path.strip("'\"`")) if step and not step.isdecimal()]
    steps = steps[1:] if steps[:1] == ["body"] else steps
    if not steps:
        return ""
    name = steps[-1] if steps[0] in ("messages", "tools", "system") else steps[0]
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()  # xAI names them as its own protocol does


def old_name(match: re.Match[str], traits: ProviderTraits) -> str | None:
    del traits
    named = (_field(_group(each)) for each in match.re.finditer(match.string))
    return "max_tokens" if "max_completion_tokens" in named else None


def keywords(match: re.Match[str], traits: ProviderTraits) -> tuple[str, ...] | None:
    """Return the keywords of JSON Schema that the words complain about."""
    del traits
    found = list(match.re.finditer(match.string))
    about_tools = (
        word
        for each in found
        for word in re.findall(r"[$\w]+", _group(each).replace("Pattern", "pattern"))
        if each["place"] or word in SCHEMA_KEYWORDS
    )
    return _names(about_tools)


def flags(match: re.Match[str], traits: ProviderTraits) -> tuple[str, ...] | None:
    """Return the beta flags that the words name, else the whole header."""
    del traits
    return _names(re.findall(r"[\w-]+", _group(match))) or ("anthropic-beta",)


def efforts(match: re.Match[str], traits: ProviderTraits) -> tuple[str, ...] | None:
    del traits
    named = set(re.findall(r"[a-z]+", _group(match).lower()))
    return tuple(effort for effort in EFFORTS if effort in named) or None


def _names(found: Iterable[str]) -> tuple[str, ...] | None:
    names = [name for name in dict.fromkeys(found) if 0 < len(name) <= 64 and name not in INDISPENSABLE]
    return tuple(names[:NAMES_MAX]) or None
