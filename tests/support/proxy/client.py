"""A plain HTTP client for tests of bytes, statuses and connections."""

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
    """One request on its own connection, chunked if the body is an iterator; read the answer, or disconnect."""

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
        """The head of the answer; waits for it."""
        if self._response is None:
            self._response = self._connection.getresponse()
        return self._response

    def read_until(self, end: bytes) -> bytes:
        """Read until the answer so far ends with these bytes, and return what was read."""
        data = b""
        while not data.endswith(end):
            piece = self.response.read1()
            assert piece, f"ended without {end!r}: {data!r}"
            data += piece
        return data

    def read_past(self, words: bytes) -> bytes:
        """Read until these words have arrived, and return what was read."""
        data = b""
        while words not in data:
            piece = self.response.read1()
            assert piece, f"ended without {words!r}: {data!r}"
            data += piece
        return data

    def rest(self) -> Response:
        """Read the rest of the answer, and return it with status and headers."""
        body = self.response.read()
        headers = {name.lower(): value for name, value in self.response.getheaders()}
        status = self.response.status
        self.disconnect()
        return Response(status, headers, body)

    def disconnect(self) -> None:
        """Close the connection at once, as a client that goes away."""
        if self._response is not None:
            self._response.close()
        self._connection.close()


def request(
    port: int, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    return Exchange(port, method, path, body, headers or {}).rest()
