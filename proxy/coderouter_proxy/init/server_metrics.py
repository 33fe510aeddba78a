"""Which model servers behind the providers have metrics of their own, by what they answer at `/metrics`.

vLLM always serves them (vllm/v1/metrics/loggers.py); llama.cpp does with `--metrics`, and a router of several models
requires the model's name (tools/server/README.md). Ollama has none.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from coderouter_proxy.config.addresses import is_local_host
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers import http
from coderouter_proxy.providers.keys import Keys
from coderouter_proxy.providers.response import read_all

CONNECT_TIMEOUT_S = 1
TIMEOUT_S = 3
METRICS_BYTES_MAX = 4 * 1024 * 1024
SERVERS = {b"vllm": "vllm", b"llamacpp": "llamacpp"}
"""The name of each server by the prefix of its metrics."""

_OWN_METRIC = re.compile(rb"^(vllm|llamacpp):", re.MULTILINE)


@dataclass(frozen=True)
class Metrics:
    """The metrics of a provider's server; with a `problem` there are none to scrape."""

    provider: str
    url: str
    """Of the server, without `/metrics`."""
    server: str = ""
    model: str = ""
    """The model that a request to a llama.cpp router of several models has to name."""
    needs_key: bool = False
    problem: str = ""


def scan(providers: Sequence[Provider]) -> list[Metrics]:
    """Return what the server of each provider on this machine or network answers; all are tried at once."""

    async def scan_all() -> list[Metrics]:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            local = [provider for provider in providers if is_local_host(URL(provider.base_url).host or "")]
            return await asyncio.gather(*(_scan_one(provider, session) for provider in local))

    return asyncio.run(scan_all())


async def _scan_one(provider: Provider, session: aiohttp.ClientSession) -> Metrics:
    url = provider.base_url.rstrip("/").removesuffix("/v1")
    key = Keys(provider).pick().key
    model = ""
    status, body = await _get(session, f"{url}/metrics", key)
    if status == 400 and provider.model:
        model = provider.model
        status, body = await _get(session, f"{url}/metrics?{urlencode({'model': model})}", key)
    found = _OWN_METRIC.search(body) if status == 200 else None
    if found is None:
        return Metrics(provider.name, url, problem=_problem(status, body))
    return Metrics(provider.name, url, SERVERS[found[1]], model, needs_key=bool(key))


async def _get(session: aiohttp.ClientSession, url: str, key: str) -> tuple[int, bytes]:
    """Return status and body of the answer; status 0 and the reason if there is none."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with session.get(url, headers=headers, allow_redirects=False) as response:
            return response.status, await read_all(http.SessionResponse(response), METRICS_BYTES_MAX)
    except TimeoutError:
        return 0, b"no response in time"
    except (ProviderError, *http.NETWORK_ERRORS, ValueError) as error:
        refused = isinstance(error, aiohttp.ClientConnectorError)
        return 0, b"not running" if refused else b"no HTTP response"


def _problem(status: int, body: bytes) -> str:
    match status:
        case 0:
            return f"{body.decode()}; start it and run this again"
        case 501:
            return "llama.cpp serves metrics only with --metrics"
        case 401 | 403:
            return "requires a key; set the variable that api_key_env names"
        case 404:
            return "has no metrics, like Ollama and LM Studio"
        case _:
            return "serves no metrics of vLLM or llama.cpp"
