"""Asks an exporter for its report over HTTP."""

import base64
import json
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

TIMEOUT_S = 5.0

_open = build_opener(ProxyHandler({})).open  # an exporter is near; the proxies of the environment lead away


class ExporterUnreachable(Exception):
    """No report came; the message says from where and why."""


def ask(url: str) -> dict[str, Any]:
    """Return the report of the exporter below this URL.

    Raises:
        ExporterUnreachable
    """
    return parsed(url, fetch(url))


def fetch(url: str) -> bytes:
    """Return the report as it came.

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
        told = error.read(200).decode(errors="replace").strip().partition("\n")[0]
        wanted = "wants a name and a password: https://name:password@host" if error.code == 401 else told
        raise ExporterUnreachable(f"{shown} answers HTTP {error.code}: {wanted}") from None
    except (URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        why = getattr(reason, "strerror", None) or str(reason)
        raise ExporterUnreachable(
            f"nothing answers at {shown} ({why}); is cr-exporter running there?"
        ) from None
    return body


def parsed(url: str, body: bytes) -> dict[str, Any]:
    """Return the report.

    Raises:
        ExporterUnreachable: it is not one.
    """
    try:
        report = json.loads(body)
    except ValueError:
        report = None
    if not isinstance(report, dict) or "counters" not in report:
        raise ExporterUnreachable(
            f"what answers at {without_credentials(urlsplit(url))} is not a cr-exporter"
        )
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
