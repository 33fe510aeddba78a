"""A plain HTTP client for tests that care about bytes, statuses and connections."""

import http.client
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]  # with names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def request_id(self) -> str:
        return self.headers["x-request-id"]


class Exchange:
    """One request on a connection of its own, chunked when its body is an iterator; read its answer, or leave."""

    def __init__(
        self,
        port: int,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None,
        headers: Mapping[str, str],
    ) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._connection.request(method, path, body, dict(headers))
        self._response: http.client.HTTPResponse | None = None

    @property
    def response(self) -> http.client.HTTPResponse:
        """The answer's head, once it is there."""
        if self._response is None:
            self._response = self._connection.getresponse()
        return self._response

    def read_until(self, end: bytes) -> bytes:
        """Return what came up to these bytes, which have to come."""
        got = b""
        while not got.endswith(end):
            piece = self.response.read1()
            assert piece, f"ended without {end!r}: {got!r}"
            got += piece
        return got

    def read_past(self, words: bytes) -> bytes:
        """Return what came up to the end of the piece with these words, which have to come."""
        got = b""
        while words not in got:
            piece = self.response.read1()
            assert piece, f"ended without {words!r}: {got!r}"
            got += piece
        return got

    def rest(self) -> Response:
        """Read to the end of the answer."""
        body = self.response.read()
        headers = {name.lower(): value for name, value in self.response.getheaders()}
        status = self.response.status
        self.leave()
        return Response(status, headers, body)

    def leave(self) -> None:
        """Close the connection at once, whatever is still to come."""
        if self._response is not None:
            self._response.close()
        self._connection.close()


def request(
    port: int, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    return Exchange(port, method, path, body, headers or {}).rest()
