"""The content of an answer: a text, or parts of text and thinking, as Mistral's reasoning models write it."""

from collections.abc import Iterator

from coderouter_proxy.wires import json_values


def thoughts_and_text(content: object) -> tuple[str, str]:
    """Return the thinking and the text in the content of a message or a delta."""
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        return "", json_values.words(content)
    parts = [part if isinstance(part, dict) else {"text": part} for part in content]
    thoughts = (text for part in parts if part.get("type") == "thinking" for text in _thoughts(part))
    texts = (json_values.words(part.get("text")) for part in parts if part.get("type") != "thinking")
    return "".join(thoughts), "".join(texts)


def _thoughts(part: dict[str, object]) -> Iterator[str]:
    """Yield the texts of a part of type thinking, which holds a text or a list of parts."""
    thinking = part.get("thinking")
    yield json_values.words(thinking)
    for inner in thinking if isinstance(thinking, list) else []:
        if isinstance(inner, dict):
            yield json_values.words(inner.get("text"))
