"""Answers to HTTP/1.0 clients, such as nginx by default: they do not know chunked transfer coding (RFC 9112, 6.1)."""

from typing import Any

from starlette.types import Message, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol, except that for these clients a body of unknown length ends with the connection."""

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self.scope["http_version"] == "1.0":
            cycle: Any = self.cycle
            cycle.send = _until_close(cycle)


def _until_close(cycle: Any) -> Send:  # noqa: ANN401 - uvicorn's, with a `send` of its own types
    """Return a `send` that declares neither a length nor chunks, where the app declares no length."""
    send: Send = cycle.send
    is_open_ended = False

    async def send_until_close(message: Message) -> None:
        nonlocal is_open_ended
        if message["type"] == "http.response.start":
            is_open_ended = all(name.lower() != b"content-length" for name, _ in message["headers"])
            if is_open_ended:
                cycle.chunked_encoding = False
        elif is_open_ended:
            cycle.expected_content_length = len(message.get("body", b""))
        await send(message)

    return send_until_close
