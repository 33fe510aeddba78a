"""A nearly free upstream: it answers with a completion, or a stream of 200 chunks, from memory.

Chunks are sent one by one, or in bursts to a request that says so in `user`.
"""

import asyncio
import sys
from typing import cast

import orjson
import uvloop

CHUNKS = 200
BURST = 20
BURST_PAUSE_S = 0.005  # long enough for a burst to be read before the next one comes


def _chunk(content: str) -> bytes:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": None}
    chunk = {
        "id": "chatcmpl-0123456789",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "bench",
        "choices": [choice],
    }
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


def _end() -> bytes:
    choice = {"index": 0, "delta": {}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 2000, "completion_tokens": CHUNKS, "total_tokens": 2000 + CHUNKS}
    last = {
        "id": "chatcmpl-0123456789",
        "object": "chat.completion.chunk",
        "choices": [choice],
        "usage": usage,
    }
    return b"data: " + orjson.dumps(last) + b"\n\ndata: [DONE]\n\n"


WHOLE = orjson.dumps(
    {
        "id": "chatcmpl-0123456789",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "bench",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "word " * 100}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 2000, "completion_tokens": 100, "total_tokens": 2100},
    }
)


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class Upstream(asyncio.Protocol):
    """Just enough HTTP/1.1: one request at a time on a connection that stays open."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by shape only
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, blank, body = self._buffer.partition(b"\r\n\r\n")
        if not blank:
            return
        length = next(
            int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
        )
        if len(body) < length:
            return
        self._buffer = b""
        if b'"stream":true' in body:
            self._transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            self._send(0, BURST if b'"user":"bursts"' in body else 1)
        else:
            self._transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                % (len(WHOLE), WHOLE)
            )

    def _send(self, number: int, burst: int) -> None:
        chunks = b"".join([_chunk(f"word{each} ") for each in range(number, min(number + burst, CHUNKS))])
        if number + burst >= CHUNKS and burst > 1:
            self._transport.write(_framed(chunks + _end()) + b"0\r\n\r\n")
        elif number < CHUNKS:
            self._transport.write(_framed(chunks))
            # Written in separate turns of the loop, so that they arrive as they are written, like those of a model.
            pause_s = BURST_PAUSE_S if burst > 1 else 0.0005
            asyncio.get_running_loop().call_later(pause_s, self._send, number + burst, burst)
        else:
            self._transport.write(_framed(_end()) + b"0\r\n\r\n")


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
