"""Answers to HTTP/1.0 clients, such as nginx by default: they do not know chunked transfer coding (RFC 9112, 6.1)."""

from typing import Any

from starlette.types import Message, Send


def until_close(cycle: Any) -> Send:  # noqa: ANN401 - uvicorn's, with a `send` of its own types
    """Return a `send` with which a body of unknown length ends with the connection: it declares neither."""
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
