"""Fetch the status of the running proxy and of the running exporter."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from prometheus_client.parser import text_string_to_metric_families

from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers import http
from coderouter_proxy.providers.response import read_all

TIMEOUT_S = 5
BODY_BYTES_MAX = 16 * 1024 * 1024


@dataclass(frozen=True)
class Response:
    """One response; with status 0 there was none, and the text says why."""

    status: int
    text: str


@dataclass(frozen=True)
class ExporterStatus:
    """What the exporter reports about itself.

    `values` has the metrics without labels, `sources` whether each of its event files is readable, `problems` why a
    path is not, and `doubts` why the counts may not be exact.
    """

    ready: Response
    values: Mapping[str, float] = field(default_factory=dict)
    sources: Mapping[str, bool] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    doubts: Mapping[str, float] = field(default_factory=dict)


def fetch_health(proxy_url: str) -> tuple[Response, Mapping[str, Any] | None]:
    """Return the response of the health endpoint, and its JSON; None if it is not the proxy that responds."""
    response = asyncio.run(_get(f"{proxy_url.rstrip('/')}/healthz"))
    try:
        decoded = orjson.loads(response.text)
    except orjson.JSONDecodeError:
        decoded = None
    is_health = isinstance(decoded, dict) and {"status", "version"} <= decoded.keys()
    return response, decoded if is_health else None


def fetch_exporter_status(url: str) -> ExporterStatus | None:
    """Return what the exporter reports; None if something else responds at the URL."""
    root = url.rstrip("/")
    ready = asyncio.run(_get(f"{root}/-/ready"))
    if ready.status in (0, 401, 403):
        return ExporterStatus(ready)
    metrics = asyncio.run(_get(f"{root}/metrics"))
    try:
        families = list(text_string_to_metric_families(metrics.text)) if metrics.status == 200 else []
    except ValueError:
        families = []
    samples = [sample for family in families for sample in family.samples]
    sources = {s.labels["path"]: bool(s.value) for s in samples if s.name == "cr_exporter_source_readable"}
    problems = {
        s.labels["path"]: s.labels["reason"] for s in samples if s.name == "cr_exporter_source_problem"
    }
    doubts = {s.labels["reason"]: s.value for s in samples if s.name == "cr_exporter_doubts" and s.value}
    values = {sample.name: sample.value for sample in samples if not sample.labels}
    if "cr_exporter_exact" in values or ready.text.startswith("not ready"):
        return ExporterStatus(ready, values, sources, problems, doubts)
    return None


async def _get(url: str) -> Response:
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            body = await read_all(http.SessionResponse(response), BODY_BYTES_MAX)
            return Response(response.status, body.decode(errors="replace"))
    except http.NETWORK_ERRORS as error:
        return Response(0, http.network_failure(error).message)
    except ProviderError as error:
        return Response(0, error.message)
    except TimeoutError:
        return Response(0, f"no response within {TIMEOUT_S} s")
