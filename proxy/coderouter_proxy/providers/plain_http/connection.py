"""One connection: it writes a request, and parses the response that arrives."""

import asyncio
import zlib
from collections.abc import Callable
from typing import NoReturn, cast

import httptools

from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers.plain_http.decompression import ENCODINGS, Decompressor
from coderouter_proxy.providers.plain_http.response import BROKEN, DISCONNECTED, Headers, PlainResponse
from coderouter_proxy.providers.response import INTERIM, INTERIM_MAX

CUT = "the answer cannot be decompressed: it is cut"
HEAD_BYTES_MAX = 64 * 1024
FIELDS_MAX = 256


class Connection(asyncio.Protocol):
    """`free` is called when it can take another request, and `gone` when it is closed."""

    def __init__(self, free: Callable[["Connection"], None], gone: Callable[["Connection"], None]) -> None:
        self.used = False
        """It has served a response."""
        self.idle_since = 0.0
        self._free = free
        self._gone = gone
        self._parser = httptools.HttpResponseParser(self)
        self._response: PlainResponse | None = None
        self._reason = b""
        self._fields: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0
        self._interim = 0
        self._until_closed = False
        self._decompressor: Decompressor | None = None
        self._refused: ProviderError | None = None

    @property
    def is_open(self) -> bool:
        return not self._transport.is_closing()

    def send(self, head: bytes, data: bytes) -> PlainResponse:
        """Write a request, and return its response, of which nothing has arrived yet."""
        response = self._response = PlainResponse(self)
        self._transport.writelines((head, data))
        return response

    def pause(self) -> None:
        if self.is_open:
            self._transport.pause_reading()

    def resume(self) -> None:
        if self.is_open:
            self._transport.resume_reading()

    def give_back(self) -> None:
        self._response = None
        self.used = True
        if self.is_open:
            self._free(self)

    def abort(self) -> None:
        self._response = None
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by shape only

    def data_received(self, data: bytes) -> None:
        if self._response is None:  # bytes that nobody requested
            self._transport.abort()
            return
        response = self._response
        self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(self._refused or ProviderError("protocol", f"not an HTTP response: {error}"))
        if not response.status and self._head_bytes > HEAD_BYTES_MAX:
            self._fail(
                ProviderError("protocol", f"the head of the answer is longer than {HEAD_BYTES_MAX} bytes")
            )

    def eof_received(self) -> None:
        """Close: a server that has closed its half sends nothing more."""

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone(self)
        response, self._response = self._response, None
        if response is None:
            return
        if response.status and self._is_cut and exc is None:
            response.fail(ProviderError("protocol", CUT))
        elif response.status and self._until_closed and exc is None:
            response.complete(reusable=False)
        else:
            response.fail(
                ProviderError("connect", BROKEN if self._head_bytes or response.status else DISCONNECTED)
            )

    # Called by the parser.

    def on_message_begin(self) -> None:
        if self._response is None or self._response.is_complete:
            self._refuse("bytes after the end of the answer")

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))
        if len(self._fields) > FIELDS_MAX:
            self._refuse(f"the answer has more than {FIELDS_MAX} header fields")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status in INTERIM:
            self._interim += 1
            if self._interim > INTERIM_MAX:
                self._refuse(f"responds with {status} again and again", status)
        elif status < 200:
            self._refuse(f"responds with {status}", status)
        elif self._response is not None:
            headers = Headers(self._fields)
            self._decompressor = self._decompressor_for(headers.get("content-encoding"))
            names = ("content-length", "transfer-encoding")
            self._until_closed = all(headers.get(name) is None for name in names)
            self._response.begin(status, self._reason.decode("latin-1"), headers)

    def on_body(self, data: bytes) -> None:
        if self._response is None:
            return
        if self._decompressor is None:
            self._response.add(data)
            return
        try:
            for inflated in self._decompressor.feed(data):
                self._response.add(inflated)
        except zlib.error as error:
            self._refuse(f"the answer cannot be decompressed: {error}")

    def on_message_complete(self) -> None:
        interim = self._parser.get_status_code() in INTERIM
        if not interim and self._response is not None:
            if self._is_cut:
                self._refuse(CUT)
            unsent = self._transport.get_write_buffer_size()
            self._response.complete(reusable=self._parser.should_keep_alive() and not unsent)
            self._interim = 0
        self._reason, self._fields, self._head_bytes, self._decompressor = b"", [], 0, None

    @property
    def _is_cut(self) -> bool:
        return self._decompressor is not None and not self._decompressor.is_whole

    def _decompressor_for(self, encoding: str | None) -> Decompressor | None:
        if not encoding or encoding.lower() == "identity":
            return None
        if encoding.lower() not in ENCODINGS:
            self._refuse(
                f"the answer is compressed with {encoding[:20]!r}, which the request does not accept"
            )
        return Decompressor()

    def _refuse(self, message: str, status: int | None = None) -> NoReturn:
        """End the parser; it wraps what its callbacks raise."""
        self._refused = ProviderError("protocol", message, status=status)
        raise self._refused

    def _fail(self, error: ProviderError) -> None:
        response, self._response = self._response, None
        self._transport.abort()
        if response is not None:
            response.fail(error)
