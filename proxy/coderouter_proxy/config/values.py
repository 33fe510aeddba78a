"""Types of the values in providers.yaml; the error of each says what is wrong and what to write instead."""

import re
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from coderouter_proxy.config.kinds import PROVIDER_KINDS
from coderouter_proxy.redact import looks_like_key, name_shown, not_a_variable, value_shown

VARIABLE_PATTERN = "^[A-Za-z_][A-Za-z0-9_]*$"
HOST_CHARS_MAX = 253  # of a name in DNS
_NOT_IN_URLS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")


def http_url(value: str) -> str:
    """Return the URL without a slash at its end.

    Raises:
        ValueError: it is not one that paths can be appended to.
    """
    if not _is_http_url(value):
        raise ValueError("is not an http(s) URL; write e.g. http://127.0.0.1:11434/v1")
    if "?" in value or "#" in value:
        raise ValueError(
            "has a query or fragment; remove everything from ? or # on, because paths are appended"
        )
    return value.rstrip("/")


def _is_http_url(value: str) -> bool:
    """Return whether the value is one, with a host that can be looked up: the resolver takes no empty or long label."""
    from yarl import URL  # noqa: PLC0415 - quick help

    try:
        parts = urlsplit(value)
        host = URL(value).raw_host or ""
        host.encode("idna")
        fits = parts.scheme in ("http", "https") and parts.port != 0 and 0 < len(host) <= HOST_CHARS_MAX
    except ValueError:  # an impossible port, half an IPv6 address, or no host name of IDNA
        return False
    return fits and _NOT_IN_URLS.search(value) is None and (":" in host or "%" not in host)


def _json_object(value: dict[str, Any]) -> dict[str, Any]:
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise ValueError(f"cannot be sent as JSON: {error}") from None
    return value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is not an IANA time zone; write e.g. Europe/Berlin") from None
    return value


def known_kind(*others: str) -> AfterValidator:
    """Return the validation of a field that names a kind of provider, or one of the others."""

    def check(value: str) -> str:
        names = (*PROVIDER_KINDS, *others)
        if value not in names:
            *first, last = map(repr, names)
            expected = f"{', '.join(first)} or {last}"
            raise PydanticCustomError("literal_error", "should be {expected}", {"expected": expected})
        return value

    return AfterValidator(check)


def _regex(value: str) -> str:
    import regex  # noqa: PLC0415 - costs memory, so only those who have patterns load it

    try:
        regex.compile(value)
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"is not a valid regular expression: {error}") from None
    return value


def _only_true(value: bool) -> bool:  # noqa: FBT001
    if not value:
        raise ValueError("would never match; write true or remove the rule")
    return value


def _no_key(value: str) -> str:
    if looks_like_key(value):
        raise PydanticCustomError(
            HIDDEN_VALUE, "{message}", {"message": f"{name_shown(value)!r} looks like a key; write a name"}
        )
    return value


def _checked(value: object, check: Callable[[str], str | None]) -> str | list[str] | None:
    """Return the text or the list of texts; `check` returns what is wrong with one that is not empty."""
    if value is None:
        return None
    given: list[object] = value if isinstance(value, list) else [value]
    texts = [text for text in given if isinstance(text, str) and text]
    wrong = next(filter(None, map(check, texts)), None)
    if not texts or len(texts) < len(given):
        expected = (
            "not be empty" if all(isinstance(text, str) for text in given) else "be text, or a list of texts"
        )
        wrong = f"is {value_shown(value)}: should {expected}"
    if wrong is not None:
        raise PydanticCustomError(HIDDEN_VALUE, "{message}", {"message": wrong})
    return texts if isinstance(value, list) else texts[0]


def _key_file(text: str) -> str | None:
    if looks_like_key(text):
        return f"{name_shown(text)!r} looks like a key; write the path of the file that holds it"
    if not text.startswith(("/", "~", "${")):
        return f"{value_shown(text)} is not an absolute path; write e.g. ${{CREDENTIALS_DIRECTORY}}/openai"
    return None


def _one_or_several(
    check: Callable[[str], str | None], **one: object
) -> tuple[PlainValidator, WithJsonSchema]:
    """Return how such a field is validated, and its JSON schema; `one` is that of one text."""
    text = {"type": "string", "minLength": 1, **one}
    schema = {"anyOf": [text, {"type": "array", "items": text, "minItems": 1}, {"type": "null"}]}
    return PlainValidator(lambda value: _checked(value, check)), WithJsonSchema(schema)


def _variable(value: str) -> str:
    if (message := not_a_variable(value)) is not None:
        raise PydanticCustomError(HIDDEN_VALUE, "{message}", {"message": message})
    return value


HIDDEN_VALUE = "hidden_value"
"""Type of the errors whose message shows as much of the value as may be shown."""

Text = Annotated[str, Field(min_length=1)]
Kind = Annotated[str, known_kind()]
Name = Annotated[str, Field(min_length=1), AfterValidator(_no_key)]
VariableName = Annotated[str, Field(min_length=1), AfterValidator(_variable)]
VariableNames = Annotated[str | list[str] | None, *_one_or_several(not_a_variable, pattern=VARIABLE_PATTERN)]
KeyFiles = Annotated[str | list[str] | None, *_one_or_several(_key_file, pattern="^(/|~|\\$\\{)")]
Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]
TimeoutSeconds = Annotated[float, Field(gt=0, le=86_400)]
JsonObject = Annotated[dict[str, Any], AfterValidator(_json_object)]
TimeZone = Annotated[str, AfterValidator(_timezone)]
Regex = Annotated[str, AfterValidator(_regex)]
OnlyTrue = Annotated[bool, AfterValidator(_only_true)]
