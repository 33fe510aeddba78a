"""The words of a refusal: its message, from any shape of body that servers use."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Final

import orjson

from coderouter_proxy.wires import lenient_json

LISTED_ERRORS_MAX: Final = 20
_MESSAGE_CHARS_MAX: Final = 2000
_NESTING_MAX: Final = 8
_TEXT_CHARS_MAX: Final = 300
_SEARCHED_BYTES_MAX: Final = 4096
"""Of a body that is not JSON; a page says at its top what it is about."""

_FIELDS: Final = (
    "error_description",  # OAuth's; its `error` is a code
    "error",
    "message",
    "Message",  # AWS
    "msg",
    "detail",
    "details",
    "errors",
    "error_msg",
    "reason",
    "fault",  # Apigee, with the next one in it
    "faultstring",
    "base_resp",  # MiniMax, the same
    "status_msg",
)
_MARKUP: Final = re.compile(rb"\s*<[!?a-z]", re.IGNORECASE)
_TITLE: Final = re.compile(rb"<(?:title|message|h1)\b[^<>]*>([^<]+)", re.IGNORECASE)
_CUT_MESSAGE: Final = re.compile(rb'"(?:message|detail|error)"\s*:\s*("(?:[^"\\]|\\.)*)', re.DOTALL)


def decoded(body: bytes) -> object:
    """Return the JSON in a body, also if it is not quite JSON or in an event of a stream; None if there is none."""
    for line in (body, *_event_data(body)):
        try:
            value, _ = lenient_json.loads(line)
        except ValueError:
            continue
        return value
    return None


def in_text(body: bytes) -> str:
    """Return the words of a body without JSON: of a page its title, and of JSON that was cut its message."""
    top = body[:_SEARCHED_BYTES_MAX]
    if _MARKUP.match(top):
        title = _TITLE.search(top)
        return unescape(" ".join(title[1].decode(errors="replace").split())) if title else ""
    if top.lstrip()[:1] in (b"{", b"["):
        cut = _CUT_MESSAGE.search(top)
        return _message(_closed(cut[1]), _NESTING_MAX)[:_TEXT_CHARS_MAX] if cut else ""
    text = top[:_TEXT_CHARS_MAX].decode(errors="replace").strip()
    return text if "\0" not in text else ""


def _event_data(body: bytes) -> list[bytes]:
    if not body.lstrip().startswith((b"data:", b"event:", b":")):
        return []
    return [line[5:] for line in body.split(b"\n", LISTED_ERRORS_MAX) if line.startswith(b"data:")]


def _closed(text: bytes) -> object:
    """Return the JSON string that begins so; empty if it was cut within an escape."""
    try:
        return lenient_json.whole({"": lenient_json.loads(text + b'"')[0]})[""]
    except ValueError:
        return ""


def message_in(decoded: object) -> str:
    """Return the words of a decoded error body, never its JSON; empty where there are none.

    Shapes: `{"error": {"message"}}`, `{"error": "…"}`, `{"message"}`, `{"detail"}` as text or as FastAPI's list of
    errors, any of them in a list (Gemini) or as JSON text in another one's message (gateways).
    """
    found = _message(decoded, _NESTING_MAX)[:_MESSAGE_CHARS_MAX]
    return found.encode(errors="replace").decode()  # it may hold halves of characters


def _message(decoded: object, depth: int) -> str:
    if depth == 0:
        return ""
    if isinstance(decoded, str):
        inner = _strict(decoded.encode(errors="replace")) if decoded.lstrip()[:1] in ("{", "[") else None
        return (_message(inner, depth - 1) if inner is not None else "") or _plain(decoded)
    if isinstance(decoded, list):
        listed = decoded[:LISTED_ERRORS_MAX]
        found = (_listed_error(entry) or _message(entry, depth - 1) for entry in listed)
        return "; ".join(words for words in found if words)
    if isinstance(decoded, dict):
        return next((words for words in _candidates(decoded, depth - 1) if words), "")
    return ""


def _candidates(decoded: dict[object, object], depth: int) -> Iterator[str]:
    """Yield messages, the most specific first; OpenRouter has its provider's own body in `metadata.raw`."""
    error = decoded.get("error")
    metadata = error.get("metadata") if isinstance(error, dict) else None
    if isinstance(metadata, dict) and isinstance(metadata.get("raw"), str):
        yield _message(metadata["raw"], depth)
    for name in _FIELDS:
        if decoded.get(name):
            yield _message(decoded[name], depth)
    errors = decoded.get("errors")
    if isinstance(errors, dict):  # by field of the request
        named = ((name, _message(said, depth)) for name, said in list(errors.items())[:LISTED_ERRORS_MAX])
        yield "; ".join(f"{name}: {said}" for name, said in named if said)


def _listed_error(entry: object) -> str:
    """Return an error of FastAPI's list: its place and its message."""
    if not isinstance(entry, dict) or not isinstance(entry.get("msg"), str):
        return ""
    place = entry.get("loc")
    where = (
        ".".join(str(step) for step in place if isinstance(step, (str, int)))
        if isinstance(place, list)
        else ""
    )
    return f"{where}: {entry['msg']}" if where else entry["msg"]


def _plain(text: str) -> str:
    """Return the message; JSON without one is never shown."""
    return (
        "" if text.lstrip()[:1] in ("{", "[") and _strict(text.encode(errors="replace")) is not None else text
    )


def _strict(body: bytes) -> object:
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return value
