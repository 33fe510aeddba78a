"""The kinds of values in providers.yaml, each with the sentence that tells what is wrong with one."""

from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from pydantic import AfterValidator, Field


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # of a port that there cannot be, or half an IPv6 address
        fits = False
    if not fits:
        raise ValueError("is not an http(s) URL; write e.g. http://127.0.0.1:11434/v1")
    if "?" in value or "#" in value:
        raise ValueError("has a query or a fragment, and paths are put behind it; end it before the ? or #")
    return value.rstrip("/")


def _sendable(value: dict[str, Any]) -> dict[str, Any]:
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise ValueError(f"cannot be sent as JSON: {error}") from None
    return value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is not a time zone of the IANA database; write e.g. Europe/Berlin") from None
    return value


def _regex(value: str) -> str:
    import regex  # noqa: PLC0415 - memory that only those pay who have patterns

    try:
        regex.compile(value)
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    return value


def _yes(value: bool) -> bool:  # noqa: FBT001
    if not value:
        raise ValueError("would never match; write true, or leave the rule out")
    return value


Name = Annotated[str, Field(min_length=1)]
Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]
TimeoutSeconds = Annotated[float, Field(gt=0, le=3600)]
Url = Annotated[str, AfterValidator(_http_url)]
JsonObject = Annotated[dict[str, Any], AfterValidator(_sendable)]
TimeZone = Annotated[str, AfterValidator(_timezone)]
Regex = Annotated[str, AfterValidator(_regex)]
Yes = Annotated[bool, AfterValidator(_yes)]
