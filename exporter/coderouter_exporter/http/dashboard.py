"""The dashboard's files, held in memory, with headers that let the page load nothing else."""

import gzip
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from coderouter_exporter.render.negotiate import accepts_gzip

FOLDER = Path(__file__).parents[1] / "dashboard"
PAGE = "index.html"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
HEADERS = {
    "Cache-Control": "no-cache",  # revalidated on every load, usually with a 304
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class File:
    body: bytes
    compressed: bytes
    content_type: str
    etag: str

    @classmethod
    def read(cls, path: Path) -> "File":
        body = path.read_bytes()
        etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        return cls(body, gzip.compress(body, mtime=0), TYPES[path.suffix], etag)


def files() -> dict[str, File]:
    return {path.name: File.read(path) for path in sorted(FOLDER.iterdir())}


def routes() -> Iterable[Route]:
    """Return the routes of the page and its files. The page's links are relative, so any path prefix works."""
    found = files()

    async def page(request: Request) -> Response:
        return _answer(request, found[PAGE])

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        return _answer(request, found[name]) if name in found else Response("not found\n", 404)

    async def slash(_: Request) -> Response:
        return RedirectResponse("../dashboard", 308)

    return (
        Route("/dashboard", page),
        Route("/dashboard/", slash),
        Route("/dashboard/{name}", file),
    )


def _answer(request: Request, file: File) -> Response:
    headers = {**HEADERS, "Content-Type": file.content_type, "ETag": file.etag}
    known = request.headers.get("if-none-match", "")
    if known == "*" or file.etag in known:  # RFC 9110, 13.1.2
        return Response(status_code=304, headers=headers)
    if accepts_gzip(request.headers.get("accept-encoding", "")):
        return Response(file.compressed, headers={**headers, "Content-Encoding": "gzip"})
    return Response(file.body, headers=headers)
