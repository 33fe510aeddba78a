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


def settled(messages: Sequence[Message]) -> tuple[list[Message], list[Message]]:
    """Return the system messages at the beginning, and the others, none of which is one.

    A later one joins the user message before it, else the one behind it, else becomes one of its own. What stays as
    it was is the same object.
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
    waiting: list[Message] = []  # text parts for a user message that may follow
    for message in messages:
        role = message.get("role")
        if role in SYSTEM_ROLES:
            texts = _marked(message.get("content"))
            if not waiting and written and written[-1].get("role") == "user":
                written[-1] = {**written[-1], "content": [*_parts(written[-1].get("content")), *texts]}
            else:
                waiting += texts
        elif role == "user":
            begun = [*waiting, *_parts(message.get("content"))] if waiting else message.get("content")
            written.append({**message, "content": begun} if waiting else message)
            waiting = []
        else:
            if waiting:
                written.append({"role": "user", "content": waiting})
                waiting = []
            written.append(message)
    if waiting:
        written.append({"role": "user", "content": waiting})
    return written


def _marked(content: object) -> list[Message]:
    texts = [part["text"] for part in _parts(content) if isinstance(part.get("text"), str)]
    text = "\n\n".join(text for text in texts if text.strip())
    return [{"type": "text", "text": MARKED.format(text)}] if text else []


def _parts(content: object) -> list[Message]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
