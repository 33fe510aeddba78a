"""A chat completion request as one provider accepts it."""

from collections.abc import Iterable, Sequence
from typing import Any

from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.request import Body
from coderouter_proxy.wires import fitting, system_text
from coderouter_proxy.wires.client import Drop
from coderouter_proxy.wires.openai.others import with_one_system_message

_LIMITS = ("max_tokens", "max_completion_tokens")
# Without these a message or a call says nothing.
_MESSAGE_FIELDS = frozenset({"role", "content", "tool_calls", "tool_call_id", "id", "type", "function"})
_PLACEHOLDERS = {
    "image_url": ("image", fitting.IMAGE_PLACEHOLDER),
    "file": ("document", fitting.DOCUMENT_PLACEHOLDER),
}


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
    roles = fitting.roles_of(messages)
    if "developer" not in roles and "system" not in roles[traits.system_text == "first" :]:
        return body
    match traits.system_text:
        case "first":
            settled = with_one_system_message(messages)
        case _:  # never
            settled = system_text.joined(messages)
    same = len(settled) == len(messages) and all(
        new is old for new, old in zip(settled, messages, strict=True)
    )
    return body if same else {**body, "messages": settled}


def _alternating(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    """Merge neighbours; messages of tools belong to neither side and may be between them."""
    del drop
    return fitting.alternating(body, traits, _merged)


def _merged(neighbours: Sequence[Body]) -> Body:
    merged = {name: value for message in neighbours for name, value in message.items()}
    contents = [message.get("content") for message in neighbours]
    if any(isinstance(content, list) for content in contents):
        merged["content"] = [part for content in contents for part in fitting.as_parts(content)]
    else:
        merged["content"] = _joined(contents)
    if "tool_calls" in merged:
        given = (message.get("tool_calls") for message in neighbours)
        if calls := [call for made in given if isinstance(made, list) for call in made]:
            merged["tool_calls"] = calls
            merged["content"] = merged["content"] or None
    if "reasoning_content" in merged and (
        thoughts := _joined(message.get("reasoning_content") for message in neighbours)
    ):
        merged["reasoning_content"] = thoughts
    return merged


def _joined(texts: Iterable[object]) -> str:
    return "\n\n".join(text for text in texts if isinstance(text, str) and text)


def _call_ids(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    del drop
    return body if traits.call_ids == "any" else fitting.with_messages(body, _with_nine)


def _with_nine(message: Body) -> Body:
    if message.get("role") == "tool":
        return fitting.with_nine(message, "tool_call_id")
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return message
    changed = fitting.each(
        calls, lambda call: fitting.with_nine(call, "id") if isinstance(call, dict) else call
    )
    return message if changed is calls else {**message, "tool_calls": changed}


def _media(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    if traits.images and traits.documents:
        return body
    accepted = {"image_url": traits.images, "file": traits.documents}
    refused = {kind: _PLACEHOLDERS[kind] for kind, is_accepted in accepted.items() if not is_accepted}

    def part_fitted(part: Any) -> Any:  # noqa: ANN401 - of a client
        return fitting.as_placeholder(part, refused, "text", drop)

    def message_fitted(message: Body) -> Body:
        content = message.get("content")
        if not isinstance(content, list):
            return message
        parts = fitting.each(content, part_fitted)
        return message if parts is content else {**message, "content": parts}

    return fitting.with_messages(body, message_fitted)


def _max_tokens_field(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    """Rename the limit; of two, the newer name has the client's."""
    del drop
    wanted = traits.max_tokens_field
    other = _LIMITS[wanted == _LIMITS[0]]
    if other not in body:
        return body
    given = [body.get(name) for name in reversed(_LIMITS)]
    limit = next((value for value in given if value is not None), None)
    kept = {name: value for name, value in body.items() if name not in _LIMITS}
    return kept if limit is None else {**kept, wanted: limit}


def _max_output_tokens(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    del drop
    cap = traits.max_output_tokens
    if cap is None:
        return body
    above = {name: cap for name in _LIMITS if isinstance(given := body.get(name), int) and given > cap}
    return {**body, **above} if above else body


def _efforts(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    given = body.get("reasoning_effort")
    if traits.efforts is None or not isinstance(given, str):
        return body
    effort = fitting.effort_within(given, traits.efforts)
    if effort is None:
        return fitting.without_fields(body, ("reasoning_effort",), drop)
    return body if effort == given else {**body, "reasoning_effort": effort}


def _refused_fields(body: Body, traits: ProviderTraits, drop: Drop) -> Body:
    """Leave out of messages and calls as well: who writes reasoning in an answer may refuse it in a history."""
    if not traits.refused_fields:
        return body
    of_messages = frozenset(traits.refused_fields) - _MESSAGE_FIELDS
    if of_messages:
        body = fitting.with_messages(body, lambda message: _without(message, of_messages))
    return fitting.without_refused(body, traits, drop)


def _without(message: Body, refused: frozenset[str]) -> Body:
    if not refused.isdisjoint(message):
        message = {name: value for name, value in message.items() if name not in refused}
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return message

    def call_fitted(call: Any) -> Any:  # noqa: ANN401 - of a client
        if not isinstance(call, dict) or refused.isdisjoint(call):
            return call
        return {name: value for name, value in call.items() if name not in refused}

    changed = fitting.each(calls, call_fitted)
    return message if changed is calls else {**message, "tool_calls": changed}


FITS: fitting.Fits = (
    ("system_text", _system_text),
    ("alternating", _alternating),
    ("call_ids", _call_ids),
    ("images", _media),
    ("max_tokens_field", _max_tokens_field),
    ("max_output_tokens", _max_output_tokens),
    ("temperature_with_top_p", fitting.without_top_p),
    ("forced_tool_choice", fitting.without_forced_choice),
    ("refused_schema_keywords", fitting.with_tool_schemas("parameters", within="function")),
    ("efforts", _efforts),
    ("refused_fields", _refused_fields),
)
