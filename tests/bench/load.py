"""A cheap client that keeps N connections busy with one request after another."""

import asyncio
import time
from statistics import median

import orjson

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
RESPONSES = "/v1/responses"
WORDS = "The quick brown fox jumps over the lazy dog. "


def request_body(*, stream: bool, size: int = 8192, path: str = CHAT, **more: object) -> bytes:
    """Return a request of about `size` bytes for the API at this path, with more fields if given."""
    messages = [{"role": "user", "content": "You are a bench."}]
    while len(orjson.dumps(messages)) < size - 400:
        messages.append({"role": "user", "content": WORDS * 6})
        messages.append({"role": "assistant", "content": WORDS * 2})
    messages.append({"role": "user", "content": "Go."})
    given = {"messages": messages, "max_tokens": 500}
    if path == RESPONSES:
        given = {"input": messages, "max_output_tokens": 500}
    return orjson.dumps({"model": "bench", **given, "stream": stream, **more})


async def run(
    port: int,
    body: bytes,
    *,
    connections: int,
    requests: int,
    path: str = CHAT,
    each_a_session: bool = False,
) -> None:
    """Send the requests over so many connections, and wait for all answers."""
    left = iter(range(requests))

    async def client(number: int) -> None:
        head = _head(port, path, body, f"x-session-id: bench-{number}\r\n" if each_a_session else "")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in left:
            writer.write(head + body)
            await _read_answer(reader)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(client(number) for number in range(connections)))


async def first_byte_s(port: int, body: bytes, *, requests: int, path: str = CHAT) -> float:
    """Return the median time to the first byte of a streamed body, one request after the other."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    times: list[float] = []
    for _ in range(requests):
        started = time.perf_counter()
        writer.write(_head(port, path, body) + body)
        await reader.readuntil(b"\r\n\r\n")
        size = int(await reader.readline(), 16)
        times.append(time.perf_counter() - started)
        while size:
            await reader.readexactly(size + 2)
            size = int(await reader.readline(), 16)
        await reader.readexactly(2)
    writer.close()
    await writer.wait_closed()
    return median(times)


def _head(port: int, path: str, body: bytes, more: str = "") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
        f"content-type: application/json\r\n{more}content-length: {len(body)}\r\n\r\n"
    ).encode()


async def _read_answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200"):
        raise RuntimeError(head.decode())
    if b"transfer-encoding: chunked" in head:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
    else:
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
