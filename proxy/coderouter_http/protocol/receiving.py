"""Bounds on what a client sends: heads, fields, URLs, pipelined requests, and bytes that are none of these."""

from collections import deque
from typing import Any

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from coderouter_http.protocol.http_1_0 import until_close
from coderouter_http.protocol.refusals import MALFORMED, NO_TUNNELS, ONE_HOST, Refusal, Refused, bad_request
from coderouter_http.protocol.refusing import RefusingProtocol

_NO_PIPELINE: deque[tuple[RequestResponseCycle, ASGI3Application]] = deque(maxlen=0)
"""For all connections that have none: an empty deque takes as much memory as the rest of the connection's state."""


class ReceivingProtocol(RefusingProtocol):
    """Reads requests within the limits."""

    __slots__ = ("_head_bytes", "_hosts", "_progress", "_progress_before", "_silent_bytes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*args, **kwargs)
        self.pipeline = _NO_PIPELINE
        self._head_bytes = self._hosts = 0
        self._progress = self._progress_before = 0
        self._silent_bytes = 0

    def data_received(self, data: bytes) -> None:
        if self._refusal is not None:
            if (
                self._running is None and not self._lingers
            ):  # a connection too many, which now has sent something
                self._send_refusal(self._refusal)
            return
        progress = self._progress
        try:
            self._feed(data)
        except Refused as refused:
            self._refuse(refused.refusal)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.refusal if isinstance(cause, Refused) else MALFORMED)
        else:
            # The parser keeps an incomplete field, and skips over chunk extensions, without calling back.
            self._silent_bytes = self._silent_bytes + len(data) if self._progress == progress else 0
            if self._in_message and self._silent_bytes > self.limits.head_bytes_max:
                self._refuse(self._head_too_large())

    def _feed(self, data: bytes) -> None:
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                # A server may ignore an upgrade (RFC 9110, 7.8), but the parser takes the body for the other
                # protocol's. So it reads the request again, without that field.
                if self.parser.get_method() == b"CONNECT":
                    raise Refused(NO_TUNNELS) from None
                data = self._head_without_upgrade() + data[upgrade.args[0] :]
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as in uvicorn
            else:
                return

    def _head_without_upgrade(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % field for field in self.headers if field[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    # What the parser calls

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = self._in_message = True
        self._head_bytes = self._hosts = 0
        self._progress += 1
        self._progress_before = self._progress
        self._deadline = self.loop.time() + self.limits.half_s

    def on_url(self, url: bytes) -> None:
        self.url += url
        if len(self.url) > self.limits.url_bytes_max:
            raise Refused(bad_request(414, f"a URL is longer than {self.limits.url_bytes_max} bytes"))

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer is not a field of the head (RFC 9110, 6.5.1)
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > self.limits.head_bytes_max or len(self.headers) > self.limits.fields_max:
            raise Refused(self._head_too_large())

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return  # the request is read again
        version = self.parser.get_http_version()
        if self._hosts != 1 and (self._hosts or version == "1.1"):
            raise Refused(ONE_HOST)
        answering = self._answering()
        if answering and len(self.pipeline) + 1 >= self.limits.pipelined_max:
            limit = self.limits.pipelined_max
            raise Refused(bad_request(503, f"{limit} requests of one connection wait for their answers", 1))
        if answering and not self.pipeline:
            self.pipeline = deque()
        super().on_headers_complete()
        self._in_head = False
        if not answering:
            self._running = self.cycle
        if version == "1.0":
            cycle: Any = self.cycle
            cycle.send = until_close(cycle)

    def on_body(self, body: bytes) -> None:
        self._progress += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._in_head:
            return  # an upgrade: the request is read again
        self._in_message = False
        super().on_message_complete()

    def _head_too_large(self) -> Refusal:
        limits = self.limits
        message = f"a head has more than {limits.head_bytes_max} bytes or {limits.fields_max} fields"
        return bad_request(431, message)
