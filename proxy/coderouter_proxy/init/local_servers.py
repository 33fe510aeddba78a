"""Servers that run models on this machine: where they usually listen, whether they do, and what they have."""

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

CONNECT_S = 1
ANSWER_S = 3
LIST_BYTES_MAX = 4 * 1024 * 1024


@dataclass(frozen=True)
class Server:
    """`url` is without `/v1`, which only providers.yaml wants."""

    name: str
    title: str
    url: str
    list_path: str = "/v1/models"

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"


# Ollama's own list says what is an embedding and how large a model is.
OLLAMA = Server("ollama", "Ollama", "http://127.0.0.1:11434", "/api/tags")
SERVERS = (
    OLLAMA,
    Server("llamacpp", "llama.cpp", "http://127.0.0.1:8080"),
    Server("lmstudio", "LM Studio", "http://127.0.0.1:1234"),
    Server("vllm", "vLLM", "http://127.0.0.1:8000"),
)


@dataclass(frozen=True)
class Look:
    """What was found at a server's address; with a `problem` there are no models."""

    server: Server
    models: Sequence[Model] = ()
    problem: str = ""


def with_probes(probes: Sequence[tuple[str, str]]) -> list[Server]:
    """Return the servers to look for: the usual ones, at another URL where a probe has their name, and those added."""
    wanted = {server.name: server for server in SERVERS}
    for name, url in probes:
        usual = wanted.get(name)
        title, list_path = (usual.title, usual.list_path) if usual else (name, Server.list_path)
        wanted[name] = Server(name, title, url.rstrip("/").removesuffix("/v1"), list_path)
    return list(wanted.values())


def look_for(servers: Sequence[Server]) -> list[Look]:
    """Return what is found at each address; they are asked all at once."""

    async def ask_all() -> list[Look]:
        timeout = aiohttp.ClientTimeout(total=ANSWER_S, sock_connect=CONNECT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            return await asyncio.gather(*(_look(server, session) for server in servers))

    return asyncio.run(ask_all())


async def _look(server: Server, session: aiohttp.ClientSession) -> Look:
    try:
        async with session.get(server.url + server.list_path, allow_redirects=False) as response:
            body = await http.read_all(response, LIST_BYTES_MAX)
    except TimeoutError:
        return Look(server, problem="no answer in time")
    except (ProviderError, *http.NETWORK_ERRORS) as error:
        refused = isinstance(error, aiohttp.ClientConnectorError)
        return Look(server, problem="nothing there" if refused else "something else answers there")
    if response.status in (401, 403):
        return Look(server, problem="asks for a key; add it by hand, with api_key_env")
    listed = _listed(body) if response.status == 200 else None
    if listed is None:
        return Look(server, problem="something else answers there")
    if any(entry.get("owned_by") == "coderouter" for entry in listed):
        return Look(server, problem="that is CodeRouter itself")
    found = [model for entry in listed if (model := models.read(entry))]
    if not found:
        return Look(server, problem="answers, but has no model to chat with")
    return Look(server, found)


def _listed(body: bytes) -> list[Mapping[str, Any]] | None:
    """Return the entries of a list of models, in either shape; None when it is none."""
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    entries = (decoded.get("data") or decoded.get("models", [])) if isinstance(decoded, dict) else None
    if not isinstance(entries, list) or not ("data" in decoded or "models" in decoded):
        return None
    return [entry for entry in entries if isinstance(entry, dict)]
