"""The proxy's first page: the addresses that it serves, for people as a page and for programs as JSON."""

from collections.abc import Mapping
from html import escape

import orjson
from starlette.requests import Request
from starlette.responses import Response

from coderouter_http import product
from coderouter_http.command_line import local_urls
from coderouter_proxy.wires.clients import CLIENT_WIRES

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}
APIS: Mapping[str, str] = {
    "anthropic": "Anthropic's Messages API",
    "openai": "OpenAI's Chat Completions API",
    "responses": "OpenAI's Responses API",
    "embeddings": "OpenAI's embeddings API",
}
PAGES: Mapping[str, str] = {
    "/v1/models": "the models that requests may name",
    "/healthz": "whether the proxy runs, and its providers",
}
ADDRESSES: Mapping[str, str] = {
    **{wire.path: f"{APIS.get(wire.ingress, wire.ingress)} (POST)" for wire in CLIENT_WIRES.values()},
    **PAGES,
}


async def index(request: Request) -> Response:
    """Return the page to those who ask for HTML, as browsers do, and JSON to others."""
    if "text/html" in request.headers.get("accept", ""):
        return Response(_page(), media_type="text/html", headers=HEADERS)
    named = {"name": "coderouter", "version": product.version(), "addresses": ADDRESSES}
    return Response(orjson.dumps(named), media_type="application/json", headers={"Vary": "Accept"})


def _page() -> str:
    addresses = "".join(f"<li>{_address(path)}: {escape(what)}</li>" for path, what in ADDRESSES.items())
    dashboard = escape(f"{local_urls.exporter_url()}/dashboard")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>CodeRouter proxy</title>
</head>
<body>
<h1>CodeRouter proxy {product.version()}</h1>
<p>Coding agents send their requests here. To connect one: <code>coderouter env</code></p>
<ul>{addresses}</ul>
<p>What it does is counted by the exporter, by default at <a href="{dashboard}">{dashboard}</a>.</p>
</body>
</html>
"""


def _address(path: str) -> str:
    code = f"<code>{escape(path)}</code>"
    return f'<a href="{escape(path)}">{code}</a>' if path in PAGES else code
