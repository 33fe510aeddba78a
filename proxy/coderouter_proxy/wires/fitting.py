"""What both wires share when a request is fitted to the traits of a provider.

Every function returns the very object it was given where nothing has to change: most requests fit as they are.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, TypeVar

from coderouter_proxy.config.traits import EFFORTS, ProviderTraits
from coderouter_proxy.request import Body
from coderouter_proxy.wires import neighbours
from coderouter_proxy.wires.client import Drop
from coderouter_proxy.wires.losses import OTHER, named

Fit = Callable[[Body, ProviderTraits, Drop], Body]
Fits = tuple[tuple[str, Fit], ...]
"""By the name of the trait, in the order in which they are applied."""
Item = TypeVar("Item")

IMAGE_PLACEHOLDER = "[An image was here; this model cannot see it.]"
DOCUMENT_PLACEHOLDER = "[A document was here; this model cannot read it.]"

_NINE = re.compile(r"[A-Za-z0-9]{9}")
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Of JSON Schema: names of properties or definitions, not keywords, are in these; the others hold plain values.
_NAMED_SCHEMAS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_VALUES = frozenset({"enum", "const", "default", "example", "examples", "required", "dependentRequired"})
_DEPTH_MAX = 200  # orjson does not write what is nested more deeply


def apply(fits: Fits, body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    """Return the body with every trait applied; applying them again changes nothing."""
    for _, fit in fits:
        body = fit(body, traits, drop)
    return body


def each(items: Sequence[Item], change: Callable[[Item], Item]) -> Sequence[Item]:
    """Return the items after the change; the sequence itself if no item changes."""
    changed = [change(item) for item in items]
    return items if all(new is old for new, old in zip(changed, items, strict=True)) else changed


def with_messages(body: Body, change: Callable[[Body], Body]) -> Body:
    messages = each(body["messages"], change)
    return body if messages is body["messages"] else {**body, "messages": messages}


def without_fields(body: Body, names: Iterable[str], drop: Drop) -> Body:
    """Return the body without the fields; `drop` gets those whose loss has a name."""
    refused = dict.fromkeys(name for name in names if name in body)
    for name in refused:
        if body[name] and (loss := named(name)) != OTHER:
            drop(loss)
    return {name: value for name, value in body.items() if name not in refused} if refused else body


def without_refused(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    return without_fields(body, traits.refused_fields, drop) if traits.refused_fields else body


def without_top_p(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    if traits.temperature_with_top_p or body.get("temperature") is None or body.get("top_p") is None:
        return body
    drop("top_p")
    return {name: value for name, value in body.items() if name != "top_p"}


def nine(call_id: object) -> object:
    """Return the id in nine letters or digits; the same for a call and its result, whoever maps it and when."""
    if not isinstance(call_id, str) or _NINE.fullmatch(call_id):
        return call_id
    number = int.from_bytes(hashlib.sha256(call_id.encode(errors="replace")).digest()[:8])
    letters = []
    for _ in range(9):
        number, digit = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[digit])
    return "".join(letters)


def with_nine(thing: Body, field: str) -> Body:
    """Return the call or result with its id in nine letters or digits."""
    call_id = nine(thing.get(field))
    return thing if call_id == thing.get(field) else {**thing, field: call_id}


def effort_within(given: str, efforts: Sequence[str]) -> str | None:
    """Return the level among `efforts` nearest to the one given, rather below than above; None if there is none.

    A level that is not known is kept, and thinking is not turned off where some was requested.
    """
    if not efforts or given in efforts or given not in EFFORTS:
        return given if efforts else None
    usable = [level for level in efforts if level != "none"] or list(efforts)
    below = [level for level in usable if EFFORTS.index(level) < EFFORTS.index(given)]
    return below[-1] if below else usable[0]


def takes_effort(traits: ProviderTraits, *, own_api: bool) -> bool:
    """Return whether an effort may cross to the provider: it takes some, or is the vendor's and nothing is known."""
    return bool(traits.efforts) or (own_api and traits.efforts is None)


