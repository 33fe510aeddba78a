"""One export: a request to the receiver, and what its answer means."""

import asyncio
import gzip
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

import aiohttp
from google.protobuf.message import Message

from coderouter_events.reasons import reason_of
from coderouter_http import product

TIMEOUT_S = 10.0
GZIP_LEVEL = 1
ANSWER_BYTES_MAX = 1 << 16
MESSAGE_CHARS_MAX = 300
RETRY_AFTER_S_MAX = 3600.0
_BUSY = frozenset((429, 502, 503, 504))
"""The statuses after which OTLP asks for the same export again."""

Reason = Literal["unreachable", "timeout", "busy", "refused"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The result of an export: it failed for a `reason`, or was accepted."""

    reason: Reason | None = None
    message: str = ""
    """What the receiver says, or why there is no answer."""
    too_large: bool = False
    body: bytes = b""
    """Of a success; empty if it is not protobuf."""
    wait_s: float = 0.0
    """For how long the receiver asks not to be sent anything."""


async def send(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], request: Message
) -> Answer:
    """Send the request, which takes `TIMEOUT_S` at most."""
    body = gzip.compress(request.SerializeToString(), GZIP_LEVEL)
    try:
        async with session.post(url, data=body, headers=_headers(headers), allow_redirects=False) as answer:
            return _understood(answer, await _beginning(answer))
    except TimeoutError:
        return Answer(reason="timeout", message=f"no answer within {TIMEOUT_S:g} s")
    except (aiohttp.ClientError, OSError, ValueError, asyncio.IncompleteReadError) as error:
        return Answer(reason="unreachable", message=_why(error))


def new_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,  # an answer that cannot be decoded is still an answer
    )


def _headers(own: Mapping[str, str]) -> dict[str, str]:
    return {
        "User-Agent": f"coderouter-exporter/{product.version()}",
        **own,
        "Content-Type": "application/x-protobuf",
        "Content-Encoding": "gzip",
        "Accept-Encoding": "identity",
    }


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    content = b""
    async for piece in answer.content.iter_any():
        content += piece
        if len(content) > ANSWER_BYTES_MAX:
            break
    return content


def _understood(answer: aiohttp.ClientResponse, content: bytes) -> Answer:
    if answer.status in _BUSY:
        wait_s = _retry_after_s(answer.headers.get("Retry-After", ""))
        return Answer(reason="busy", message=f"status {answer.status}", wait_s=wait_s)
    if not 200 <= answer.status < 300:
        said = _said(answer, content)
        message = f"status {answer.status}{f': {said}' if said else ''}"
        return Answer(reason="refused", message=message, too_large=answer.status == 413)
    is_plain = answer.headers.get("Content-Encoding", "identity") == "identity"
    is_answer = is_plain and "protobuf" in answer.content_type and len(content) <= ANSWER_BYTES_MAX
    return Answer(body=content if is_answer else b"")


def _why(error: Exception) -> str:
    """Return in one line why there is no answer."""
    if isinstance(error, aiohttp.ClientResponseError):
        why = f"what it answers is not HTTP: {error.message}"
    elif isinstance(error, aiohttp.ClientPayloadError):
        why = "its answer broke off"
    else:
        why = reason_of(getattr(error, "os_error", error)) or type(error).__name__
    return " ".join(why.split())[:MESSAGE_CHARS_MAX]


def _said(answer: aiohttp.ClientResponse, content: bytes) -> str:
    """Return the first line of a text that came with a refusal."""
    if "protobuf" in answer.content_type or "Content-Encoding" in answer.headers:
        return ""
    line = content.decode(errors="replace").strip().partition("\n")[0][:MESSAGE_CHARS_MAX]
    return "".join(char if char.isprintable() else " " for char in line)


def _retry_after_s(value: str) -> float:
    """Return the seconds of a `Retry-After`, which has a number or a date; 0 if it has neither."""
    value = value.strip()
    try:
        seconds = (
            float(int(value))
            if value.isascii() and value.isdigit() and len(value) < 10
            else (parsedate_to_datetime(value).timestamp() - time.time())
        )
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(0.0, seconds), RETRY_AFTER_S_MAX)
