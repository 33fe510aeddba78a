"""The shape of blocks and their deltas: what no client can read is left out."""

from collections.abc import Mapping
from typing import Final

from coderouter_proxy.request import Body
from coderouter_proxy.wires.json_values import words

# The SDKs read these without a look at their types.
_BLOCK_FIELDS: Final[Mapping[str, str]] = {"text": "text", "thinking": "thinking", "tool_use": "name"}
_DELTAS: Final[Mapping[str, tuple[str, str]]] = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("thinking", "signature"),
    "input_json_delta": ("tool_use", "partial_json"),
}
"""By type of the delta: the type of its block, and its field."""
TEXT_FIELDS: Final = {kind: field for kind, (_, field) in _DELTAS.items()}
"""By type of the delta: the field with its text."""
DELTA_TYPES: Final = {
    "text": b'"text_delta"',
    "thinking": b'"thinking_delta"',
    "tool_use": b'"input_json_delta"',
}
"""By type of the block: what is in the JSON of most of its deltas."""
_EMPTY: Final[Mapping[str, Body]] = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
}


def empty_message(message_id: str, model: str) -> Body:
    """Return a message before anything of it has arrived."""
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def as_message(answer: Body) -> Body:
    """Return a whole answer as a message; the same object if it is no answer, or one in its shape.

    Some servers leave out the type, or write the content as a text.
    """
    content = answer.get("content")
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if answer.get("type", "message") != "message" or not isinstance(content, list):
        return answer
    same = "type" in answer and content is answer["content"]
    return answer if same else {**answer, "type": "message", "content": content}


def is_block(block: object) -> bool:
    """Return whether this is a block of any type, with what clients read of that type."""
    if not isinstance(block, dict) or not isinstance(kind := block.get("type"), str):
        return False
    field = _BLOCK_FIELDS.get(kind)
    if field is None:
        return True
    value = block.get(field)
    return isinstance(value, str) and bool(value or field != "name")


def is_delta(delta: object, block_type: str) -> bool:
    """Return whether this is a delta of a block of that type; the JSON of a call may be in any form."""
    if not isinstance(delta, dict) or not isinstance(kind := delta.get("type"), str):
        return False
    if kind not in _DELTAS:
        return block_type not in ("thinking", "tool_use")  # citations of a text, or of a tool at the vendor
    own, field = _DELTAS[kind]
    if field == "partial_json":
        return field in delta and block_type.endswith("tool_use")
    return block_type == own and isinstance(delta.get(field), str)


def begun_by(delta: object) -> Body | None:
    """Return the empty block of a delta that comes without a block; None if it cannot begin one."""
    kind = words(delta.get("type")) if isinstance(delta, dict) else ""
    return _EMPTY.get(_DELTAS[kind][0]) if kind in _DELTAS else None
