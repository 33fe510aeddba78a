"""JSON from clients and providers: values may have any type and be nested to any depth.

Arguments of tool calls are JSON inside JSON: text on one wire, an object on the other.
"""

import json
from typing import Any

import orjson

from coderouter_proxy.errors import ProviderError
from coderouter_proxy.request import Body


def words(value: object) -> str:
    """Return the value if it is a string, else "": Python cannot even print deeply nested values."""
    return value if isinstance(value, str) else ""


def written(value: object, *, retryable: bool) -> str:
    """Return the JSON text of the value; raises as `encoded` does."""
    return encoded(value, retryable=retryable).decode()


def encoded(value: object, *, retryable: bool) -> bytes:
    """Return the JSON text of the value.

    Raises:
        ProviderError: orjson reads deeper nesting than it writes; `retryable` if it came from a provider.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise ProviderError(
            "protocol",
            f"arguments that cannot be sent on: {error}",
            retryable=retryable,
            about_request=not retryable,
        ) from None


def arguments(text: object) -> Body:
    """Return the arguments as an object, which is all that Anthropic accepts."""
    decoded: Any = text or {}
    if isinstance(text, str):
        try:
            decoded = orjson.loads(text) if text.strip() else {}
        except orjson.JSONDecodeError:
            decoded = _loosely(text)
    return decoded if isinstance(decoded, dict) else {"arguments": decoded}


def _loosely(text: str) -> object:
    """Return the value in JSON text with line breaks in its strings; the text itself if more is wrong with it."""
    try:
        value = json.loads(text, strict=False, parse_constant=_refuse)
        orjson.dumps(value)
    except (ValueError, TypeError, RecursionError):
        return text
    return value


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
