"""Answer one client request: read it, route it, send what comes, and note how it ended exactly once.

Pure ASGI: Starlette's BaseHTTPMiddleware and its request classes hide that a client went away, and here that has
to cancel the upstream call at any moment.
"""

import asyncio
import logging
import random
import time
from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from coderouter_events.events import (
    AutoRouterFallthrough,
    AutoRouterResolved,
    ErrorType,
    Event,
    Outcome,
    RequestFinished,
)
from coderouter_proxy.answer import Answer
from coderouter_proxy.config.schema import AUTO_PROFILE, Profile
from coderouter_proxy.errors import ClientDisconnected, HttpError, ProviderError, shutting_down
from coderouter_proxy.ingress.body import read_body
from coderouter_proxy.ingress.connection import CancelOnDisconnect, KeepAlive
from coderouter_proxy.request import Call
from coderouter_proxy.routing import auto_router, cost, fallback, profiles
from coderouter_proxy.routing.router import Runtime
from coderouter_proxy.wires.client import ClientWire

CLIENT_CLOSED_REQUEST = 499  # nginx's number for a client that left before its answer

JSON = b"application/json"
EVENT_STREAM = b"text/event-stream; charset=utf-8"
END_OF_BODY = {"type": "http.response.body", "body": b""}

log = logging.getLogger(__name__)


class Ingress:
    """The ASGI app that answers model requests on one wire."""

    def __init__(self, runtime: Runtime, wire: ClientWire) -> None:
        self._runtime = runtime
        self._wire = wire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = _Exchange(self._runtime, self._wire, scope, receive, send)
        self._runtime.in_flight += 1
        try:
            await exchange.run()
        finally:
            self._runtime.in_flight -= 1
            exchange.finish()


