"""Parts of messages and of tool outputs."""

import re
from collections.abc import Iterator
from typing import Literal

from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values
from coderouter_proxy.wires.conversation import Media, Part, Text, VendorPart

WIRE = "responses"
_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^,]*)?;base64,(.*)", re.DOTALL)
_MEDIA_TYPES = {"txt": "text/plain", "md": "text/markdown", "csv": "text/csv", "json": "application/json"}


def parts(content: object) -> tuple[Part, ...]:
    """Return the parts; a text alone is one."""
    if isinstance(content, str):
        return (Text(content),)
    listed = content if isinstance(content, list) else []
    return tuple(_part(part) for part in listed if isinstance(part, dict))


def texts(content: object) -> Iterator[Text]:
    return (part for part in parts(content) if isinstance(part, Text))


def _part(part: Body) -> Part:
    match part.get("type"):
        case "input_text" | "output_text" | "text" | "summary_text" | "reasoning_text":
            return Text(json_values.words(part.get("text")))
        case "refusal":
            return Text(json_values.words(part.get("refusal")))
        case "input_image":
            return _image(part) or VendorPart(WIRE, "image", part)
        case "input_file":
            return _file(part) or VendorPart(WIRE, "file", part)
        case other:
            return VendorPart(WIRE, other, part)


def _image(part: Body) -> Media | None:
    given = part.get("image_url")
    url = given.get("url") if isinstance(given, dict) else given
    return _media("image", url, None) if isinstance(url, str) and url else None


def _file(part: Body) -> Media | None:
    """Return the document; its data are a data URL or Base64 alone."""
    title = json_values.words(part.get("filename")) or None
    if isinstance(url := part.get("file_url"), str) and url:
        return _media("document", url, title)
    if not isinstance(data := part.get("file_data"), str) or not data:
        return None
    if data.startswith("data:"):
        return _media("document", data, title)
    ending = (title or "").rpartition(".")[2].lower()
    return Media("document", _MEDIA_TYPES.get(ending, "application/pdf"), data=data, title=title)


def _media(kind: Literal["image", "document"], url: str, title: str | None) -> Media:
    if data := _DATA_URL.match(url):
        return Media(kind, data[1] or "application/octet-stream", data=data[2], title=title)
    return Media(kind, url=url, title=title)
