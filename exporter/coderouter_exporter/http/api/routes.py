"""Answers the requests of the API, from what is committed."""

import asyncio
import gzip
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route

from coderouter_exporter.engine.loop import Engine
from coderouter_exporter.engine.published import Published
from coderouter_exporter.http.api import status
from coderouter_exporter.http.api.csv_text import csv_text
from coderouter_exporter.http.api.parameters import BadParameter, cursor_of, filters_of, page_of, read
from coderouter_exporter.http.api.table import ENDPOINTS, PREFIX, Endpoint
from coderouter_exporter.http.views import Views
from coderouter_exporter.queries import providers, requests, sessions, slots, spend, traffic
from coderouter_exporter.queries.filters import After, Export, Filters, Page
from coderouter_exporter.queries.values import time_of
from coderouter_exporter.render import health
from coderouter_exporter.render.negotiate import accepts_gzip
from coderouter_exporter.render.view import View
from coderouter_exporter.rows.usage import zone_name, zone_of
from coderouter_exporter.state.errors import Busy

GZIP_LEVEL = 4
GZIP_BYTES_MIN = 1024
STREAMED_ROWS = 500
BACKLOG_S_MAX = 2.0
BACKLOG_POLL_S = 0.02
HEADERS = {"cache-control": "no-store", "vary": "Accept-Encoding", "x-content-type-options": "nosniff"}

Values = dict[str, Any]
T = TypeVar("T")

log = logging.getLogger(__name__)


class _Unavailable(Exception):
    """Nothing can be served now; the message says why."""


