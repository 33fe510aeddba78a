"""Images, documents and search results of a messages request, as parts of a conversation."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from coderouter_proxy.wires import json_values
from coderouter_proxy.wires.conversation import Body, Media, Part, Text


def parts(block: Body) -> tuple[Part, ...]:
    """Return what the block shows; empty if its source is of no known kind.

    What is said about a document, and where a search result comes from, becomes text.
    """
    given = block.get("source")
    source: Body = given if isinstance(given, dict) else {}
    said = tuple(_parts(block, source))
    cache = block.get("cache_control")
    return (*said[:-1], replace(said[-1], cache=cache)) if said and cache is not None else said


def _parts(block: Body, source: Body) -> Iterator[Part]:
    title, context = json_values.words(block.get("title")), json_values.words(block.get("context"))
    match block["type"], source.get("type"):
        case "image", "base64" | "url":
            yield _media("image", source)
        case "document", "base64" | "url":
            if context:
                yield Text(context)
            yield replace(_media("document", source), title=title or None)
        case "document", "text":
            text = _joined((context, json_values.words(source.get("data"))))
            yield Media("document", "text/plain", text=text, title=title or None)
        case "document", "content":
            yield from _in_order((title, context), source.get("content"))
        case "search_result", _:
            origin = "\n".join(filter(None, (title, json_values.words(block.get("source")))))
            yield from _in_order((origin,), block.get("content"))


def _media(kind: Literal["image", "document"], source: Body) -> Media:
    if source.get("type") == "url":
        return Media(kind, url=json_values.words(source.get("url")))
    media_type, data = json_values.words(source.get("media_type")), json_values.words(source.get("data"))
    return Media(kind, media_type, data=data)


def _in_order(heading: Iterable[str], content: object) -> Iterator[Part]:
    """Yield the texts, each run of them as one, and the images between them; at least one part."""
    texts = [*heading]
    images = 0
    given = [{"type": "text", "text": content}] if isinstance(content, str) else content
    for block in given if isinstance(given, list) else []:
        match block:
            case {"type": "text"}:
                texts.append(json_values.words(block.get("text")))
            case {"type": "image"} if image := parts(block):
                if text := _joined(texts):
                    yield Text(text)
                yield from image
                texts = []
                images += 1
    if (text := _joined(texts)) or not images:
        yield Text(text)


def _joined(texts: Iterable[str]) -> str:
    return "\n\n".join(text for text in texts if text)
