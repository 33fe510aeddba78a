"""A nearly free upstream: it answers with a completion, or a stream of 200 chunks, from memory.

Chunks are sent one by one, or in bursts to a request that says so in `user`. They are those of the API that the path
names.
"""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import orjson
import uvloop

from support.proxy import responses_answers

CHUNKS = 200
BURST = 20
PATHS = (b"/chat/completions", b"/messages", b"/responses")
"""For others, such as those at which a proxy looks for the context of a model, there is nothing."""
BURST_PAUSE_S = 0.005  # long enough for a burst to be read before the next one comes


@dataclass(frozen=True)
class Stream:
    """The events of an answer: those before its chunks, one chunk, and those after all of them."""

    begin: bytes
    chunk: Callable[[int], bytes]
    end: bytes


def _completion() -> Stream:
    known = {"id": "chatcmpl-0123456789", "object": "chat.completion.chunk", "created": 1_700_000_000}
    known |= {"model": "bench"}

    def event(delta: object, finish_reason: str | None, **more: object) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return b"data: " + orjson.dumps({**known, "choices": [choice], **more}) + b"\n\n"

    usage = {"prompt_tokens": 2000, "completion_tokens": CHUNKS, "total_tokens": 2000 + CHUNKS}
    end = event({}, "stop", usage=usage) + b"data: [DONE]\n\n"
    return Stream(b"", lambda number: event({"content": f"word{number} "}, None), end)


def _response() -> Stream:
    part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress", "content": []}
    here = {"output_index": 0, "item_id": "msg_1", "content_index": 0}
    text = "".join(f"word{number} " for number in range(CHUNKS))
    ended = {**message, "status": "completed", "content": [{**part, "text": text}]}
    begun = responses_answers.response(status="in_progress")
    done = responses_answers.response(ended)
    before: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": message},
        {"type": "response.content_part.added", **here, "part": part},
    ]
    after: list[dict[str, Any]] = [
        {"type": "response.output_text.done", **here, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **here, "part": {**part, "text": text}},
        {"type": "response.output_item.done", "output_index": 0, "item": ended},
        {"type": "response.completed", "response": done},
    ]

    def event(number: int, fields: dict[str, Any]) -> bytes:
        data = orjson.dumps({**fields, "sequence_number": number})
        return b"event: %b\ndata: %b\n\n" % (fields["type"].encode(), data)

    def chunk(number: int) -> bytes:
        delta = {"type": "response.output_text.delta", **here, "delta": f"word{number} ", "logprobs": []}
        return event(len(before) + number, delta)

    return Stream(
        b"".join(event(number, each) for number, each in enumerate(before)),
        chunk,
        b"".join(event(len(before) + CHUNKS + number, each) for number, each in enumerate(after)),
    )


COMPLETION = _completion()
RESPONSE = _response()
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
        lengths = (line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        if len(body) < int(next(lengths, b"0")):
            return
        self._buffer = b""
        if not head.partition(b" HTTP/")[0].endswith(PATHS):
            self._transport.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
        elif b'"stream":true' in body:
            self._transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            self._stream = RESPONSE if b"/responses " in head.partition(b"\r\n")[0] else COMPLETION
            self._send(0, BURST if b'"user":"bursts"' in body else 1)
        else:
            self._transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                % (len(WHOLE), WHOLE)
            )

    def _send(self, number: int, burst: int) -> None:
        stream = self._stream
        chunks = b"".join([stream.chunk(each) for each in range(number, min(number + burst, CHUNKS))])
        if number == 0:
            chunks = stream.begin + chunks
        if number + burst >= CHUNKS and burst > 1:
            self._transport.write(_framed(chunks + stream.end) + b"0\r\n\r\n")
        elif number < CHUNKS:
            self._transport.write(_framed(chunks))
            # Written in separate turns of the loop, so that they arrive as they are written, like those of a model.
            pause_s = BURST_PAUSE_S if burst > 1 else 0.0005
            asyncio.get_running_loop().call_later(pause_s, self._send, number + burst, burst)
        else:
            self._transport.write(_framed(stream.end) + b"0\r\n\r\n")


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
