"""An upstream for many slow answers: each is a stream of chunks with pauses, and all may be open at once."""

import asyncio
import os
import sys
from typing import cast

import orjson
import uvloop

CHUNKS = 10
PAUSE_S = float(os.environ.get("LOAD_PAUSE_S", "1"))
HEAD_OF_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def _chunk(text: str, finish_reason: str | None = None) -> bytes:
    delta = {"content": text} if text else {}
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "slow", "choices": [choice]}
    data = b"data: %b\n\n" % orjson.dumps(chunk)
    return b"%x\r\n%b\r\n" % (len(data), data)


TEXTS = [f"word{number} " for number in range(CHUNKS)]
MESSAGES = [*map(_chunk, TEXTS), _chunk("", "stop"), b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"]


class Upstream(asyncio.Protocol):
    """Just enough HTTP/1.1: one request at a time on a connection that stays open."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by shape only
        self._head = b""
        self._left = 0

    def data_received(self, data: bytes) -> None:
        if not self._left:
            self._head += data
            head, blank, data = self._head.partition(b"\r\n\r\n")
            if not blank:
                return
            self._head = b""
            self._left = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        self._left -= len(data)
        if not self._left:
            self._transport.write(HEAD_OF_STREAM)
            self._send(0)

    def _send(self, number: int) -> None:
        self._transport.write(MESSAGES[number])
        if number + 1 < len(MESSAGES):
            pause_s = PAUSE_S if number < CHUNKS else 0
            asyncio.get_running_loop().call_later(pause_s, self._send, number + 1)


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Upstream, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
