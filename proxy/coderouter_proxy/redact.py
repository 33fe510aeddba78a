"""Keep keys out of everything that is written or shown."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from coderouter_events.events import ERROR_CHARS_MAX

_KEY_LIKE = re.compile(
    r"\b(?:(?:sk|pk|rk|gsk|xai|nvapi|hf)[-_]|AIza)[A-Za-z0-9_\-]{12,}"
    r"|(?i:bearer)\s+(?!\$\{)[^\s\"',;]{8,}"
    r"|(?<=://)[^/\s@]+(?=@)"
)

_SECRET_NAME = re.compile(
    r"(?:^|[-_.])(?:api)?(?:key|token|secret|password|passwd|authorization|credential)s?$", re.IGNORECASE
)
_SECRET_VALUE = re.compile(r"[^\s<$\"'][^\s\"']{7,}")  # not a variable, nor a marker such as <|im_end|>


def scrubbed(text: str, *secrets: str) -> str:
    """Return the text with the secrets, and anything that looks like a key, replaced by `***`."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    # Header bytes that are not UTF-8 arrive as surrogates, which JSON cannot encode.
    return _KEY_LIKE.sub("***", text).encode(errors="replace").decode()


def shortened(text: str) -> str:
    """Return the text truncated for an event."""
    return text if len(text) <= ERROR_CHARS_MAX else text[: ERROR_CHARS_MAX - 1] + "…"


def is_secret(name: str, value: object) -> bool:
    """Return whether the value looks like a key, or its name is one of a key."""
    if not isinstance(value, str):
        return False
    return bool(_KEY_LIKE.search(value) or (_SECRET_NAME.search(name) and _SECRET_VALUE.fullmatch(value)))


def masked(value: Any, name: str = "") -> Any:  # noqa: ANN401
    """Return the JSON value with `***` in place of each secret in it."""
    if isinstance(value, Mapping):
        return {scrubbed(str(key)): masked(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner, name) for inner in value]
    if is_secret(name, value):
        return scrubbed(value) if _KEY_LIKE.search(value) else "***"
    return value


def secret_places(value: object, place: str = "") -> Iterator[str]:
    """Yield the path of each secret in the JSON value, e.g. `providers[0].extra_body.api_key`, without showing it."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            below = scrubbed(f"{place}.{key}" if place else str(key))
            if below.endswith("***"):
                yield below
            yield from secret_places(inner, below)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from secret_places(inner, f"{place}[{index}]")
    elif is_secret(re.sub(r"\[\d+\]$", "", place), value):
        yield place
