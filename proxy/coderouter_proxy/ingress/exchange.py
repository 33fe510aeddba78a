"""One client request: read it, route it, send the answer, and emit exactly once how it ended.

Pure ASGI: Starlette's BaseHTTPMiddleware and request classes hide that a client has disconnected, which must cancel the
upstream request at any moment.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterable, Mapping
from functools import partial

from starlette.types import Receive, Scope, Send

from coderouter_events.closed_sets import ErrorType, Outcome
from coderouter_events.events import RequestFinished, StateMissed
from coderouter_http.deadlines import Deadlines
from coderouter_proxy import aside
from coderouter_proxy.answer import Answer, AnswerLog
from coderouter_proxy.config.schema import Profile
from coderouter_proxy.errors import ClientDisconnected, HttpError, NotKept, ProviderError, shutting_down
from coderouter_proxy.ingress import fallback_headers, who_answered
from coderouter_proxy.ingress.body import read_body
from coderouter_proxy.ingress.connection import WATCH_AFTER_S, CancelOnDisconnect, KeepAlive
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing import auto_router, choice, cost, fallback
from coderouter_proxy.routing.attempts import Attempts
from coderouter_proxy.routing.exhausted import ChainExhausted
from coderouter_proxy.routing.router import Runtime
from coderouter_proxy.senders import session_hash
from coderouter_proxy.senders.sender import Sender
from coderouter_proxy.senders.trace import traceparent
from coderouter_proxy.wires.client import ClientWire

CLIENT_CLOSED_REQUEST = 499  # nginx's status for a client that disconnected before the response

JSON = b"application/json"
EVENT_STREAM = b"text/event-stream; charset=utf-8"
END_OF_BODY = {"type": "http.response.body", "body": b""}
INTERNAL_ERROR = "internal error; see the proxy's log"

log = logging.getLogger(__name__)


class Ingress:
    """The ASGI app that answers model requests on one wire."""

    def __init__(self, runtime: Runtime, wire: ClientWire) -> None:
        self._runtime = runtime
        self._wire = wire
        self._deadlines = Deadlines(WATCH_AFTER_S)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = _Exchange(self._runtime, self._wire, self._deadlines, scope, receive, send)
        self._runtime.in_flight += 1
        try:
            await exchange.run()
        finally:
            try:
                exchange.finish()
            finally:  # a process that is killed before it has written how a request ended has it in flight
                self._runtime.in_flight -= 1
                self._runtime.bodies.release(exchange.body_bytes)
                exchange.leave_provider()


def new_request_id() -> str:
    """Return an id that nobody can guess: whoever knows it can read the response that is kept under it."""
    return f"req_{secrets.token_hex(12)}"


class _Exchange:
    """One request and its answer; durations start when its whole body has been read."""

    def __init__(
        self,
        runtime: Runtime,
        wire: ClientWire,
        deadlines: Deadlines,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self._runtime = runtime
        self._deadlines = deadlines
        self._routing = runtime.routing
        self._wire = wire
        self._headers: Mapping[bytes, bytes] = dict(scope["headers"])
        self._receive = receive
        self._send = send
        self._started = time.perf_counter()
        self.body_bytes = 0
        self._request_id = new_request_id()
        self._sender = Sender.of(self._headers)
        self._request: ClientRequest | None = None
        self._profile: str | None = None
        self._attempts = Attempts()
        self._answer: Answer | None = None
        self._first_content_s: float | None = None
        self._status = 0
        self._outcome: Outcome = "client_gone"
        self._broken_by: ErrorType | None = None

    async def run(self) -> None:
        """Answer the request, in any case on the client's wire."""
        try:
            self._routing.access.check("POST", self._headers)
            server = self._routing.config.server
            raw = await read_body(self._receive, self._headers, server, self._runtime.bodies)
            self.body_bytes = len(raw)
            self._started = time.perf_counter()
            with CancelOnDisconnect(self._receive, self._deadlines):
                await self._respond(raw)
        except ClientDisconnected:
            self._outcome = (
                "ok" if self._answer is not None and self._answer.log().complete else "client_gone"
            )
        except HttpError as error:
            if isinstance(error, NotKept):
                self._runtime.emit(StateMissed(request_id=self._request_id, what=error.what))
            self._outcome = error.outcome if isinstance(error, ChainExhausted) else "client_error"
            await self._refuse(error)
        except ProviderError as error:
            self._outcome = "midstream"
            self._broken_by = error.error_type
            assert self._attempts.provider is not None
            await self._end_with_error_frame(
                HttpError(
                    502,
                    f"{self._attempts.provider.name} failed: {error.message}",
                    code="upstream_failed_midstream",
                )
            )
        except asyncio.CancelledError:
            # The server is stopping and its grace period is over.
            if self._outcome != "ok":
                await self._give_up(shutting_down(), "cancelled")
            elif self._request is not None and self._request.stream:
                await self._send(END_OF_BODY)
        except Exception:
            log.exception("request %s failed because of a bug in the proxy", self._request_id)
            await self._give_up(HttpError(500, INTERNAL_ERROR))

    async def _respond(self, raw: bytes) -> None:
        self._request = request = await aside.unless_small(
            len(raw),
            aside.REQUEST_BYTES_INLINE_MAX,
            partial(self._wire.decode, self._request_id, raw, self._headers),
        )
        profile = self._chosen(request)
        self._profile = profile.name
        answer = await fallback.answer(request, profile, self._routing, self._runtime, self._attempts)
        self._answer = answer
        self._first_content_s = time.perf_counter() - self._started
        if isinstance(answer.pieces, bytes):
            await self._send_whole(answer.pieces, answer)
            return
        try:
            if request.stream:
                await self._stream(answer.pieces, answer)
            else:
                await self._send_whole(b"".join([piece async for piece in answer.pieces]), answer)
        finally:
            await answer.pieces.aclose()

    async def _stream(self, pieces: AsyncIterable[bytes], answer: Answer) -> None:
        await self._begin(200, EVENT_STREAM, *answer.headers)
        async with KeepAlive(self._send, self._wire.ping, self._runtime.ping_s) as sent:
            async for piece in pieces:
                sent()
                await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        self._outcome = "ok"
        await self._send(END_OF_BODY)

    async def _send_whole(self, body: bytes, answer: Answer) -> None:
        self._outcome = "ok"
        await self._begin(200, JSON, (b"content-length", b"%d" % len(body)), *answer.headers)
        await self._send({"type": "http.response.body", "body": body})

    def _chosen(self, request: ClientRequest) -> Profile:
        """Return the profile, and emit what the auto router decided."""
        chosen = choice.choose(self._routing, request, self._sender)
        if chosen.resolved is not None:
            self._runtime.emit(auto_router.event(self._request_id, chosen.resolved))
        return chosen.profile

    async def _begin(self, status: int, content_type: bytes, *more: tuple[bytes, bytes]) -> None:
        self._status = status
        request_id = self._request_id.encode()
        # Each SDK expects a different name.
        headers = [
            (b"content-type", content_type),
            (b"x-request-id", request_id),
            (b"request-id", request_id),
            *who_answered.headers(
                self._profile, self._attempts.provider, self._request, self._attempts.count
            ),
            *fallback_headers.headers(self._attempts.left, self._attempts.provider),
            *more,
        ]
        if content_type == EVENT_STREAM:
            headers += [(b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _refuse(self, error: HttpError) -> None:
        body = self._wire.error_body(error, self._request_id)
        more = [(b"content-length", str(len(body)).encode())]
        if error.retry_after is not None:
            more.append((b"retry-after", error.retry_after.encode("latin-1", "ignore")))
        if error.retry_is_vain:
            more.append((b"x-should-retry", b"false"))
        if error.status == 413 and not isinstance(error, ChainExhausted):
            more.append((b"connection", b"close"))  # the rest of the body is not read
        await self._begin(self._wire.status(error), JSON, *more)
        await self._send({"type": "http.response.body", "body": body})

    async def _give_up(self, error: HttpError, broken_by: ErrorType | None = None) -> None:
        """End the answer here, for a reason within the proxy."""
        if self._status:
            self._outcome = "midstream"
            self._broken_by = broken_by
            await self._end_with_error_frame(error)
        else:
            self._outcome = "exhausted"
            await self._refuse(error)

    async def _end_with_error_frame(self, error: HttpError) -> None:
        frame = self._wire.error_frame(error, self._request_id)
        await self._send({"type": "http.response.body", "body": frame})

    def leave_provider(self) -> None:
        """Free the place at the provider, if the answer that it is for was never read to its end."""
        self._attempts.turn.end()

    def finish(self) -> None:
        """Emit how the request ended; nothing else that may fail comes before that."""
        request, provider, turn = self._request, self._attempts.provider, self._attempts.turn
        duration_s = time.perf_counter() - self._started
        until_content_s = duration_s if self._first_content_s is None else self._first_content_s
        answered = self._answer is not None
        known = self._known()
        usage = known.usage
        prices = provider.cost if answered and provider else None
        cost_usd, cache_savings_usd = cost.price(usage, prices), cost.cache_savings(usage, prices)
        self._runtime.emit(
            RequestFinished(
                request_id=self._request_id,
                ingress=self._wire.ingress,
                profile=self._profile,
                stream=request is not None and request.stream,
                outcome=self._outcome,
                status=self._status or CLIENT_CLOSED_REQUEST,
                provider=provider.name if provider else None,
                model=provider.model if provider else None,
                attempts=self._attempts.count,
                duration_s=round(duration_s, 6),
                ttft_s=round(until_content_s, 6) if answered and request and request.stream else None,
                overhead_s=round(max(0.0, until_content_s - self._attempts.waited_s - turn.waited_s), 6),
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cache_read_tokens=usage.cache_read_tokens,
                cache_creation_tokens=usage.cache_creation_tokens,
                cost_usd=cost_usd,
                cache_savings_usd=cache_savings_usd,
                stop_reason=known.stop_reason,
                error_type=self._broken_by,
                agent=self._sender.agent,
                request_class=self._sender.request_class,
                requested_model=request.requested_model if request else None,
                tool_calls=known.tool_calls,
                had_tools=request is not None and request.has_tools,
                waited_s=round(turn.waited_s, 6),
                key_index=self._attempts.key_index if provider else None,
                traceparent=traceparent(self._headers),
                session=session_hash.shown(request.session, self._runtime.session_key) if request else None,
            )
        )
        self._attempts.end()
        if provider:
            self._runtime.budgets.spend(provider, cost_usd)
            if answered and self._attempts.length is not None:
                self._attempts.length.learn(provider, usage)

    def _known(self) -> AnswerLog:
        try:
            return self._answer.log() if self._answer else AnswerLog()
        except Exception:
            log.exception("what the answer to %s reported is lost because of a bug", self._request_id)
            return AnswerLog()
