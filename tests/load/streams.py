"""Many clients with open streams at once; each has to get its whole answer."""

import asyncio
import json
import resource

import uvloop

from load.upstream import TEXTS

REQUEST = json.dumps(
    {"profile": "slow", "stream": True, "messages": [{"role": "user", "content": "Count slowly."}]}
).encode()
HEAD = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n" % len(REQUEST)
)
AT_ONCE = 200
"""Connections that are being opened at any moment: fewer than a listening socket may have waiting."""


def whole_answers(port: int, clients: int) -> int:
    """Return how many of so many clients got their whole stream, while all of them were open at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        return uvloop.run(_whole_answers(port, clients))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def _whole_answers(port: int, clients: int) -> int:
    opening = asyncio.Semaphore(AT_ONCE)

    async def is_whole() -> bool:
        try:
            async with opening:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(HEAD + REQUEST)
            answer = await reader.read(-1)
            writer.close()
        except OSError:
            return False
        return answer.startswith(b"HTTP/1.1 200") and b"[DONE]" in answer and _has_all_texts(answer)

    return sum(await asyncio.gather(*(is_whole() for _ in range(clients))))


def _has_all_texts(answer: bytes) -> bool:
    return all(json.dumps(text).encode() in answer for text in TEXTS)
