"""A connection that answers its requests in order, and then may refuse to continue."""

from asyncio import Transport
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from coderouter_http.protocol.limits import Limits, spare_descriptors
from coderouter_http.protocol.refusals import Refusal, Refusals

LINGER_S = 2.0
"""How long a refused client may keep sending: if it were cut off, it would not read why."""


class RefusingProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which can also refuse further requests."""

    limits: ClassVar[Limits]
    refusals: ClassVar[Refusals]
    connections_max: ClassVar[int]

    # Slots, because more attributes than uvicorn's make the dictionary of a connection a kilobyte larger.
    __slots__ = ("_deadline", "_in_head", "_in_message", "_lingers", "_refusal", "_running")

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override] # as in uvicorn
        super().connection_made(transport)
        self._in_head = self._in_message = False
        self._running: RequestResponseCycle | None = None
        self._refusal: Refusal | None = None
        self._lingers = False
        self._deadline = self.loop.time() + self.limits.idle_s
        if (excess := len(self.connections) - self.connections_max) > 0:
            self._refuse_connection(excess)

    def connection_lost(self, exc: Exception | None) -> None:
        running = self._running
        super().connection_lost(exc)
        if running is not None and not running.response_complete:  # uvicorn only informs the newest request
            running.disconnected = True
            running.message_event.set()

    def on_response_complete(self) -> None:
        # Not uvicorn's: that starts a timer, which costs more than all the bounds.
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._running = cycle
            self._start_asgi_task(cycle, app)
        elif self._refusal is not None:
            self._send_refusal(self._refusal)
        else:
            wait_s = self.limits.half_s if self._in_message else self.limits.idle_s
            self._deadline = self.loop.time() + wait_s

    def shutdown(self) -> None:
        if self._lingers or not self._answering():
            self.transport.close()
        else:
            super().shutdown()

    def _answering(self) -> bool:
        """Return whether a request waits for its answer; there may be more of them in `pipeline`."""
        running = self._running
        return running is not None and not running.response_complete and not running.disconnected

    def _refuse_connection(self, excess: int) -> None:
        self._refusal = refusal = Refusal(
            reason="connections",
            status=503,
            message=f"{self.connections_max} connections are open, as many as this process accepts",
            retry_after_s=1,
        )
        self.refusals.add(refusal)
        self._deadline = self.loop.time() + LINGER_S
        if excess > spare_descriptors() // 2:
            self.transport.write(self._response(refusal))
            self.transport.close()

    def _refuse(self, refusal: Refusal) -> None:
        """Answer the requests received before, then refuse; nothing more is read."""
        self.refusals.add(refusal)
        self._refusal = refusal
        if self._in_message and not self._in_head:
            self._abandon_newest()
        if not self._answering():
            self._send_refusal(refusal)

    def _abandon_newest(self) -> None:
        """Forget the newest request: the rest of its body will not come."""
        if self.pipeline:
            self.pipeline.popleft()
        elif self._answering():
            if self.cycle.response_started:
                self.transport.abort()
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _send_refusal(self, refusal: Refusal) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(self._response(refusal))
        if not self.transport.can_write_eof():  # TLS
            self.transport.close()
            return
        self.transport.write_eof()
        self._lingers = True
        self._deadline = self.loop.time() + LINGER_S

    def _response(self, refusal: Refusal) -> bytes:
        return self.refusals.response(refusal, self.server_state.default_headers)
