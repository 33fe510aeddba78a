"""A messages request as one provider accepts it."""

from collections.abc import Sequence
from typing import Any

from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.request import Body
from coderouter_proxy.wires import fitting, system_text
from coderouter_proxy.wires.client import Drop

BUDGET_TOKENS_MIN = 1024  # of thinking; it also has to be below max_tokens


def fit(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    """Return the request as the provider accepts it: the same object if it already does.

    `drop` gets the name of each thing that the provider does not get.
    """
    return fitting.apply(FITS, body, traits, drop)


def _system_text(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    del drop
    if traits.system_text == "anywhere":
        return body
    messages = body["messages"]
    if traits.system_text == "never" and body.get("system"):
        given = [{"role": "system", "content": body["system"]}, *messages]
        kept = {name: value for name, value in body.items() if name != "system"}
        return {**kept, "messages": system_text.joined(given, in_parts=True)}
    roles = fitting.roles_of(messages)
    if not any(role in roles for role in system_text.SYSTEM_ROLES):
        return body
    if traits.system_text == "never":
        return {**body, "messages": system_text.joined(messages, in_parts=True)}
    leading, others = system_text.settled(messages, in_parts=True)
    settled: Body = {**body, "messages": others}
    if leading:
        texts = (body.get("system"), *(message.get("content") for message in leading))
        settled["system"] = [part for text in texts for part in fitting.as_parts(text)]
    return settled


def _alternating(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    del drop
    return fitting.alternating(body, traits, _merged)


def _merged(neighbours: Sequence[Body]) -> Body:
    """Return one message; results of tools stay at its beginning, as the wire requires."""
    parts = [part for message in neighbours for part in fitting.as_parts(message.get("content"))]
    return {**neighbours[0], "content": sorted(parts, key=lambda part: _type(part) != "tool_result")}


def _call_ids(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    del drop
    return body if traits.call_ids == "any" else _with_blocks(body, _with_nine)


def _with_nine(block: Any) -> Any:  # noqa: ANN401 - of a client
    match _type(block):
        case "tool_use":
            return fitting.with_nine(block, "id")
        case "tool_result":
            return fitting.with_nine(block, "tool_use_id")
    return block


def _media(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    if traits.images and traits.documents:
        return body

    def block_fitted(block: Any) -> Any:  # noqa: ANN401 - of a client
        match _type(block):
            case "tool_result" if isinstance(content := block.get("content"), list):
                inner = fitting.each(content, block_fitted)
                return block if inner is content else {**block, "content": inner}
            case "image" if not traits.images:
                drop("image")
                return _as_text(block, fitting.IMAGE_PLACEHOLDER)
            case "document" if not traits.documents:
                source = block.get("source")
                if _type(source) == "text" and isinstance(source.get("data"), str):
                    said = (block.get("title"), block.get("context"), source["data"])
                    return _as_text(block, "\n\n".join(text for text in said if isinstance(text, str)))
                drop("document")
                return _as_text(block, fitting.DOCUMENT_PLACEHOLDER)
        return block

    return _with_blocks(body, block_fitted)


def _as_text(block: Body, text: str) -> Body:
    written: Body = {"type": "text", "text": text}
    return {**written, "cache_control": block["cache_control"]} if "cache_control" in block else written


def _with_blocks(body: Body, change: Any) -> Body:  # noqa: ANN401
    def message_fitted(message: Body) -> Body:
        content = message.get("content")
        if not isinstance(content, list):
            return message
        changed = fitting.each(content, change)
        return message if changed is content else {**message, "content": changed}

    return fitting.with_messages(body, message_fitted)


def _max_output_tokens(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    """Lower the limit, and the thinking's budget, which has to be below it."""
    cap, limit = traits.max_output_tokens, body.get("max_tokens")
    if cap is None or not isinstance(limit, int) or limit <= cap:
        return body
    lowered: Body = {**body, "max_tokens": cap}
    thinking = body.get("thinking")
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    if not isinstance(thinking, dict) or not isinstance(budget, int) or budget < cap:
        return lowered
    if cap > BUDGET_TOKENS_MIN:
        return {**lowered, "thinking": {**thinking, "budget_tokens": cap - 1}}
    return fitting.without_fields(lowered, ("thinking",), drop)


def _forced_tool_choice(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    choice = body.get("tool_choice")
    if traits.forced_tool_choice or _type(choice) not in ("any", "tool"):
        return body
    drop("tool_choice")
    kept = {name: value for name, value in body["tool_choice"].items() if name != "name"}
    return {**body, "tool_choice": {**kept, "type": "auto"}}


def _efforts(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    config = body.get("output_config")
    given = config.get("effort") if isinstance(config, dict) else None
    if traits.efforts is None or not isinstance(given, str):
        return body
    effort = fitting.effort_within(given, traits.efforts)
    if effort is None:
        return without_effort(body, drop)
    return body if effort == given else {**body, "output_config": {**body["output_config"], "effort": effort}}


def without_effort(body: Body, drop: Drop) -> Body:
    """Return the body without the effort, which it has."""
    drop("effort")
    config = {name: value for name, value in body["output_config"].items() if name != "effort"}
    kept = {name: value for name, value in body.items() if name != "output_config"}
    return {**kept, "output_config": config} if config else kept


def _type(block: object) -> object:
    return block.get("type") if isinstance(block, dict) else None


FITS: fitting.Fits = (
    ("system_text", _system_text),
    ("alternating", _alternating),
    ("call_ids", _call_ids),
    ("images", _media),
    ("max_output_tokens", _max_output_tokens),
    ("temperature_with_top_p", fitting.without_top_p),
    ("forced_tool_choice", _forced_tool_choice),
    ("refused_schema_keywords", fitting.with_tool_schemas("input_schema")),
    ("efforts", _efforts),
    ("refused_fields", fitting.without_refused),
)
