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


def settled(messages: Sequence[Message], *, in_parts: bool = False) -> tuple[list[Message], list[Message]]:
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
    waiting: list[Any] = []  # contents for a user message
    for message in messages:
        role = message.get("role")
        if role in SYSTEM_ROLES:
            if marked := _marked(message.get("content"), in_parts=in_parts):
                waiting.append(marked)
            continue
        if joined and joined[-1].get("role") == "user":
            _join_last(joined, waiting)
        elif waiting and role == "user":
            joined.append(_begun_with(waiting, message))
            waiting = []
            continue
        elif role not in _RESULT_ROLES:
            _join_last(joined, waiting)
        joined.append(message)
    _join_last(joined, waiting)
    return joined


def _join_last(joined: list[Message], waiting: list[Any]) -> None:
    """Put what waits at the end of the last message if it is a user's, else into a new one."""
    if not waiting:
        return
    if joined and joined[-1].get("role") == "user":
        joined[-1] = {**joined[-1], "content": _together(joined[-1].get("content"), *waiting)}
    else:
        joined.append({"role": "user", "content": _together(*waiting)})
    waiting.clear()


def _begun_with(contents: Sequence[Any], message: Message) -> Message:
    """Return the message with these at its beginning, yet behind tool results: Anthropic requires them first."""
    given = message.get("content")
    parts = _parts(given) if isinstance(given, list) else []
    count = 0
    while count < len(parts) and parts[count].get("type") == "tool_result":
        count += 1
    rest = parts[count:] if isinstance(given, list) else given
    return {**message, "content": _together(parts[:count], *contents, rest)}


def _together(*contents: Any) -> Any:  # noqa: ANN401 - strings and lists of parts
    """Return one content: a string where all are, for not every server takes a list."""
    given = [content for content in contents if content]
    if all(isinstance(content, str) for content in given):
        return "\n\n".join(given)
    return [part for content in given for part in _parts(content)]


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
