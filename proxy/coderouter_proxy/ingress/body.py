"""Read a request's body, up to a limit."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from starlette.types import Receive

from coderouter_proxy.errors import ClientDisconnected, HttpError

IDENTITY = b"identity"
ENCODING_CHARS_MAX = 100
LINGER_S = 5  # nginx's lingering_timeout
LINGER_BYTES_MAX = 64 * 1024 * 1024


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], body_mib_max: int) -> bytes:
    """Return the whole body.

    Raises:
        HttpError: it is larger than that, or compressed.
        ClientDisconnected
    """
    encoding = headers.get(b"content-encoding", IDENTITY)
    if encoding.lower() != IDENTITY:
        named = encoding.decode("latin-1")[:ENCODING_CHARS_MAX]
        raise HttpError(
            415,
            f"Content-Encoding is {named}; send the body without compression",
            code="unsupported_media_type",
        )
    bytes_max = body_mib_max * 1024 * 1024
    if int(headers.get(b"content-length", b"0")) > bytes_max:
        if b"expect" not in headers:
            await _linger(receive)
        raise _too_large(body_mib_max)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > bytes_max:
            await _linger(receive)
            raise _too_large(body_mib_max)
        if not message.get("more_body", False):
            return b"".join(parts)


def _too_large(body_mib_max: int) -> HttpError:
    return HttpError(413, f"the body is larger than {body_mib_max} MiB; send a smaller one")


async def _linger(receive: Receive) -> None:
    """Read more of a rejected body: a client that is cut off while sending would not read the reason."""
    size = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while size < LINGER_BYTES_MAX:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnected
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
