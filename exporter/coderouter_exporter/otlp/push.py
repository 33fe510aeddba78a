"""Pushes both signals from a thread of its own, so that a receiver that hangs delays nothing else."""

import asyncio
import logging
import random
import threading
from collections.abc import Callable
from contextlib import suppress

import aiohttp
from google.protobuf.message import DecodeError
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from coderouter_exporter.engine.loop import Engine
from coderouter_exporter.engine.published import Published
from coderouter_exporter.families.exporter import OTLP_FAILED, OTLP_LOST, OTLP_SENT
from coderouter_exporter.families.kinds import Counter
from coderouter_exporter.otlp.sending import Answer, new_session, send
from coderouter_exporter.otlp.signals import Export, Metrics, Signal, Traces
from coderouter_exporter.otlp.target import Target, shown_url
from coderouter_exporter.otlp.values import resource
from coderouter_exporter.render.view import View
from coderouter_exporter.rows.outbox import Delivery

BACKOFF_S = 1.0
BACKOFF_S_MAX = 60.0
STOP_S = 2.0

_FAILED = [(OTLP_FAILED, (reason,)) for reason in ("unreachable", "timeout", "busy", "refused", "partial")]
_LOST = [(OTLP_LOST, (reason,)) for reason in ("refused", "rejected")]
_COUNTED = {
    "metrics": [(OTLP_SENT, ()), *_FAILED, *_LOST],
    "traces": [(OTLP_SENT, ()), *_FAILED, *_LOST, (OTLP_LOST, ("not_kept",))],
}
"""What is served as 0 before it is counted, so that `rate()` sees the first time."""

log = logging.getLogger(__name__)


class Pusher:
    """Runs from `start` to `stop`. What was not sent by then is sent by the next process."""

    def __init__(
        self, engine: Engine, target: Target, view_of: Callable[[Published], View], port: int
    ) -> None:
        self._lanes = [
            _Lane(engine, signal, url, target)
            for signal, url in (
                (Metrics(engine, view_of, target.interval_s), target.metrics_url),
                (Traces(engine), target.traces_url if engine.exports else None),
            )
            if url is not None
        ]
        self._resource = resource(target.resource, port)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="otlp", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._started = threading.Event()

    def start(self) -> None:
        self._thread.start()
        self._started.wait()

    def stop(self) -> None:
        assert self._loop is not None
        assert self._stop is not None
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(STOP_S)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._started.set()
        async with new_session() as session:
            lanes = [asyncio.create_task(lane.run(session, self._resource)) for lane in self._lanes]
            await self._stop.wait()
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)


class _Lane:
    """One signal on its way to the receiver: an export at a time."""

    def __init__(self, engine: Engine, signal: Signal, url: str, target: Target) -> None:
        self._engine = engine
        self._signal = signal
        self._url = url
        self._headers = target.headers
        self._failures = 0
        """Exports in a row that were not answered, or with `busy`."""
        self._trouble = ""
        """What was logged last."""

    async def run(self, session: aiohttp.ClientSession, described: Resource) -> None:
        name = self._signal.name
        log.info("pushing %s to %s", name, shown_url(self._url))
        self._note([(family, (name, *labels), 0) for family, labels in _COUNTED[name]])
        while True:
            try:
                wait_s = await self._push(session, described)
            except Exception:
                log.exception("error while %s are pushed; trying again", name)
                self._failures += 1
                wait_s = self._backoff_s()
            await asyncio.sleep(wait_s)

    async def _push(self, session: aiohttp.ClientSession, described: Resource) -> float:
        """Send what is to be sent; return after how many seconds to continue."""
        export = self._signal.next(described)
        if export is None:
            return self._signal.every_s
        answer = await send(session, self._url, self._headers, export.request)
        if answer.reason is None:
            self._accepted(export, answer)
        else:
            self._note([(OTLP_FAILED, (self._signal.name, answer.reason), 1)])
            self._report(f"{answer.reason}: {answer.message}")
            if answer.reason != "refused":
                self._failures += 1
                return max(answer.wait_s, self._backoff_s())
            if answer.too_large and self._signal.shrink(export):
                return 0.0
            self._note([(OTLP_LOST, (self._signal.name, "refused"), export.items)], export.position)
        self._failures = 0
        return 0.0 if self._signal.done(export) else self._signal.every_s

    def _accepted(self, export: Export, answer: Answer) -> None:
        name = self._signal.name
        try:
            rejected, message = self._signal.rejected(answer.body)
        except DecodeError:
            rejected, message = 0, ""
        rejected = min(max(rejected, 0), export.items)
        counts: list[tuple[Counter, tuple[str, ...], int]] = [(OTLP_SENT, (name,), export.items - rejected)]
        if rejected:
            counts += [(OTLP_FAILED, (name, "partial"), 1), (OTLP_LOST, (name, "rejected"), rejected)]
        self._note(counts, export.position)
        self._report(
            f"rejected {rejected} of {export.items}: {message[:200]!r}" if rejected or message else ""
        )

    def _note(self, counts: list[tuple[Counter, tuple[str, ...], int]], position: int = 0) -> None:
        self._engine.note(Delivery(counts, position))

    def _backoff_s(self) -> float:
        longest: float = min(BACKOFF_S_MAX, BACKOFF_S * 2.0 ** min(self._failures - 1, 10))
        return longest * random.uniform(0.5, 1.0)

    def _report(self, trouble: str) -> None:
        """Log a trouble once, and its end."""
        kind = trouble.partition(":")[0]
        if kind == self._trouble:
            return
        if trouble:
            log.warning("%s to %s: %s", self._signal.name, shown_url(self._url), trouble)
        else:
            log.info("%s to %s are accepted again", self._signal.name, shown_url(self._url))
        self._trouble = kind
