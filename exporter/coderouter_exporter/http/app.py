"""The HTTP side: every answer is made of what has been committed, and says so when that is not everything."""

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

from coderouter_exporter.engine.loop import Engine, Published
from coderouter_exporter.engine.wakeup import Watcher
from coderouter_exporter.http import dashboard
from coderouter_exporter.http.proxy_liveness import ProxyLiveness
from coderouter_exporter.render.charts import STEP_MINUTES
from coderouter_exporter.render.exposition import render
from coderouter_exporter.render.negotiate import accepts_gzip, choose_format
from coderouter_exporter.render.report import report
from coderouter_exporter.render.view import View
from coderouter_exporter.state import state as states

DRAIN_S_MAX = 1.0
GZIP_LEVEL = 4


def create_app(follower: Engine, watcher: Watcher) -> Starlette:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        follower.start()
        watcher.start()
        yield
        await asyncio.to_thread(watcher.stop)
        await asyncio.to_thread(follower.stop)

    pages = _Pages(follower)
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
    def __init__(self, follower: Engine) -> None:
        self._follower = follower
        self._liveness = ProxyLiveness()

    async def metrics(self, request: Request) -> Response:
        form = choose_format(request.headers.get("accept", ""))
        view = await self._drained()
        return _recovering() if view is None else _encoded(request, render(view, form), form.value)

    async def metrics_json(self, request: Request) -> Response:
        hours = request.query_params.get("hours", "1")
        if hours not in map(str, STEP_MINUTES):
            known = ", ".join(map(str, STEP_MINUTES))
            return PlainTextResponse(f"hours={hours} is not one of {known}\n", status_code=400)
        view = await self._drained()
        if view is None:
            return _recovering()
        return _encoded(request, orjson.dumps(report(view, int(hours))), "application/json")

    async def healthy(self, _: Request) -> Response:
        return PlainTextResponse("healthy\n")

    async def ready(self, _: Request) -> Response:
        published = self._follower.published
        if published.ready:
            return PlainTextResponse("ready\n")
        reason = "the state file cannot be written" if published.commits_failing else "still catching up"
        return PlainTextResponse(f"not ready: {reason}\n", status_code=503)

    async def landing(self, _: Request) -> Response:
        return HTMLResponse(_landing_page(self._follower.published))

    async def _drained(self) -> View | None:
        """Return a view that holds every event written before now, or what is committed when that takes too long.

        None while what is committed is less than what was served before.
        """
        await asyncio.wait([asyncio.wrap_future(self._follower.next_pass())], timeout=DRAIN_S_MAX)
        published = self._follower.published
        if published.recovering:
            return None
        state, now_ts = states.decode(published.document), time.time()
        paths = (source.path for source in published.sources)
        alive = self._liveness.probe(paths, last_event_ts=state.last_event_ts, now_ts=now_ts)
        return View(state=state, now_ts=now_ts, published=published, alive=alive)


def _recovering() -> Response:
    return PlainTextResponse(
        "the newest checkpoint was damaged; still reading what it had counted\n", status_code=503
    )


def _encoded(request: Request, body: bytes, content_type: str) -> Response:
    headers = {"content-type": content_type, "vary": "Accept, Accept-Encoding"}
    if accepts_gzip(request.headers.get("accept-encoding", "")):
        body = gzip.compress(body, GZIP_LEVEL, mtime=0)
        headers["content-encoding"] = "gzip"
    return Response(body, headers=headers)


def _landing_page(published: Published) -> str:
    sources = "".join(
        f"<li><code>{html.escape(str(source.path))}</code>: "
        f"{f'{source.bytes_behind} bytes behind' if source.readable else 'not there yet, or not readable'}</li>"
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
<p>Counts what the proxy writes to its event file, and serves the totals.</p>
<ul>
<li><a href="dashboard">/dashboard</a>: for people</li>
<li><a href="metrics">/metrics</a>: for Prometheus</li>
<li><a href="metrics.json">/metrics.json</a>: the same totals, and the last events, as JSON</li>
<li><a href="-/healthy">/-/healthy</a>, <a href="-/ready">/-/ready</a>: for supervisors</li>
</ul>
<p>Event files:</p>
<ul>{sources}</ul>
</body>
</html>
"""
