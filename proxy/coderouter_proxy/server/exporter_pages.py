"""Pages that the exporter serves: the proxy redirects to them where it knows the exporter's address.

CodeRouter 1.7 to 2.x served them itself; programs that read them there continue to work.
"""

import os
from urllib.parse import urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

from coderouter_http.command_line.local_urls import EXPORTER_URL_ENV
from coderouter_http.hosts import hostname
from coderouter_proxy.errors import HttpError
from coderouter_proxy.routing.router import Runtime

PATHS = ("/metrics", "/metrics.json", "/dashboard")
EVERY_ADDRESS = ("0.0.0.0", "::")
ELSEWHERE = "{} is served by cr-exporter; start both with `coderouter run`, or set server.exporter_url"


def routes(runtime: Runtime) -> list[Route]:
    async def redirect(request: Request) -> RedirectResponse:
        url = runtime.routing.config.server.exporter_url or os.environ.get(EXPORTER_URL_ENV)
        if not url:
            raise HttpError(404, ELSEWHERE.format(request.url.path), code="served_by_exporter")
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{_reachable(url, request)}{request.url.path}{query}", status_code=307)

    return [Route(path, redirect) for path in PATHS]


def _reachable(url: str, request: Request) -> str:
    """Return the URL; where it stands for every address of this machine, with the name that the client uses."""
    parts = urlsplit(url.rstrip("/"))
    if parts.hostname not in EVERY_ADDRESS:
        return url.rstrip("/")
    host = hostname(request.headers.get("host", "").encode("latin-1")) or "127.0.0.1"
    shown = f"[{host}]" if ":" in host else host
    return urlunsplit(parts._replace(netloc=f"{shown}:{parts.port}" if parts.port else shown))