def own_level(effort: str, traits: ProviderTraits) -> str:
    """Return the level; the highest is OpenAI's own where nothing more is known of the model."""
    return "xhigh" if effort == "max" and traits.efforts is None else effort


def as_parts(content: object) -> list[Any]:
    """Return the content as a list of parts; a text part looks the same on both wires."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content if isinstance(content, list) else []


def roles_of(messages: Sequence[Body]) -> list[object]:
    return list(map(dict.get, messages, repeat("role")))  # a loop in C: requests have many


def alternating(body: Body, traits: ProviderTraits, merge: Callable[[Sequence[Body]], Body]) -> Body:
    """Return the body with neighbours merged that are all the user's or all the assistant's."""
    if not traits.alternating:
        return body
    messages = body["messages"]
    merged = neighbours.merged(messages, roles_of(messages), merge)
    return body if merged is messages else {**body, "messages": merged}


def with_tool_schemas(name: str, within: str | None = None) -> Fit:
    """Return what leaves refused keywords out of schemas of tools: in their field `name`, or in that of `within`."""

    def fit(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
        del drop
        tools = body.get("tools")
        if not traits.refused_schema_keywords or not isinstance(tools, list):
            return body
        refused = frozenset(traits.refused_schema_keywords)

        def fitted(holder: Any) -> Any:  # noqa: ANN401 - of a client
            if not isinstance(holder, dict) or name not in holder:
                return holder
            schema = without_keywords(holder[name], refused)
            return holder if schema is holder[name] else {**holder, name: schema}

        def tool_fitted(tool: Any) -> Any:  # noqa: ANN401 - of a client
            if within is None:
                return fitted(tool)
            if not isinstance(tool, dict) or within not in tool:
                return tool
            inner = fitted(tool[within])
            return tool if inner is tool[within] else {**tool, within: inner}

        changed = each(tools, tool_fitted)
        return body if changed is tools else {**body, "tools": changed}

    return fit


def without_forced_choice(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    """Let the model choose, in a request of one of OpenAI's APIs."""
    choice = body.get("tool_choice")
    if traits.forced_tool_choice or not (choice == "required" or isinstance(choice, dict)):
        return body
    drop("tool_choice")
    return {**body, "tool_choice": "auto"}


def as_placeholder(
    part: Any,  # noqa: ANN401 - of a client
    placeholders: Mapping[str, tuple[str, str]],
    text_type: str,
    drop: Drop,
) -> Any:  # noqa: ANN401
    """Return the text that replaces a part of these types, each with the name of its loss; other parts unchanged."""
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str) or kind not in placeholders:
        return part
    name, text = placeholders[kind]
    drop(name)
    return {"type": text_type, "text": text}


def without_keywords(schema: Any, refused: Collection[str], depth: int = 0) -> Any:  # noqa: ANN401
    """Return the JSON schema without the keywords; names of properties are none."""
    if depth > _DEPTH_MAX:
        return schema
    if isinstance(schema, list):
        return each(schema, lambda inner: without_keywords(inner, refused, depth + 1))
    if not isinstance(schema, dict):
        return schema
    kept = {
        name: _value_of(name, value, refused, depth + 1)
        for name, value in schema.items()
        if name not in refused
    }
    same = len(kept) == len(schema) and all(kept[name] is schema[name] for name in kept)
    return schema if same else kept


def _value_of(name: str, value: Any, refused: Collection[str], depth: int) -> Any:  # noqa: ANN401
    if name in _VALUES:
        return value
    if name not in _NAMED_SCHEMAS or not isinstance(value, dict):
        return without_keywords(value, refused, depth)
    kept = {key: without_keywords(inner, refused, depth + 1) for key, inner in value.items()}
    return value if all(kept[key] is value[key] for key in value) else kept
