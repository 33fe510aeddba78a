"""Items that travel inside their own ids, so that a client may refer to them without anything being stored.

The AI SDK sends what the model said as `{"type": "item_reference", "id": …}` unless `store` is false. An id that holds
its item survives a restart and works with any number of workers. An answer that is streamed has to show an id before
its item is known, so there only reasoning has one; `memory` has the others.
"""

import base64
import binascii
import zlib
from typing import Any, Final

import orjson

from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values

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
    data = orjson.dumps({name: value for name, value in item.items() if name not in _BESIDE})
    if len(data) > ITEM_BYTES_MAX:
        return item
    payload = base64.urlsafe_b64encode(zlib.compress(data)).rstrip(b"=").decode()
    carrier = f"{item['id']}{_MARK}{payload}"
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
    _, mark, payload = item_id.partition(_MARK)
    if not mark or len(item_id) > ID_CHARS_MAX:
        return None
    inflating = zlib.decompressobj()
    try:
        data = base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True)
        item: Any = orjson.loads(inflating.decompress(data, ITEM_BYTES_MAX))
    except (ValueError, binascii.Error, zlib.error):
        return None
    known = inflating.eof and isinstance(item, dict) and json_values.words(item.get("type")) in TYPES
    return {**item, "id": item_id} if known else None
