"""Objects and arrays as tags, as MiniMax M3 writes them: a mark precedes each tag, entries of an array are `item`."""

import re
from typing import Final

M3: Final = "]<]minimax[>["
_DEPTH_MAX = 32
_TAG = re.compile(re.escape(M3) + r"<(/?)([^<>\s]{1,128})>")


def nested_value(text: str) -> object:
    """Return the value of a text: what its tags make, or the text itself if it has none."""
    if not text.lstrip().startswith(M3):
        return text
    position, value = _value(text, 0, "", 0)
    return value if position == len(text) else text


def _value(text: str, at: int, name: str, depth: int) -> tuple[int, object]:
    """Return the value that starts here, and the end of the tag that closes it."""
    items: list[object] = []
    fields: dict[str, object] = {}
    start = at
    while found := _TAG.search(text, at):
        if found[1]:
            leaf = text[start : found.start()]
            if found[2] != name:
                return -1, None
            return found.end(), items or fields or leaf
        if depth == _DEPTH_MAX:
            return -1, None
        at, value = _value(text, found.end(), found[2], depth + 1)
        if at < 0:
            return -1, None
        if found[2] == "item":
            items.append(value)
        else:
            fields[found[2]] = value
        start = at
    return (len(text) if not name else -1), items or fields
