"""Bounds on the time that clients take, and whether a client that sends no more still waits for its answer.

The times are checked from outside, once in a while: a timer for each request would cost more than all other bounds.
"""

import socket
from typing import Any

from coderouter_http.protocol.limits import Limits
from coderouter_http.protocol.receiving import ReceivingProtocol
from coderouter_http.protocol.refusals import Refusals, too_slow

PROBE_AFTER_S = 0.2
"""Answers that come sooner need no probe."""
PROBE_ANSWER_S = 0.05
PROBE = b"HTTP/1.1 100 Continue\r\n\r\n"


class HttpProtocol(ReceivingProtocol):
    """One connection. `bounded` returns the class of those of a server."""

    __slots__ = ("_half_closed", "_read_at", "_unsent_bytes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*args, **kwargs)
        self._half_closed = False
        self._unsent_bytes = 0
        self._read_at = self.loop.time()

    def check(self, now: float) -> None:
        """Close the connection if its client takes too long; to be called every second or so, with the loop's time."""
        self._check_reading(now)
        if self._half_closed:
            self._close_if_reset()
        if now >= self._deadline:
            self._time_is_up(now)

    def _check_reading(self, now: float) -> None:
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent < self._unsent_bytes:
            self._read_at = now
        elif now - self._read_at > self.limits.unread_s:
            self.refusals.add(too_slow(f"an answer was not read for {self.limits.unread_s:g} s"))
            self.transport.abort()
        self._unsent_bytes = unsent

    def _time_is_up(self, now: float) -> None:
        running = self._running
        if self._lingers or (self._refusal is not None and running is None):
            self.transport.abort()
        elif running is not None and self._answering():
            if self.pipeline or not running.more_body:
                return  # an answer takes as long as it takes
            enough = self.limits.half_s * self.limits.body_bytes_per_s_min
            if self.flow.read_paused or self._progress - self._progress_before >= enough:
                self._progress_before = self._progress
                self._deadline = now + self.limits.half_s
            else:
                self._refuse_slow()
        elif self._in_message:
            self._refuse_slow()
        else:
            self.transport.close()

    def _refuse_slow(self) -> None:
        self._refuse(too_slow(f"a request was not complete after {self.limits.half_s:g} s"))

    def eof_received(self) -> bool:  # type: ignore[override] # as in asyncio
        """Return whether to keep the connection open: a client that sends no more may still wait for its answer.

        One that has closed its connection looks the same until something is sent to it, which it resets. So it gets
        an interim response, which one that waits for its answer ignores (RFC 9110, 15.2). Once an answer has begun,
        an end means that the client does not want the rest.
        """
        cycle = self.cycle
        if self._lingers or not self._answering() or cycle.more_body or cycle.response_started:
            return False
        cycle.keep_alive = False
        self._half_closed = True
        self.loop.call_later(PROBE_AFTER_S, self._probe)
        return True

    def _probe(self) -> None:
        running = self._running
        if running is None or running.response_started or self.transport.is_closing():
            return
        if running.scope["http_version"] == "1.1":
            self.transport.write(PROBE)
            self.loop.call_later(PROBE_ANSWER_S, self._close_if_reset)

    def _close_if_reset(self) -> None:
        if not self.transport.is_closing():
            sock = self.transport.get_extra_info("socket")
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self.transport.abort()


def bounded(limits: Limits, refusals: Refusals) -> type[HttpProtocol]:
    """Return the protocol of a server, for `uvicorn.Config(http=...)`; raise the descriptor limit before."""
    values = {
        "__slots__": (),
        "limits": limits,
        "refusals": refusals,
        "connections_max": limits.connections_max(),
    }
    return type("BoundedProtocol", (HttpProtocol,), values)
