"""Whether providers are there and take the key: each is asked for its list of models, which costs no token."""

import asyncio
import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from coderouter_events.events import ErrorType
from coderouter_http import hosts
from coderouter_proxy.config.schema import Config, Provider
from coderouter_proxy.doctor import failures
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers import http
from coderouter_proxy.settings import effective
from coderouter_proxy.wires.anthropic.provider import AnthropicProvider
from coderouter_proxy.wires.openai.provider import OpenAIProvider
from coderouter_proxy.wires.provider import ProviderWire

SUBJECT = "providers"
ANSWER_S = 10
LIST_BYTES_MAX = 16 * 1024 * 1024
NAMES_SHOWN_MAX = 5

DIALECTS: dict[str, ProviderWire] = {"openai_compat": OpenAIProvider(), "anthropic": AnthropicProvider()}

# Where the list of models says something else than an answer of a model would.
OTHERWISE: dict[ErrorType, tuple[Verdict, str]] = {
    "not_found": (
        Verdict.NEEDS_TUNING,
        "its base_url may lack /v1; to see: coderouter doctor --check-model {name}",
    ),
    "rate_limited": (Verdict.OK, ""),
}


def check(config: Config) -> list[Result]:
    """Return one result for each provider; they are asked all at once, and paid ones only where they would be."""

    async def ask_all() -> list[Result]:
        async with http.new_session() as session:
            return await asyncio.gather(*(_check(provider, config, session) for provider in config.providers))

    return asyncio.run(ask_all())


async def _check(provider: Provider, config: Config, session: aiohttp.ClientSession) -> Result:
    if provider.kind == "echo":
        return _result(provider, Verdict.OK, "built in: answers with the user's words")
    if provider.paid and not config.allow_paid:
        return _result(provider, Verdict.SKIP, "paid, and allow_paid is false: no request goes there")
    if not effective.has_key(provider):
        remedy = f"set {provider.api_key_env}, e.g. in a file for --env-file"
        return _result(provider, Verdict.AUTH_FAIL, f"has no key: {provider.api_key_env} is not set", remedy)
    key = os.environ.get(provider.api_key_env, "").strip() if provider.api_key_env else ""
    try:
        return _listed(provider, await _models(provider, key, session))
    except ProviderError as failure:
        told = failures.result_of(failure.scrubbed(key), provider, key)
        verdict, remedy = OTHERWISE.get(failure.error_type, (told.verdict, told.remedy))
        return _result(provider, verdict, told.message, remedy.replace("{name}", provider.name))


async def _models(provider: Provider, key: str, session: aiohttp.ClientSession) -> list[dict[str, Any]]:
    """Return the entries of the provider's list of models.

    Raises:
        ProviderError: it cannot be had.
    """
    dialect = DIALECTS[provider.kind]
    timeout = aiohttp.ClientTimeout(total=ANSWER_S, sock_connect=provider.connect_timeout_s)
    try:
        async with session.get(
            dialect.models_url(provider), headers=dialect.headers(key), timeout=timeout, allow_redirects=False
        ) as response:
            if response.status != 200:
                raise await http.refused(response)
            body = await http.read_all(response, LIST_BYTES_MAX)
    except http.NETWORK_ERRORS as error:
        raise http.network_failure(error) from None
    except TimeoutError:
        raise ProviderError("timeout_first_byte", f"no list of models within {ANSWER_S} s") from None
    try:
        entries = orjson.loads(body)["data"]
        return [entry for entry in entries if isinstance(entry["id"], str)]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise ProviderError("protocol", "answers something that is no list of models") from None


def _listed(provider: Provider, entries: Sequence[dict[str, Any]]) -> Result:
    names = [entry["id"].removeprefix("models/") for entry in entries]
    if not provider.model:
        return _result(provider, Verdict.OK, "answers; clients choose the model")
    if provider.model in names or f"{provider.model}:latest" in names:
        return _result(provider, Verdict.OK, f"answers, and has {provider.model}")
    if any(entry.get("owned_by") == "llamacpp" for entry in entries):
        return _result(
            provider, Verdict.OK, "answers; llama.cpp serves the one model that it was started with"
        )
    message = f"answers, but {provider.model} is not among the {len(names)} models that it lists"
    if not hosts.is_loopback(_host(provider)):
        # Clouds take names that they do not list, such as aliases.
        remedy = f"see whether it answers: coderouter doctor --check-model {provider.name}"
        return _result(provider, Verdict.OK, message, remedy)
    shown = ", ".join(names[:NAMES_SHOWN_MAX]) + (", …" if len(names) > NAMES_SHOWN_MAX else "")
    instead = f", or write one that is there: {shown}" if names else ""
    pull = f"ollama pull {provider.model}" if _is_ollama(provider, entries) else "load it there"
    return _result(provider, Verdict.NEEDS_TUNING, message, pull + instead)


def _is_ollama(provider: Provider, entries: Sequence[dict[str, Any]]) -> bool:
    return ":11434" in provider.base_url or any(entry.get("owned_by") == "library" for entry in entries)


def _host(provider: Provider) -> str:
    return urlsplit(provider.base_url).hostname or ""


def _result(provider: Provider, verdict: Verdict, message: str, remedy: str = "") -> Result:
    return Result(subject=SUBJECT, check=provider.name, verdict=verdict, message=message, remedy=remedy)
