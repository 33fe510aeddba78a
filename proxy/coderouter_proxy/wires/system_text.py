"""System text in the middle of a conversation, for models whose template accepts it only at the beginning.

The templates of Qwen 3.5 and later raise "System message must be at the beginning", and Claude Code sends one in every
request. Moving it to the front would change the beginning of the prompt on every turn and invalidate the prefix cache
of a local server, so it becomes part of the user message next to it, in `<system>` tags.

Works on messages of any wire: a user's text part looks the same on two of them, and the third one names it.
"""

from collections.abc import Sequence
from typing import Any

Message = dict[str, Any]

SYSTEM_ROLES = ("system", "developer")
MARKED = "<system>\n{}\n</system>"
_RESULT_ROLES = ("tool", "function")


def settled(messages: Sequence[Message], *, in_parts: bool = False) -> tuple[list[Message], list[Message]]:
    """Return the system messages at the beginning, and the others, none of which is one.

    A later one joins the user message before it, else the one after it, else becomes a user message itself; it never
    separates a call from its results. With `in_parts` it is a part even if all texts are strings, because agents send
    the same text once as a part and once as a string. Unchanged messages are the same objects.
    """
    first, rest = leading(messages)
    if not any(message.get("role") in SYSTEM_ROLES for message in rest):
        return first, rest
    return first, joined(rest, in_parts=in_parts)


def leading(messages: Sequence[Message]) -> tuple[list[Message], list[Message]]:
    """Return the system messages at the beginning, and all the rest."""
    count = 0
    while count < len(messages) and messages[count].get("role") in SYSTEM_ROLES:
        count += 1
    return list(messages[:count]), list(messages[count:])


def joined(messages: Sequence[Message], *, in_parts: bool = False) -> list[Message]:
    """Return the messages without any system message: its text joins a user message, as `settled` says."""
    written: list[Message] = []
    waiting: list[Any] = []  # contents for a user message
    for message in messages:
        role = message.get("role")
        if role in SYSTEM_ROLES:
            if marked := _marked(message.get("content"), in_parts=in_parts):
                waiting.append(marked)
            continue
        if written and written[-1].get("role") == "user":
            _join_last(written, waiting)
        elif waiting and role == "user":
            written.append(_begun_with(waiting, message))
            waiting = []
            continue
        elif not _is_result(message):
            _join_last(written, waiting)
        written.append(message)
    _join_last(written, waiting)
    return written


def _is_result(message: Message) -> bool:
    """Return whether this is what a tool returned; on the Responses wire that is an item without a role."""
    kind = message.get("type")
    return message.get("role") in _RESULT_ROLES or (isinstance(kind, str) and kind.endswith("_output"))


def _join_last(written: list[Message], waiting: list[Any]) -> None:
    """Append what waits to the last message if it is a user's, else add it as a new one."""
    if not waiting:
        return
    if written and written[-1].get("role") == "user":
        written[-1] = {**written[-1], "content": _together(written[-1].get("content"), *waiting)}
    else:
        written.append({"role": "user", "content": _together(*waiting)})
    waiting.clear()


def _begun_with(contents: Sequence[Any], message: Message) -> Message:
    """Return the message with these at its beginning, but after tool results, which Anthropic requires first."""
    given = message.get("content")
    parts = _parts(given) if isinstance(given, list) else []
    count = 0
    while count < len(parts) and parts[count].get("type") == "tool_result":
        count += 1
    rest = parts[count:] if isinstance(given, list) else given
    return {**message, "content": _together(parts[:count], *contents, rest)}


def _together(*contents: Any) -> Any:  # noqa: ANN401 - strings and lists of parts
    """Return one content: a string if all are, because not every server accepts a list."""
    given = [content for content in contents if content]
    if all(isinstance(content, str) for content in given):
        return "\n\n".join(given)
    return [part for content in given for part in _parts(content)]


def _marked(content: object, *, in_parts: bool) -> str | list[Message]:
    """Return the texts as one, in tags; as a part if a cache breakpoint follows it."""
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
