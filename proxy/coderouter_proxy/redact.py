"""Keep keys out of everything that is written or shown."""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from coderouter_events.events import ERROR_CHARS_MAX

VARIABLE_FIELDS = ("api_key_env", "api_keys_env", "api_key_file")

_KEY_LIKE = re.compile(
    r"\b(?:(?:sk|pk|rk|gsk|xai|nvapi|hf)[-_]|AIza)[A-Za-z0-9_\-]{12,}"
    r"|(?i:bearer)\s+(?!\$\{)[^\s\"',;]{8,}"
    r"|(?<=://)[^/\s@]+(?=@)"
)

_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RUN = re.compile(r"[A-Za-z0-9]{16,}")
_RANDOM_CHARS_MIN = 20
_RANDOM_CHANGES_MIN = 3
_CHANGE = re.compile(r"(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9])")

_SECRET_NAME = re.compile(
    r"(?:^|[-_.])(?:api)?(?:key|token|secret|password|passwd|authorization|credential)s?$", re.IGNORECASE
)
_URL_SAFE = str.maketrans("+/", "-_")
_SECRET_VALUE = re.compile(r"[^\s<$\"'][^\s\"']{7,}")  # not a variable, nor a marker such as <|im_end|>

PART_CHARS: Final = 8
"""This many characters of a secret in a row are scrubbed: servers cut keys that they repeat, and messages are cut."""
_BASE64_PART_CHARS = 12
_BASE64_CHARS_MIN = 6  # less of it would be found in ordinary words


def scrubbed(text: str, *secrets: str) -> str:
    """Return the text without the secrets, as they are, cut, or in base64, and without anything that looks like a key.

    Each is replaced by `***`.
    """
    given = [secret for secret in secrets if secret]
    for secret in given:
        text = text.replace(secret, "***")
    for secret in given:
        for part_chars, parts in _parts(secret):
            text = _without(text, parts, part_chars)
    # Header bytes that are not UTF-8 arrive as surrogates, which JSON cannot encode.
    return _KEY_LIKE.sub("***", text).encode(errors="replace").decode()


@lru_cache(maxsize=256)
def _parts(secret: str) -> tuple[tuple[int, frozenset[str]], ...]:
    """Return the parts of the secret, and of its base64, that are not shown either, by their length."""
    encoded = {form for core in _in_base64(secret) for form in (core, core.translate(_URL_SAFE))}
    by_length: dict[int, set[str]] = {PART_CHARS: set(_windows(secret, PART_CHARS))}
    for core in encoded:
        part_chars = min(_BASE64_PART_CHARS, len(core))
        if part_chars >= _BASE64_CHARS_MIN:
            by_length.setdefault(part_chars, set()).update(_windows(core, part_chars))
    return tuple((length, frozenset(parts)) for length, parts in by_length.items() if parts)


def _in_base64(secret: str) -> Iterator[str]:
    """Yield the characters of base64 that only depend on the secret, for each place in a group where it may start."""
    raw = secret.encode(errors="replace")
    for before in range(3):
        bits = 8 * (before + len(raw))
        yield b64encode(bytes(before) + raw).decode()[-(-8 * before // 6) : bits // 6]


def _windows(text: str, length: int) -> Iterator[str]:
    """Yield all parts of this length, except beginnings of addresses."""
    parts = (text[start : start + length] for start in range(len(text) - length + 1))
    return (part for part in parts if "://" not in part)


def _without(text: str, parts: frozenset[str], length: int) -> str:
    """Return the text with `***` for each run of characters that such parts cover."""
    kept: list[str] = []
    end = 0  # of what is covered, or kept
    for start in range(len(text) - length + 1):
        if text[start : start + length] in parts:
            if start >= end:
                kept += (text[end:start], "***")
            end = start + length
    return "".join((*kept, text[end:])) if kept else text


def shortened(text: str) -> str:
    """Return the text truncated for an event."""
    return text if len(text) <= ERROR_CHARS_MAX else text[: ERROR_CHARS_MAX - 1] + "…"


def looks_like_key(text: str) -> bool:
    """Return whether a name looks like a key: of a known form, or a long mix of letters and digits."""
    is_known = _KEY_LIKE.search(text) is not None
    return any(is_known or _is_random(run) for run in _RUN.findall(text))


def _is_random(run: str) -> bool:
    return len(run) >= _RANDOM_CHARS_MIN and len(_CHANGE.findall(run)) >= _RANDOM_CHANGES_MIN


def name_shown(name: str) -> str:
    """Return the name for a message; of one that looks like a key, the first four characters."""
    return f"{name[:4]}…" if looks_like_key(name) else name


def value_shown(value: object) -> str:
    """Return the value for a message, with `***` in place of what looks like a key."""
    return _RUN.sub(lambda run: "***" if _is_random(run[0]) else run[0], scrubbed(repr(value)))


def not_a_variable(text: str) -> str | None:
    """Return what is wrong with the name of an environment variable; at most four characters of it are shown."""
    if looks_like_key(text):
        return (
            f"{text[:4] + '…'!r} looks like a key: put the key in an env file, write the name of its variable here, "
            "and create a new key if others could read this file"
        )
    if not _VARIABLE_NAME.fullmatch(text):
        return f"{text[:4] + '…'!r} is not the name of an environment variable; write e.g. OPENAI_API_KEY"
    return None


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
        return
    name = re.sub(r"\[\d+\]$", "", place)
    if is_secret(name, value) or (
        name.endswith(VARIABLE_FIELDS) and isinstance(value, str) and looks_like_key(value)
    ):
        yield place
