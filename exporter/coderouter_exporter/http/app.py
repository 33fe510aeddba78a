"""The HTTP endpoints. They serve only what has been committed."""

import asyncio
import gzip
import html
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from coderouter_exporter.engine.loop import Engine
from coderouter_exporter.engine.published import Published
from coderouter_exporter.engine.wakeup import Watcher
from coderouter_exporter.http import dashboard
from coderouter_exporter.http.proxy_liveness import ProxyLiveness
from coderouter_exporter.render.charts import STEP_MINUTES
from coderouter_exporter.render.exposition import render
from coderouter_exporter.render.negotiate import accepts_gzip, choose_format
from coderouter_exporter.render.report import report
from coderouter_exporter.render.view import View
from coderouter_exporter.state.state import State

DRAIN_S_MAX = 1.0
GZIP_LEVEL = 4


def create_app(engine: Engine, watcher: Watcher) -> Starlette:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        engine.start()
        watcher.start()
        yield
        await asyncio.to_thread(watcher.stop)
        await asyncio.to_thread(engine.stop)

    pages = _Pages(engine)
    return Starlette(
        routes=[
            Route("/", pages.landing),
            Route("/metrics", pages.metrics),
            Route("/metrics.json", pages.metrics_json),
            *dashboard.routes(),
            Route("/-/healthy", pages.healthy),
            Route("/-/ready", pages.ready),
        ],
        lifespan=lifespan,
    )


class _Pages:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._liveness = ProxyLiveness()

    async def metrics(self, request: Request) -> Response:
        form = choose_format(request.headers.get("accept", ""))
        view = await self._fresh_view()
        return self._unavailable() if view is None else _encoded(request, render(view, form), form.value)

    async def metrics_json(self, request: Request) -> Response:
        hours = request.query_params.get("hours", "1")
        if hours not in map(str, STEP_MINUTES):
            known = ", ".join(map(str, STEP_MINUTES))
            return PlainTextResponse(f"hours={hours} is not one of {known}\n", status_code=400)
        view = await self._fresh_view()
        if view is None:
            return self._unavailable()
        return _encoded(request, orjson.dumps(report(view, int(hours))), "application/json")

    async def healthy(self, _: Request) -> Response:
        return PlainTextResponse("healthy\n")

    async def ready(self, _: Request) -> Response:
        published = self._engine.published
        if published.ready:
            return PlainTextResponse("ready\n")
        return PlainTextResponse(f"not ready: {'; '.join(published.reasons)}\n", status_code=503)

    async def landing(self, _: Request) -> Response:
        return HTMLResponse(_landing_page(self._engine.published))

    async def _fresh_view(self) -> View | None:
        """Return a view of every event written before this call, or of the last commit if that takes too long.

        None while there are no committed totals, or they are lower than those served before.
        """
        await asyncio.wait([asyncio.wrap_future(self._engine.next_pass())], timeout=DRAIN_S_MAX)
        published = self._engine.published
        if published.unavailable:
            return None
        state, now_ts = State.decode(published.document), time.time()
        paths = (source.path for source in published.sources)
        alive = self._liveness.probe(paths, last_event_ts=state.last_event_ts, now_ts=now_ts)
        return View(state=state, now_ts=now_ts, published=published, alive=alive)

    def _unavailable(self) -> Response:
        return PlainTextResponse(f"{self._engine.published.unavailable}\n", status_code=503)


def _encoded(request: Request, body: bytes, content_type: str) -> Response:
    headers = {"content-type": content_type, "vary": "Accept, Accept-Encoding"}
    if accepts_gzip(request.headers.get("accept-encoding", "")):
        body = gzip.compress(body, GZIP_LEVEL, mtime=0)
        headers["content-encoding"] = "gzip"
    return Response(body, headers=headers)


def _landing_page(published: Published) -> str:
    sources = "".join(
        f"<li><code>{html.escape(source.name)}</code>: "
        f"{f'{source.bytes_behind} bytes behind' if source.readable else html.escape(source.reason)}</li>"
        for source in published.sources
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>CodeRouter exporter</title>
<link rel="icon" href="dashboard/icon.svg" type="image/svg+xml">
</head>
<body>
<h1>CodeRouter exporter {version("coderouter")}</h1>
<p>Counts the events of the CodeRouter proxy and serves the totals.</p>
<ul>
<li><a href="dashboard">/dashboard</a>: live status and history</li>
<li><a href="metrics">/metrics</a>: metrics for Prometheus</li>
<li><a href="metrics.json">/metrics.json</a>: totals and recent events as JSON</li>
<li><a href="-/healthy">/-/healthy</a>, <a href="-/ready">/-/ready</a>: health checks</li>
</ul>
<p>Event files:</p>
<ul>{sources}</ul>
</body>
</html>
"""
