"""Items that travel inside their own ids, so that a client may refer to them without anything being stored.

The AI SDK sends what the model said as `{"type": "item_reference", "id": …}` unless `store` is false. An id that holds
its item survives a restart and works with any number of workers. An answer that is streamed has to show an id before
its item is known, so there only reasoning has one; `memory` has the others.
"""

from typing import Final

from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values, payload

ID_CHARS_MAX: Final = 8_000
"""Ids of this length went through codex and the AI SDK unharmed."""
ITEM_BYTES_MAX: Final = 32 * 1024
"""Of JSON, before it is compressed."""
TYPES: Final = frozenset({"message", "reasoning", "custom_tool_call", "tool_search_call"})
"""Of items that clients refer to; they send function calls with their content."""

_MARK = "_cri_"
_BESIDE = ("id", "status")


def carrying(item: Body) -> Body:
    """Return the item with an id that holds it; unchanged if it has one, is too long, or nobody refers to its type."""
    if item["type"] not in TYPES or _MARK in item["id"]:
        return item
    fields = {name: value for name, value in item.items() if name not in _BESIDE}
    held = payload.encoded(fields, ITEM_BYTES_MAX)
    if held is None:
        return item
    carrier = f"{item['id']}{_MARK}{held}"
    return {**item, "id": carrier} if len(carrier) <= ID_CHARS_MAX else item


def thoughts_id(item_id: str) -> str:
    """Return an id for reasoning that a client need not return: it holds an empty item, which is known beforehand."""
    empty: Body = carrying({"type": "reasoning", "id": item_id, "summary": []})
    return str(empty["id"])


def is_carrier(item_id: object) -> bool:
    """Return whether the id is one that holds an item, damaged or not."""
    return isinstance(item_id, str) and _MARK in item_id


def carried(item_id: str) -> Body | None:
    """Return the item in an id; None if it holds none, or is damaged, which its checksum shows."""
    _, mark, held = item_id.partition(_MARK)
    if not mark or len(item_id) > ID_CHARS_MAX:
        return None
    item = payload.decoded(held, ITEM_BYTES_MAX)
    if item is None or json_values.words(item.get("type")) not in TYPES:
        return None
    return {**item, "id": item_id}
