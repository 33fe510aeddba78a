"""HTTP as bytes on a socket, for what no client library would send."""

import http.client
import select
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import orjson

WAIT_S = 30


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # with names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Connection:
    """One connection; `answer` reads the next response on it."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
        self._reader = self.sock.makefile("rb")

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def send_until_answered(self, pieces: Iterable[bytes]) -> None:
        """Send until a response arrives, or the pieces end."""
        for piece in pieces:
            if select.select([self.sock], [], [], 0)[0]:
                return
            self.send(piece)

    def send_what_is_accepted(self, pieces: Iterable[bytes]) -> None:
        """Send until the other side closes the connection or reads no more, and read nothing."""
        with suppress(ConnectionError, TimeoutError):
            for piece in pieces:
                self.send(piece)

    def end(self) -> None:
        """Send no more, but read on."""
        self.sock.shutdown(socket.SHUT_WR)

    def answer(self, method: str = "GET") -> Answer:
        response = http.client.HTTPResponse(_NeverClosed(self._reader), method=method)  # type: ignore[arg-type]
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())

    def rest(self) -> bytes:
        """Return everything until the other side closes the connection."""
        return self._reader.read()

    def close(self) -> None:
        self._reader.close()
        self.sock.close()


class _NeverClosed:
    """Gives `HTTPResponse` the reader that the connection keeps, with what it has read ahead."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def makefile(self, _mode: str) -> Any:
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def close(self) -> None:
        pass


@contextmanager
def connected(port: int) -> Iterator[Connection]:
    connection = Connection(port)
    try:
        yield connection
    finally:
        connection.close()


def sent(port: int, data: bytes, method: str = "GET") -> Answer:
    """Return the first response to these bytes."""
    with connected(port) as connection:
        connection.send(data)
        return connection.answer(method)


def get(path: str = "/healthz", *fields: str, version: str = "1.1", host: str | None = "localhost") -> bytes:
    named = [] if host is None else [f"Host: {host}"]
    return "\r\n".join([f"GET {path} HTTP/{version}", *named, *fields, "", ""]).encode()


def post(body: bytes, *fields: str, path: str = "/v1/chat/completions", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    head = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {size}",
        *fields,
        "",
        "",
    ]
    return "\r\n".join(head).encode() + body


def post_in_chunks(chunks: Iterable[bytes], *fields: str, trailers: bytes = b"") -> bytes:
    head = [
        "POST /v1/chat/completions HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
        *fields,
        "",
        "",
    ]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return "\r\n".join(head).encode() + framed + b"0\r\n" + trailers + b"\r\n"
