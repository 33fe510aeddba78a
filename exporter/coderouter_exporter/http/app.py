"""The HTTP endpoints. They serve only what has been committed."""

import asyncio
import gzip
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import NamedTuple

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from coderouter_exporter.engine.loop import Engine
from coderouter_exporter.engine.published import Published
from coderouter_exporter.engine.wakeup import Watcher
from coderouter_exporter.http import dashboard, landing
from coderouter_exporter.http.api.routes import Api
from coderouter_exporter.http.renderings import Rendering, Renderings
from coderouter_exporter.http.views import Views
from coderouter_exporter.render.charts import STEP_MINUTES
from coderouter_exporter.render.exposition import Format, render
from coderouter_exporter.render.negotiate import accepts_gzip, choose_format
from coderouter_exporter.render.report import report

GZIP_LEVEL = 4


def create_app(engine: Engine, watcher: Watcher) -> Starlette:
    views = Views(engine)
    pages = _Pages(engine, views)
    api = Api(engine, views)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        engine.start()
        watcher.start()
        yield
        pages.close()
        api.close()
        await asyncio.to_thread(watcher.stop)
        await asyncio.to_thread(engine.stop)

    return Starlette(
        routes=[
            Route("/", pages.landing),
            Route("/metrics", pages.metrics),
            Route("/metrics.json", pages.metrics_json),
            *dashboard.routes(),
            *api.routes(),
            Route("/-/healthy", pages.healthy),
            Route("/-/ready", pages.ready),
        ],
        lifespan=lifespan,
    )


class _Wanted(NamedTuple):
    """What a reader asks for."""

    content: Format | int
    """The metrics in a format, or the report of that many hours."""
    compressed: bool


class _Pages:
    """Rendering takes its time when there is much to show, so it has a thread of its own, one at a time."""

    def __init__(self, engine: Engine, views: Views) -> None:
        self._engine = engine
        self._views = views
        self._renderings = Renderings(self._render)
        self._renderer = ThreadPoolExecutor(1, "render")

    def close(self) -> None:
        self._renderer.shutdown(wait=False, cancel_futures=True)

    async def metrics(self, request: Request) -> Response:
        return await self._rendered(request, choose_format(request.headers.get("accept", "")))

    async def metrics_json(self, request: Request) -> Response:
        hours = request.query_params.get("hours", "1")
        if hours not in map(str, STEP_MINUTES):
            known = ", ".join(map(str, STEP_MINUTES))
            return PlainTextResponse(f"hours={hours} is not one of {known}\n", status_code=400)
        return await self._rendered(request, int(hours))

    async def healthy(self, _: Request) -> Response:
        return PlainTextResponse("healthy\n")

    async def ready(self, _: Request) -> Response:
        published = self._engine.published
        if published.ready:
            return PlainTextResponse("ready\n")
        return PlainTextResponse(f"not ready: {'; '.join(published.reasons)}\n", status_code=503)

    async def landing(self, _: Request) -> Response:
        return landing.response(self._engine.published)

    async def _rendered(self, request: Request, content: Format | int) -> Response:
        compressed = accepts_gzip(request.headers.get("accept-encoding", ""))
        return self._renderings.response(await self._renderings.next(_Wanted(content, compressed)))

    async def _render(self, wanted: _Wanted) -> Rendering:
        """Render every event written before this call, or the last commit if that takes too long."""
        published = await self._views.after_pass()
        if published.unavailable:
            return Rendering(
                f"{published.unavailable}\n".encode(), {"content-type": "text/plain"}, status=503
            )
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._renderer, self._rendering_of, published, wanted)

    def _rendering_of(self, published: Published, wanted: _Wanted) -> Rendering:
        view = self._views.view(published)
        if isinstance(wanted.content, Format):
            body, content_type = render(view, wanted.content), wanted.content.value
        else:
            body, content_type = orjson.dumps(report(view, wanted.content)), "application/json"
        headers = {"content-type": content_type, "vary": "Accept, Accept-Encoding"}
        if wanted.compressed:
            body = gzip.compress(body, GZIP_LEVEL, mtime=0)
            headers["content-encoding"] = "gzip"
        return Rendering(body, headers)
