"""The least a proxy can do, to compare ours with: parse the body, serialize it again, return the answer.

`/v1/chat/completions` and `/v1/responses` return the bytes; `/v1/messages` parses each chunk of a stream of chat
completions and serializes it again.
"""

import functools
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

CHAT = "/chat/completions"


def create(upstream: str) -> Starlette:
    sessions: list[aiohttp.ClientSession] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            sessions.append(session)
            yield

    async def send(body: bytes, path: str = CHAT) -> aiohttp.ClientResponse:
        return await sessions[0].post(
            upstream + path, data=body, headers={"Content-Type": "application/json"}
        )

    async def messages(request: Request) -> Response:
        response = await send(orjson.dumps(orjson.loads(await request.body())))
        return StreamingResponse(_serialized_again(response), media_type="text/event-stream")

    async def passed(request: Request) -> Response:
        body = orjson.loads(await request.body())
        response = await send(orjson.dumps(body), request.url.path.removeprefix("/v1"))
        if body.get("stream"):
            return StreamingResponse(response.content.iter_any(), media_type="text/event-stream")
        return Response(await response.read(), media_type="application/json")

    routes = [
        Route("/v1/chat/completions", passed, methods=["POST"]),
        Route("/v1/responses", passed, methods=["POST"]),
        Route("/v1/messages", messages, methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _serialized_again(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    rest = b""
    async for piece in response.content.iter_any():
        *events, rest = (rest + piece).split(b"\n\n")
        for event in events:
            data = event.removeprefix(b"data: ")
            yield event if data == b"[DONE]" else b"data: " + orjson.dumps(orjson.loads(data)) + b"\n\n"


if __name__ == "__main__":
    uvicorn.run(
        functools.partial(create, sys.argv[2]),
        factory=True,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="warning",
    )
