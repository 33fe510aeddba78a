"""Read a request's body, up to a limit, while there is memory for it."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from starlette.types import Receive

from coderouter_proxy.body_memory import BodyMemory
from coderouter_proxy.config.schema import Server
from coderouter_proxy.errors import SHUTTING_DOWN, ClientDisconnected, HttpError

IDENTITY = b"identity"
ENCODING_CHARS_MAX = 100
LINGER_S = 5  # nginx's lingering_timeout
LINGER_BYTES_MAX = 64 * 1024 * 1024

_reading: set[asyncio.Task[None]] = set()
"""The requests of this process whose bodies are being read."""


def stop_reading() -> None:
    """Cancel the requests whose bodies are not complete yet."""
    for task in _reading:
        task.cancel(SHUTTING_DOWN)


async def read_body(
    receive: Receive, headers: Mapping[bytes, bytes], server: Server, memory: BodyMemory
) -> bytes:
    """Return the whole body, for which memory is taken; the caller releases it.

    Raises:
        HttpError: it is larger than allowed, or compressed, or there is no memory for it.
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
    bytes_max = server.body_mib_max * 1024 * 1024
    announced = int(headers.get(b"content-length", b"0"))
    if announced > bytes_max:
        if b"expect" not in headers:
            await _linger(receive)
        raise _too_large(server)
    memory.take(announced, server.bodies_mib_max)
    taken = announced
    body: bytes | bytearray = b""
    task = asyncio.current_task()
    assert task is not None
    _reading.add(task)
    try:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnected
            body = _joined(body, message.get("body", b""))
            if len(body) > bytes_max:
                await _linger(receive)
                raise _too_large(server)
            if len(body) > taken:
                memory.take(len(body) - taken, server.bodies_mib_max)
                taken = len(body)
            if not message.get("more_body", False):
                memory.release(taken - len(body))
                return bytes(body)
    except BaseException:
        memory.release(taken)
        raise
    finally:
        _reading.discard(task)


def _joined(body: bytes | bytearray, piece: bytes) -> bytes | bytearray:
    """Return both; not as a list of pieces, because pieces of one byte would take forty times their size."""
    if not body:
        return piece
    joined = body if isinstance(body, bytearray) else bytearray(body)
    joined += piece
    return joined


def _too_large(server: Server) -> HttpError:
    return HttpError(413, f"the body is larger than {server.body_mib_max} MiB; send a smaller one")


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
