"""Headers of providers.yaml: names and values of RFC 9110, with environment variables in the values."""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator

from coderouter_proxy.redact import is_secret, looks_like_key, name_shown, not_a_variable

# The HTTP client sets these from the request itself.
OWN_HEADERS = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_SCHEMES = frozenset(("", "Basic", "Bearer", "Token"))
_SECRET_CHARS_MIN = 4  # shorter values of variables would be found in ordinary words
_UNPRINTABLE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")


def expanded(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with the values of environment variables in place of `${NAME}`.

    Raises:
        ValueError: a variable is not set, or a value cannot be sent; the message shows no value.
    """
    return {name: _expanded(name, value) for name, value in headers.items()}


def secrets(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return what no error may repeat, the longest first: values with variables, and literal ones that look like keys.

    A variable that is not set has no value to hide.
    """
    found: set[str] = set()
    for name, value in headers.items():
        if names := _VARIABLE.findall(value):
            found.add(_VARIABLE.sub(lambda variable: _value_of(variable[1]), value))
            found.update(map(_value_of, names))
        else:
            found.update(word for word in (value, *value.split()) if is_secret(name, word))
    return tuple(sorted((text for text in found if len(text) >= _SECRET_CHARS_MIN), key=len, reverse=True))


def can_hold(text: str) -> bool:
    """Return whether a value of a header can hold the text."""
    return _UNPRINTABLE.search(text) is None


def masked(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with `***` for everything in their values except variables, which stay unexpanded."""
    return {name: "".join(_masked_parts(value)) for name, value in headers.items()}


def _masked_parts(value: str) -> Iterator[str]:
    end = 0
    for variable in _VARIABLE.finditer(value):
        yield _masked(value[end : variable.start()])
        yield variable[0]
        end = variable.end()
    yield _masked(value[end:])


def _masked(literal: str) -> str:
    return literal if literal.strip() in _SCHEMES else "***"


def _value_of(variable: str) -> str:
    return os.environ.get(variable, "").strip()


def _expanded(name: str, value: str) -> str:
    def of_variable(found: re.Match[str]) -> str:
        text = _value_of(found[1])
        if not text:
            raise ValueError(f"header {name!r}: the environment variable {found[1]!r} is not set; set it")
        return text

    text = _VARIABLE.sub(of_variable, value)
    if not can_hold(text):
        raise ValueError(
            f"header {name!r}: its value has line breaks or characters beyond Latin-1; remove them"
        )
    return text


def _checked(headers: dict[str, str]) -> dict[str, str]:
    seen: set[str] = set()
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or looks_like_key(name):
            raise ValueError(
                f"{name_shown(name)!r} is not the name of a header; write letters, digits and hyphens"
            )
        if name.lower() in OWN_HEADERS:
            raise ValueError(f"{name!r} is set by the router; remove it")
        if name.lower() in seen:
            raise ValueError(f"{name!r} is there twice; remove one of them")
        seen.add(name.lower())
        for variable in _VARIABLE.findall(value):
            if (message := not_a_variable(variable)) is not None:
                raise ValueError(f"header {name!r}: {message}")
    expanded(headers)
    return headers


Headers = Annotated[dict[str, str], AfterValidator(_checked)]
