"""Adapt a chat completion request to servers other than OpenAI's own, which reject some of it."""

from collections.abc import Sequence
from typing import Any

from coderouter_proxy.wires import system_text

Message = dict[str, Any]


def with_one_system_message(messages: Sequence[Message]) -> list[Message]:
    """Return the messages with at most one system message, the first.

    Other servers do not know the role `developer`, and the templates of local models reject a second system message.
    """
    leading, others = system_text.settled(messages)
    if not leading or (len(leading) == 1 and leading[0].get("role") == "system"):
        return [*leading, *others]
    contents = [message.get("content") for message in leading]
    if all(isinstance(content, str) for content in contents):
        joined: Any = "\n\n".join(content for content in contents if isinstance(content, str) and content)
    else:
        joined = [part for content in contents for part in _parts(content)]
    return [{**leading[0], "role": "system", "content": joined}, *others]


def _parts(content: object) -> list[Any]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content if isinstance(content, list) else []
