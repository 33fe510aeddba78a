"""Ask the running proxy and the running exporter how they are."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from prometheus_client.parser import text_string_to_metric_families

from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers import http

ANSWER_S = 5
BODY_BYTES_MAX = 16 * 1024 * 1024


@dataclass(frozen=True)
class Said:
    """One answer; status 0 stands for none, and the text then says why."""

    status: int
    text: str


@dataclass(frozen=True)
class Exporter:
    """What the exporter said of itself. `values` has the metrics without labels, `sources` the event files it reads."""

    ready: Said
    values: Mapping[str, float] = field(default_factory=dict)
    sources: Mapping[str, bool] = field(default_factory=dict)


def health(proxy_url: str) -> tuple[Said, Mapping[str, Any] | None]:
    """Return what the proxy says of its health, and that decoded when it is the proxy that answers."""
    said = asyncio.run(_get(f"{proxy_url.rstrip('/')}/healthz"))
    try:
        decoded = orjson.loads(said.text)
    except orjson.JSONDecodeError:
        decoded = None
    return said, decoded if isinstance(decoded, dict) and {"status", "version"} <= decoded.keys() else None


def exporter(url: str) -> Exporter | None:
    """Return what the exporter says; None when something else answers there."""
    root = url.rstrip("/")
    ready = asyncio.run(_get(f"{root}/-/ready"))
    if ready.status in (0, 401, 403):
        return Exporter(ready)
    metrics = asyncio.run(_get(f"{root}/metrics"))
    try:
        families = list(text_string_to_metric_families(metrics.text)) if metrics.status == 200 else []
    except ValueError:
        families = []
    samples = [sample for family in families for sample in family.samples]
    sources = {s.labels["path"]: bool(s.value) for s in samples if s.name == "cr_exporter_source_readable"}
    values = {sample.name: sample.value for sample in samples if not sample.labels}
    if "cr_exporter_exact" in values or ready.text.startswith("not ready"):
        return Exporter(ready, values, sources)
    return None


async def _get(url: str) -> Said:
    timeout = aiohttp.ClientTimeout(total=ANSWER_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            body = await http.read_all(response, BODY_BYTES_MAX)
            return Said(response.status, body.decode(errors="replace"))
    except http.NETWORK_ERRORS as error:
        return Said(0, http.network_failure(error).message)
    except ProviderError as failure:
        return Said(0, failure.message)
    except TimeoutError:
        return Said(0, f"no answer within {ANSWER_S} s")