class Api:
    """Queries run in a thread of their own, one at a time."""

    def __init__(self, engine: Engine, views: Views) -> None:
        self._engine = engine
        self._views = views
        self._thread = ThreadPoolExecutor(1, "api")

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def routes(self) -> list[BaseRoute]:
        own = [Route(endpoint.path, self._route(endpoint)) for endpoint in ENDPOINTS]
        return [Mount(PREFIX, routes=[*own, Route("/{rest:path}", _unknown)])]

    def _route(self, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        answer: Callable[[Request, Values], Awaitable[Response]] = getattr(self, f"_{endpoint.name}")

        async def respond(request: Request) -> Response:
            try:
                return await answer(request, read(endpoint.parameters, request.query_params))
            except BadParameter as error:
                return _failed(400, str(error))
            except _Unavailable as error:
                return _failed(503, str(error))
            except Busy:
                return _failed(503, "the state file is busy; try again")
            except sqlite3.Error as error:
                log.error("cannot read requests from the state file (%s)", error)
                return _failed(503, f"the state file cannot be read ({error})")

        return respond

    async def _requests(self, request: Request, values: Values) -> Response:
        filters, page = filters_of(values), page_of(values, int)
        await self._built()
        if values["format"] != "json":
            return self._streamed("requests", requests.EXPORT, filters, page, values["format"])
        kept_max = self._engine.requests_max
        found = await self._read(lambda db: requests.requests(db, filters, page, kept_max))
        return await self._json(request, found | {"next": cursor_of(values["sort"], found["next"])})

    async def _request(self, request: Request, values: Values) -> Response:
        await self._built()
        request_id = request.path_params["request_id"]
        found = await self._read(lambda db: requests.request(db, request_id))
        if found is None:
            return _failed(
                404, f"no request {request_id[:100]!r} is kept; it may be too old, or not read yet"
            )
        return await self._json(request, found)

    async def _sessions(self, request: Request, values: Values) -> Response:
        filters, page = filters_of(values), page_of(values, str)
        await self._built()
        if values["format"] != "json":
            return self._streamed("sessions", sessions.EXPORT, filters, page, values["format"])
        found = await self._read(lambda db: sessions.sessions(db, filters, page))
        return await self._json(request, found | {"next": cursor_of(values["sort"], found["next"])})

    async def _spend(self, request: Request, values: Values) -> Response:
        view = await self._view()
        startup = view.state.startup
        zone = zone_name(startup.display_timezone if startup else None)
        since, until = (_date(values[name], zone) for name in ("since", "until"))
        by = values["by"]
        found = await self._read(lambda db: spend.spend(db, by, since, until))
        if values["format"] == "csv":
            return _csv(csv_text((*by, *spend.COLUMNS), found, header=True), "spend.csv")
        return await self._json(request, {"spend": found, "zone": zone})

    async def _providers(self, request: Request, values: Values) -> Response:
        view = await self._view()
        wanted = slots.Range(int(values["hours"]), view.now_ts)
        found = await self._read(lambda db: slots.by_provider(db, wanted))
        answer = {
            "generated_at": time_of(view.now_ts),
            "hours": wanted.hours,
            "providers": providers.providers(found, view),
        }
        return await self._json(request, answer)

    async def _traffic(self, request: Request, values: Values) -> Response:
        view = await self._view()
        wanted = slots.Range(int(values["hours"]), view.now_ts)
        found = await self._read(lambda db: slots.by_step(db, wanted))
        moved_on = health.last_fallback(view.state, status.shown(view.now_ts))
        return await self._json(request, traffic.traffic(found, wanted) | {"moved_on": moved_on})

    async def _status(self, request: Request, values: Values) -> Response:
        self._engine.want_rows()
        view = await self._view()
        today = await self._read(lambda db: status.today(db, view))
        are_rows = self._engine.requests_max > 0 and not (view.published and view.published.backlog)
        begun = await self._read(status.in_progress) if are_rows else None
        return await self._json(request, status.status(view) | {"today": today, "in_progress": begun})

    async def _view(self) -> View:
        published = await self._published()
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._views.view, published)

    async def _published(self) -> Published:
        published = await self._views.after_pass()
        if published.unavailable:
            raise _Unavailable(published.unavailable)
        return published

    async def _built(self) -> None:
        """Wait until what is committed has become rows, or that takes too long."""
        self._engine.want_rows()
        published = await self._published()
        ends_at = time.monotonic() + BACKLOG_S_MAX
        while published.backlog and time.monotonic() < ends_at:
            await asyncio.sleep(BACKLOG_POLL_S)
            published = self._engine.published

    async def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.read, query)

    async def _json(self, request: Request, content: object) -> Response:
        compressed = accepts_gzip(request.headers.get("accept-encoding", ""))

        def rendered() -> Response:
            body = orjson.dumps(content)
            headers = dict(HEADERS)
            if compressed and len(body) >= GZIP_BYTES_MIN:
                body = gzip.compress(body, GZIP_LEVEL, mtime=0)
                headers["content-encoding"] = "gzip"
            return Response(body, headers=headers, media_type="application/json")

        return await asyncio.get_running_loop().run_in_executor(self._thread, rendered)

    def _streamed(self, name: str, export: Export, filters: Filters, page: Page, form: str) -> Response:
        """Return all that match, a part after the other: none is held for long."""

        def next_part(db: sqlite3.Connection, after: After, *, is_first: bool) -> tuple[bytes, After]:
            part = Page(sort=page.sort, descending=page.descending, limit=STREAMED_ROWS, after=after)
            rows, following = export.page(db, filters, part)
            if form == "csv":
                return csv_text(export.columns, rows, header=is_first).encode(), following
            return b"".join(orjson.dumps(row) + b"\n" for row in rows), following

        async def parts() -> AsyncIterator[bytes]:
            text, after = await self._read(partial(next_part, after=page.after, is_first=True))
            yield text
            while after is not None:
                text, after = await self._read(partial(next_part, after=after, is_first=False))
                yield text

        return StreamingResponse(parts(), headers=_download(f"{name}.{form}"), media_type=_TYPES[form])


_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


def _csv(text: str, name: str) -> Response:
    return Response(text, headers=_download(name), media_type=_TYPES["csv"])


def _download(name: str) -> dict[str, str]:
    return {**HEADERS, "content-disposition": f'attachment; filename="coderouter-{name}"'}


def _date(ts: float | None, zone: str) -> str | None:
    try:
        return None if ts is None else datetime.fromtimestamp(ts, zone_of(zone)).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC).date().isoformat() if ts and ts > 0 else None


async def _unknown(request: Request) -> Response:
    known = ", ".join(endpoint.address for endpoint in ENDPOINTS)
    return _failed(404, f"nothing is served at {request.url.path[:200]!r}; the API has: {known}")


def _failed(status_code: int, message: str) -> Response:
    body = orjson.dumps({"error": message.encode(errors="replace").decode()})
    return Response(body, status_code, headers=HEADERS, media_type="application/json")
