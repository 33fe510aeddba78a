"""Local model servers: where they usually listen, and a scan that finds out which ones run and what they serve."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from coderouter_proxy.errors import ProviderError
from coderouter_proxy.init import models
from coderouter_proxy.init.models import Model
from coderouter_proxy.providers import http
from coderouter_proxy.providers.response import read_all

CONNECT_TIMEOUT_S = 1
TIMEOUT_S = 3
LIST_BYTES_MAX = 4 * 1024 * 1024


@dataclass(frozen=True)
class Server:
    """`url` has no `/v1`, which only providers.yaml requires."""

    name: str
    title: str
    url: str
    list_path: str = "/v1/models"

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"


# Ollama's own list shows which models are embeddings and how large each one is.
OLLAMA = Server("ollama", "Ollama", "http://127.0.0.1:11434", "/api/tags")
SERVERS = (
    OLLAMA,
    Server("llamacpp", "llama.cpp", "http://127.0.0.1:8080"),
    Server("lmstudio", "LM Studio", "http://127.0.0.1:1234"),
    Server("vllm", "vLLM", "http://127.0.0.1:8000"),
)


@dataclass(frozen=True)
class ServerScan:
    """What was found at a server's address; with a `problem` there are no models."""

    server: Server
    models: Sequence[Model] = ()
    problem: str = ""


def servers_to_scan(probes: Sequence[tuple[str, str]]) -> list[Server]:
    """Return the known servers, each at the URL of a probe with its name if there is one, and the other probes."""
    servers = {server.name: server for server in SERVERS}
    for name, url in probes:
        known = servers.get(name)
        title, list_path = (known.title, known.list_path) if known else (name, Server.list_path)
        servers[name] = Server(name, title, url.rstrip("/").removesuffix("/v1"), list_path)
    return list(servers.values())


def scan(servers: Sequence[Server]) -> list[ServerScan]:
    """Return what is found at each address; all are scanned at once."""

    async def scan_all() -> list[ServerScan]:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            return await asyncio.gather(*(_scan_one(server, session) for server in servers))

    return asyncio.run(scan_all())


async def _scan_one(server: Server, session: aiohttp.ClientSession) -> ServerScan:
    try:
        async with session.get(server.url + server.list_path, allow_redirects=False) as response:
            body = await read_all(http.SessionResponse(response), LIST_BYTES_MAX)
    except TimeoutError:
        return ServerScan(server, problem="no response in time")
    except (ProviderError, *http.NETWORK_ERRORS) as error:
        refused = isinstance(error, aiohttp.ClientConnectorError)
        return ServerScan(server, problem="not running" if refused else "something else responds there")
    if response.status in (401, 403):
        return ServerScan(server, problem="requires a key; add it by hand, with api_key_env")
    entries = _model_entries(body) if response.status == 200 else None
    if entries is None:
        return ServerScan(server, problem="something else responds there")
    if any(entry.get("owned_by") == "coderouter" for entry in entries):
        return ServerScan(server, problem="this is CodeRouter itself")
    found = [model for entry in entries if (model := models.read(entry))]
    if not found:
        return ServerScan(server, problem="responds, but has no chat model")
    return ServerScan(server, found)


def _model_entries(body: bytes) -> list[Mapping[str, Any]] | None:
    """Return the entries of a list of models, in either shape; None if it is not one."""
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    entries = (decoded.get("data") or decoded.get("models", [])) if isinstance(decoded, dict) else None
    if not isinstance(entries, list) or not ("data" in decoded or "models" in decoded):
        return None
    return [entry for entry in entries if isinstance(entry, dict)]