def new_request_id() -> str:
    return f"req_{random.getrandbits(96):024x}"


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, runtime: Runtime, wire: ClientWire, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._runtime = runtime
        self._routing = runtime.routing
        self._wire = wire
        self._headers: Mapping[bytes, bytes] = dict(scope["headers"])
        self._receive = receive
        self._send = send
        self._started = time.perf_counter()
        self._request_id = new_request_id()
        self._call: Call | None = None
        self._profile: str | None = None
        self._tries = fallback.Attempts()
        self._answer: Answer | None = None
        self._first_content_s: float | None = None
        self._status = 0
        self._outcome: Outcome = "client_gone"
        self._broken_by: ErrorType | None = None

    async def run(self) -> None:
        """Answer the request, on the client's wire whatever happens."""
        try:
            self._routing.access.check("POST", self._headers)
            raw = await read_body(self._receive, self._headers, self._routing.config.server.body_mib_max)
            async with CancelOnDisconnect(self._receive):
                await self._respond(raw)
        except ClientDisconnected:
            self._outcome = "ok" if self._answer is not None and self._answer.complete else "client_gone"
        except HttpError as refusal:
            self._outcome = (
                refusal.outcome if isinstance(refusal, fallback.ChainExhausted) else "client_error"
            )
            await self._refuse(refusal)
        except ProviderError as failure:
            self._outcome = "midstream"
            self._broken_by = failure.error_type
            assert self._tries.provider is not None
            await self._end_with_error_frame(
                HttpError(
                    502,
                    f"{self._tries.provider.name} failed: {failure.message}",
                    code="upstream_failed_midstream",
                )
            )
        except asyncio.CancelledError:
            # The server is stopping and its patience is over.
            if self._outcome != "ok":
                await self._give_up(shutting_down(), "cancelled")
            elif self._call is not None and self._call.stream:
                await self._send(END_OF_BODY)
        except Exception:
            log.exception("request %s ended by a fault of the proxy itself", self._request_id)
            await self._give_up(HttpError(500, "the proxy failed; its log has the reason"))

    async def _respond(self, raw: bytes) -> None:
        self._call = call = self._wire.decode(self._request_id, raw, self._headers)
        profile = self._chosen(call)
        self._profile = profile.name
        answer = await fallback.answer(call, profile, self._routing, self._runtime, self._tries)
        self._answer = answer
        self._first_content_s = time.perf_counter() - self._started
        try:
            if call.stream:
                await self._begin(200, EVENT_STREAM, *answer.headers)
                async with KeepAlive(self._send, self._wire.PING, self._runtime.ping_s) as sent:
                    async for piece in answer.pieces:
                        sent()
                        await self._send({"type": "http.response.body", "body": piece, "more_body": True})
                self._outcome = "ok"
                await self._send(END_OF_BODY)
            else:
                body = b"".join([piece async for piece in answer.pieces])
                self._outcome = "ok"
                await self._begin(200, JSON, (b"content-length", b"%d" % len(body)), *answer.headers)
                await self._send({"type": "http.response.body", "body": body})
        finally:
            await answer.pieces.aclose()

    def _chosen(self, call: Call) -> Profile:
        """Return the profile; what the auto router decides is noted."""
        routing = self._routing
        name = profiles.choose(routing.config, routing.default, call.body, self._headers)
        if name == AUTO_PROFILE:
            resolved = routing.auto_router.resolve(call.body)
            name = resolved.profile
            self._runtime.note(_auto_routed(call, resolved))
        return profiles.existing(routing.config, name)

    async def _begin(self, status: int, content_type: bytes, *more: tuple[bytes, bytes]) -> None:
        self._status = status
        named = self._request_id.encode()
        # Each SDK looks for a name of its own.
        headers = [(b"content-type", content_type), (b"x-request-id", named), (b"request-id", named), *more]
        if content_type == EVENT_STREAM:
            headers += [(b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _refuse(self, refusal: HttpError) -> None:
        body = self._wire.error_body(refusal, self._request_id)
        more = [(b"content-length", str(len(body)).encode())]
        if refusal.retry_after is not None:
            more.append((b"retry-after", refusal.retry_after.encode("latin-1", "ignore")))
        if refusal.status == 413:
            more.append((b"connection", b"close"))  # the rest of the body is not read
        await self._begin(self._wire.status(refusal), JSON, *more)
        await self._send({"type": "http.response.body", "body": body})

    async def _give_up(self, refusal: HttpError, broken_by: ErrorType | None = None) -> None:
        """End the answer where it is, for a reason of the proxy's own."""
        if self._status:
            self._outcome = "midstream"
            self._broken_by = broken_by
            await self._end_with_error_frame(refusal)
        else:
            self._outcome = "exhausted"
            await self._refuse(refusal)

    async def _end_with_error_frame(self, refusal: HttpError) -> None:
        frame = self._wire.error_frame(refusal, self._request_id)
        await self._send({"type": "http.response.body", "body": frame})

    def finish(self) -> None:
        """Note the end of the request."""
        call, answer = self._call, self._answer
        duration_s = time.perf_counter() - self._started
        until_content_s = duration_s if self._first_content_s is None else self._first_content_s
        provider = self._tries.provider
        usage = answer.usage if answer else None
        cost_usd = cost.price(usage, provider.cost) if usage and provider else None
        if provider:
            self._runtime.budgets.spend(provider, cost_usd)
        self._runtime.note(
            RequestFinished(
                request_id=self._request_id,
                ingress=self._wire.INGRESS,
                profile=self._profile,
                stream=call is not None and call.stream,
                outcome=self._outcome,
                status=self._status or CLIENT_CLOSED_REQUEST,
                provider=provider.name if provider else None,
                model=provider.model if provider else None,
                attempts=self._tries.attempts,
                duration_s=round(duration_s, 6),
                ttft_s=round(until_content_s, 6) if answer and call and call.stream else None,
                overhead_s=round(max(0.0, until_content_s - (call.waited_s if call else 0.0)), 6),
                input_tokens=usage.input_tokens if usage else None,
                output_tokens=usage.output_tokens if usage else None,
                cache_read_tokens=usage.cache_read_tokens if usage else None,
                cache_creation_tokens=usage.cache_creation_tokens if usage else None,
                cost_usd=cost_usd,
                stop_reason=answer.stop_reason if answer else None,
                error_type=self._broken_by,
            )
        )


def _auto_routed(call: Call, resolved: auto_router.Resolved) -> Event:
    if resolved.rule_id is None:
        return AutoRouterFallthrough(
            request_id=call.request_id, resolved_profile=resolved.profile, signals=resolved.signals
        )
    return AutoRouterResolved(
        request_id=call.request_id,
        rule_id=resolved.rule_id,
        resolved_profile=resolved.profile,
        signals=resolved.signals,
    )
