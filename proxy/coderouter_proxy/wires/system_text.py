"""System text in the middle of a conversation, for models whose template accepts it only at the beginning.

The templates of Qwen 3.5 and later raise "System message must be at the beginning", and Claude Code sends one in every
request. Moving it to the front would change the beginning of the prompt on every turn and invalidate the prefix cache
of a local server, so it becomes part of the user message next to it, in `<system>` tags.

Works on messages of either wire: a user's text part looks the same on both.
"""

from collections.abc import Sequence
from typing import Any

Message = dict[str, Any]

SYSTEM_ROLES = ("system", "developer")
MARKED = "<system>\n{}\n</system>"
_RESULT_ROLES = ("tool", "function")


def settled(messages: Sequence[Message]) -> tuple[list[Message], list[Message]]:
    """Return the system messages at the beginning, and the others, none of which is one.

    A later one joins the user message before it, else the one behind it, else becomes one of its own; it never comes
    between a call and its results. What stays as it was is the same object.
    """
    first, rest = leading(messages)
    if not any(message.get("role") in SYSTEM_ROLES for message in rest):
        return first, rest
    return first, joined(rest)


def leading(messages: Sequence[Message]) -> tuple[list[Message], list[Message]]:
    """Return the system messages at the beginning, and all the rest."""
    count = 0
    while count < len(messages) and messages[count].get("role") in SYSTEM_ROLES:
        count += 1
    return list(messages[:count]), list(messages[count:])


def joined(messages: Sequence[Message]) -> list[Message]:
    """Return the messages without any system message: its text joins a user message, as `settled` says."""
    written: list[Message] = []
    waiting: Any = ""  # content for a user message that may follow
    for message in messages:
        role = message.get("role")
        if role in SYSTEM_ROLES:
            marked = _marked(message.get("content"))
            if not waiting and written and written[-1].get("role") == "user":
                written[-1] = {**written[-1], "content": _both(written[-1].get("content"), marked)}
            else:
                waiting = _both(waiting, marked)
        elif role in _RESULT_ROLES:
            written.append(message)
        elif role == "user":
            written.append(_begun_with(waiting, message))
            waiting = ""
        else:
            written += _by_user(waiting)
            written.append(message)
            waiting = ""
    return [*written, *_by_user(waiting)]


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


def _marked(content: object) -> str | list[Message]:
    """Return the texts as one, marked; as a part, where a breakpoint of the cache is behind it."""
    parts = [part for part in _parts(content) if isinstance(part.get("text"), str) and part["text"].strip()]
    if not parts:
        return ""
    text = MARKED.format("\n\n".join(part["text"] for part in parts))
    cache = parts[-1].get("cache_control")
    return text if cache is None else [{"type": "text", "text": text, "cache_control": cache}]


def _parts(content: object) -> list[Message]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
