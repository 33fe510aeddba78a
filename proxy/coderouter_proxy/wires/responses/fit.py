"""A responses request as one provider accepts it."""

from collections.abc import Callable, Sequence
from typing import Any

from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.request import Body
from coderouter_proxy.wires import fitting, neighbours, system_text
from coderouter_proxy.wires.client import Drop
from coderouter_proxy.wires.responses import shape

_PLACEHOLDERS = {
    "input_image": ("image", fitting.IMAGE_PLACEHOLDER),
    "input_file": ("document", fitting.DOCUMENT_PLACEHOLDER),
}


def fit(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    """Return the request as the provider accepts it: the same object if it already does.

    `drop` gets the name of each thing that the provider does not get.
    """
    return fitting.apply(FITS, body, traits, drop)


def _system_text(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    """Move system text into `instructions`, which servers place first, or into messages of the user."""
    del drop
    if traits.system_text == "anywhere":
        return body
    items = _items(body)
    given = body.get("instructions")
    if traits.system_text == "never":
        if not given and not any(map(_is_system, items)):
            return body
        listed = items or [{"type": "message", "role": "user", "content": body.get("input")}]
        said = [{"role": "system", "content": given}, *listed] if given else listed
        kept = {name: value for name, value in body.items() if name != "instructions"}
        return {**kept, "input": _with_own_parts(system_text.joined(said))}
    if not any(map(_is_system, items)):
        return body
    leading, others = system_text.settled(items)
    if not others:  # nothing would be left to answer
        return body
    settled: Body = {**body, "input": _with_own_parts(others)}
    if leading:
        said_first = [part for each in leading for part in shape.texts(each.get("content"))]
        settled["instructions"] = "\n\n".join([*([given] if isinstance(given, str) else []), *said_first])
    return settled


def _with_own_parts(items: Sequence[Body]) -> list[Body]:
    """Return the items with texts of users as parts of this wire."""

    def part_named(part: Any) -> Any:  # noqa: ANN401 - of a client
        is_text = isinstance(part, dict) and part.get("type") == "text"
        return {**part, "type": "input_text"} if is_text else part

    def item_named(item: Body) -> Body:
        content = item.get("content")
        if item.get("role") != "user" or not isinstance(content, list):
            return item
        parts = fitting.each(content, part_named)
        return item if parts is content else {**item, "content": parts}

    return list(fitting.each(items, item_named))


def _alternating(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    """Merge messages that follow each other; calls and their results may be between them."""
    del drop
    items = _items(body)
    if not traits.alternating or not items:
        return body
    merged = neighbours.merged(items, fitting.roles_of(items), _merged)
    return body if merged is items else {**body, "input": merged}


def _merged(messages: Sequence[Body]) -> Body:
    contents = [message.get("content") for message in messages]
    first = {name: value for name, value in messages[0].items() if name != "id"}
    if all(isinstance(content, str) for content in contents):
        return {**first, "content": "\n\n".join(content for content in contents if isinstance(content, str))}
    kind = "output_text" if first.get("role") == "assistant" else "input_text"
    parts = [
        {"type": kind, "text": part["text"]} if part.get("type") == "text" else part
        for content in contents
        for part in fitting.as_parts(content)
        if isinstance(part, dict)
    ]
    return {**first, "content": parts}


def _call_ids(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    del drop
    if traits.call_ids == "any":
        return body
    return _with_items(body, lambda item: fitting.with_nine(item, "call_id") if "call_id" in item else item)


def _media(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    if traits.images and traits.documents:
        return body
    accepted = {"input_image": traits.images, "input_file": traits.documents}
    refused = {kind: _PLACEHOLDERS[kind] for kind, is_accepted in accepted.items() if not is_accepted}

    def part_fitted(part: Any) -> Any:  # noqa: ANN401 - of a client
        return fitting.as_placeholder(part, refused, "input_text", drop)

    def item_fitted(item: Body) -> Body:
        for name in ("content", "output"):
            given = item.get(name)
            if isinstance(given, list) and (parts := fitting.each(given, part_fitted)) is not given:
                item = {**item, name: parts}
        return item

    return _with_items(body, item_fitted)


def _max_output_tokens(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    del drop
    cap, limit = traits.max_output_tokens, body.get("max_output_tokens")
    if cap is None or not isinstance(limit, int) or limit <= cap:
        return body
    return {**body, "max_output_tokens": cap}


def _efforts(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    reasoning = body.get("reasoning")
    given = reasoning.get("effort") if isinstance(reasoning, dict) else None
    if traits.efforts is None or not isinstance(reasoning, dict) or not isinstance(given, str):
        return body
    # `ultra` is a name of this wire for the highest level.
    effort = fitting.effort_within("max" if given == "ultra" else given, traits.efforts)
    if effort == given:
        return body
    if effort is not None:
        return {**body, "reasoning": {**reasoning, "effort": effort}}
    drop("effort")
    left = {name: value for name, value in reasoning.items() if name != "effort"}
    kept = {name: value for name, value in body.items() if name != "reasoning"}
    return {**kept, "reasoning": left} if left else kept


def _items(body: Body) -> list[Body]:
    given = body.get("input")
    return given if isinstance(given, list) else []


def _is_system(item: Body) -> bool:
    return item.get("role") in system_text.SYSTEM_ROLES


def _with_items(body: Body, change: Callable[[Body], Body]) -> Body:
    items = _items(body)
    changed = fitting.each(items, change)
    return body if changed is items else {**body, "input": changed}


FITS: fitting.Fits = (
    ("system_text", _system_text),
    ("alternating", _alternating),
    ("call_ids", _call_ids),
    ("images", _media),
    ("max_output_tokens", _max_output_tokens),
    ("temperature_with_top_p", fitting.without_top_p),
    ("forced_tool_choice", fitting.without_forced_choice),
    ("refused_schema_keywords", fitting.with_tool_schemas("parameters")),
    ("efforts", _efforts),
    ("refused_fields", fitting.without_refused),
)
