"""System text in the middle of a conversation, for models whose template takes it at the beginning only.

The templates of Qwen 3.5 and later raise "System message must be at the beginning", and Claude Code sends one in every
request. Moved to the front, it would change the beginning of the prompt at every turn and void the prefix cache of a
local server: so it becomes part of the user message beside it, marked as what it is.

Works on messages of either wire: a user's text part looks the same on both.
"""

from collections.abc import Sequence
from typing import Any

Message = dict[str, Any]

SYSTEM_ROLES = ("system", "developer")
MARKED = "<system>\n{}\n</system>"
_RESULT_ROLES = ("tool", "function")


def settled(messages: Sequence[Message], *, in_parts: bool) -> tuple[list[Message], list[Message]]:
    """Return the system messages at the beginning, and the others, none of which is one.

    A later one joins the user message before it, else the one behind it, else becomes one of its own; it never comes
    between a call and its results. `in_parts` makes it a part also where it and the user's words are strings, which
    an agent may send as parts the next time. What stays as it was is the same object.
    """
    count = 0
    while count < len(messages) and messages[count].get("role") in SYSTEM_ROLES:
        count += 1
    leading, rest = list(messages[:count]), messages[count:]
    if not any(message.get("role") in SYSTEM_ROLES for message in rest):
        return leading, list(rest)
    return leading, _joined(rest, in_parts=in_parts)


def _joined(messages: Sequence[Message], *, in_parts: bool) -> list[Message]:
    joined: list[Message] = []
    waiting: Any = ""  # content for a user message that may follow
    for message in messages:
        role = message.get("role")
        if role in SYSTEM_ROLES:
            marked = _marked(message.get("content"), in_parts=in_parts)
            if not waiting and joined and joined[-1].get("role") == "user":
                joined[-1] = {**joined[-1], "content": _both(joined[-1].get("content"), marked)}
            else:
                waiting = _both(waiting, marked)
        elif role in _RESULT_ROLES:
            joined.append(message)
        elif role == "user":
            joined.append(_begun_with(waiting, message))
            waiting = ""
        else:
            joined += _by_user(waiting)
            joined.append(message)
            waiting = ""
    return [*joined, *_by_user(waiting)]


def _by_user(content: Any) -> list[Message]:  # noqa: ANN401 - of either shape
    return [{"role": "user", "content": content}] if content else []


def _begun_with(content: Any, message: Message) -> Message:  # noqa: ANN401 - of either shape
    """Return the message with the content at its beginning, yet behind tool results: Anthropic wants these first."""
    given = message.get("content")
    if not content:
        return message
    if not isinstance(given, list):
        return {**message, "content": _both(content, given)}
    parts, count = _parts(given), 0
    while count < len(parts) and parts[count].get("type") == "tool_result":
        count += 1
    return {**message, "content": [*parts[:count], *_parts(content), *parts[count:]]}


def _both(first: Any, second: Any) -> Any:  # noqa: ANN401 - of either shape
    """Return the content of both: a string where both are, for not every server takes a list."""
    if not (first and second):
        return first or second
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    return [*_parts(first), *_parts(second)]


def _marked(content: object, *, in_parts: bool) -> str | list[Message]:
    """Return the texts as one, marked; a breakpoint of the cache behind it needs a part."""
    parts = [part for part in _parts(content) if isinstance(part.get("text"), str) and part["text"].strip()]
    if not parts:
        return ""
    text = MARKED.format("\n\n".join(part["text"] for part in parts))
    cache = parts[-1].get("cache_control")
    part = {"type": "text", "text": text}
    if cache is not None:
        return [{**part, "cache_control": cache}]
    return [part] if in_parts else text


def _parts(content: object) -> list[Message]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
