"""The exporter's first page: what it reads, and the addresses that it serves."""

from html import escape

from starlette.responses import HTMLResponse

from coderouter_exporter.engine.published import Published, SourceStatus
from coderouter_exporter.http.dashboard import HEADERS
from coderouter_http import product

ADDRESSES = (
    ("dashboard", "live status, requests, sessions and spend"),
    ("metrics", "metrics for Prometheus"),
    ("metrics.json", "totals and recent events as JSON"),
    ("api/v1/requests", "requests as JSON or CSV; also sessions, spend, providers, traffic and status"),
    ("-/healthy", "whether the process runs"),
    ("-/ready", "whether it has counted everything, or why not"),
)


def response(published: Published) -> HTMLResponse:
    addresses = "".join(
        f'<li><a href="{path}">/{path}</a> <span class="note">{what}</span></li>' for path, what in ADDRESSES
    )
    page = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>CodeRouter exporter</title>
<link rel="icon" href="dashboard/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="dashboard/page.css">
<link rel="stylesheet" href="dashboard/frame.css">
<link rel="stylesheet" href="dashboard/landing.css">
</head>
<body class="landing">
<header>
<h1>CodeRouter exporter <small>{product.version()}</small></h1>
{_readiness(published)}
</header>
<main>
<p>Counts the events of the CodeRouter proxy and serves the totals.</p>
<h2>Addresses</h2>
<ul>{addresses}</ul>
<h2>Event files</h2>
<ul>{"".join(map(_source, published.sources))}</ul>
</main>
</body>
</html>
"""
    return HTMLResponse(page, headers=HEADERS)


def _readiness(published: Published) -> str:
    if published.ready:
        return _state("good", "Ready")
    return _state("bad", f"Not ready: {'; '.join(published.reasons)}")


def _source(source: SourceStatus) -> str:
    state, what = (
        ("good", f"{source.bytes_behind:,} bytes to be read" if source.bytes_behind else "all read")
        if source.readable
        else ("warn", source.reason)
    )
    return f"<li><code>{escape(source.name)}</code> {_state(state, what)}</li>"


def _state(state: str, what: str) -> str:
    mark = '<span class="mark"></span>'
    return f'<span class="state" data-state="{state}">{mark} <span class="word">{escape(what)}</span></span>'
