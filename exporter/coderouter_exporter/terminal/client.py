"""Fetches the report of an exporter over HTTP."""

import base64
import json
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

TIMEOUT_S = 5.0
START = "start the exporter with cr-exporter, or both programs with coderouter run"

_open = build_opener(
    ProxyHandler({})
).open  # never through an HTTP proxy of the environment: an exporter is local


class ExporterUnreachable(Exception):
    """There is no report; the message has the URL and the reason."""


def fetch_report(url: str) -> dict[str, Any]:
    """Return the report of the exporter at the URL.

    Raises:
        ExporterUnreachable
    """
    return parse_report(url, fetch_body(url))


def fetch_body(url: str) -> bytes:
    """Return the report as received.

    Raises:
        ExporterUnreachable
    """
    parts = urlsplit(url)
    shown = without_credentials(parts)
    request = Request(f"{shown}/metrics.json", headers=_authorization(parts))
    try:
        with _open(request, timeout=TIMEOUT_S) as response:
            body: bytes = response.read()
    except HTTPError as error:
        reason = error.read(200).decode(errors="replace").strip().partition("\n")[0]
        if error.code == 401:
            reason = "it requires a name and a password: https://name:password@host"
        raise ExporterUnreachable(f"{shown} returned HTTP {error.code}: {reason}") from None
    except (URLError, OSError) as error:
        cause = getattr(error, "reason", error)
        reason = getattr(cause, "strerror", None) or str(cause)
        raise ExporterUnreachable(f"cannot reach {shown} ({reason}); {START}") from None
    return body


def parse_report(url: str, body: bytes) -> dict[str, Any]:
    """Return the report.

    Raises:
        ExporterUnreachable: the body is not a report.
    """
    try:
        report = json.loads(body)
    except ValueError:
        report = None
    if not isinstance(report, dict) or "counters" not in report:
        raise ExporterUnreachable(f"the server at {without_credentials(urlsplit(url))} is not a cr-exporter")
    if "proxy" not in report:
        raise ExporterUnreachable(
            f"the exporter at {without_credentials(urlsplit(url))} is older than this command"
        )
    return report


def without_credentials(parts: SplitResult) -> str:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl().rstrip("/")


def _authorization(parts: SplitResult) -> dict[str, str]:
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
