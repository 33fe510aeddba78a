"""Check that providers respond and accept the key, by fetching their lists of models, which costs no tokens."""

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from coderouter_events.closed_sets import ErrorType
from coderouter_http import hosts
from coderouter_proxy.config.kinds import PROVIDER_KINDS
from coderouter_proxy.config.schema import Config, Provider
from coderouter_proxy.doctor import failures
from coderouter_proxy.doctor.exchange import provider_wire
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers import http, keys
from coderouter_proxy.providers.credentials import http_proxy, own_headers, secrets
from coderouter_proxy.providers.response import read_all, refused
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.redact import scrubbed

SUBJECT = "providers"
TIMEOUT_S = 10
SKEW_S_MAX = 300
LIST_BYTES_MAX = 16 * 1024 * 1024
NAMES_SHOWN_MAX = 5

# Errors that mean something else for a list of models than for a model's answer.
LIST_FAILURES: dict[ErrorType, tuple[Verdict, str]] = {
    "not_found": (
        Verdict.SKIP,
        "it may have none; to find out whether it answers: coderouter doctor --check-model {name}",
    ),
    "rate_limited": (Verdict.OK, ""),
}


def check(config: Config) -> list[Result]:
    """Return one result for each provider; all are checked at once, paid ones only while `allow_paid` is true."""

    async def check_all() -> list[Result]:
        async with Transport() as transport:
            return await asyncio.gather(*(_check_one(each, config, transport) for each in config.providers))

    return asyncio.run(check_all())


async def _check_one(provider: Provider, config: Config, transport: Transport) -> Result:
    if not PROVIDER_KINDS[provider.kind].needs_address:
        return _result(provider, Verdict.OK, "built in: answers with the user's words")
    if provider.paid and not config.allow_paid:
        return _result(provider, Verdict.SKIP, "paid, and allow_paid is false: it gets no requests")
    found = keys.sources(provider)
    problems = keys.problems(provider)
    if problems:
        names = ", ".join(source.name for source in found if source.problem)
        remedy = (
            f"set {names}, e.g. in a file for --env-file" if provider.key_variables else f"correct {names}"
        )
        return _result(provider, Verdict.AUTH_FAIL, f"has no key: {', '.join(problems)}", remedy)
    if len(found) <= 1:
        return await _check_key(provider, found[0].key if found else "", transport)
    results = [await _check_key(provider, source.key, transport) for source in found]
    for source, result in zip(found, results, strict=True):
        if result.verdict is not Verdict.OK:
            return replace(result, message=f"with the key of {source.name}: {result.message}")
    return results[0]


async def _check_key(provider: Provider, key: str, transport: Transport) -> Result:
    try:
        entries, skew_s = await _fetch_models(provider, key, transport)
        return _check_clock(provider, skew_s) or _check_model(provider, entries)
    except ProviderError as error:
        failure = failures.result_for(error, provider, key)
        message = scrubbed(" ".join(failure.message.split()), *secrets(provider))
        verdict, remedy = LIST_FAILURES.get(error.error_type, (failure.verdict, failure.remedy))
        if error.error_type == "not_found" and _may_lack_v1(provider):
            verdict, remedy = Verdict.NEEDS_TUNING, f"base_url may lack /v1: {provider.base_url}/v1"
        return _result(provider, verdict, message, remedy.replace("{name}", provider.name))


def _may_lack_v1(provider: Provider) -> bool:
    """Return whether a path such as /v1 is missing; for kind anthropic the proxy adds it."""
    path = urlsplit(provider.base_url).path
    return provider.kind != "anthropic" and not re.search(r"/v\d", path)


async def _fetch_models(
    provider: Provider, key: str, transport: Transport
) -> tuple[list[dict[str, Any]], float]:
    """Return the entries of the provider's list of models, and by how many seconds our clock is ahead of its clock.

    Raises:
        ProviderError: there is no such list.
    """
    wire = provider_wire(provider, transport)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S, sock_connect=provider.connect_timeout_s)
    try:
        async with transport.session.get(
            wire.models_url(provider),
            headers=own_headers(provider, wire, key),
            timeout=timeout,
            allow_redirects=False,
            proxy=http_proxy(provider),
        ) as response:
            if response.status != 200:
                raise await refused(http.SessionResponse(response))
            body = await read_all(http.SessionResponse(response), LIST_BYTES_MAX)
    except http.NETWORK_ERRORS as error:
        raise http.network_failure(error) from None
    except TimeoutError:
        raise ProviderError("timeout_first_byte", f"no list of models within {TIMEOUT_S} s") from None
    try:
        entries = orjson.loads(body)["data"]
        return [entry for entry in entries if isinstance(entry["id"], str)], _skew_s(response.headers)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise ProviderError("protocol", "responds with something that is not a list of models") from None


def _skew_s(headers: Mapping[str, str]) -> float:
    try:
        return time.time() - parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except ValueError:
        return 0.0


def _check_clock(provider: Provider, skew_s: float) -> Result | None:
    """Return what is wrong if the two clocks differ by more than certificates and budgets bear."""
    if abs(skew_s) <= SKEW_S_MAX:
        return None
    way = "ahead of" if skew_s > 0 else "behind"
    message = f"responds, but this machine's clock is {abs(skew_s) / 60:.0f} minutes {way} the provider's"
    return _result(
        provider, Verdict.NEEDS_TUNING, message, "set this machine's clock, e.g. timedatectl set-ntp true"
    )


def _check_model(provider: Provider, entries: Sequence[dict[str, Any]]) -> Result:
    """Return whether the provider lists its configured model."""
    names = [entry["id"].removeprefix("models/") for entry in entries]
    if not provider.model:
        return _result(provider, Verdict.OK, "responds; clients choose the model")
    if provider.model in names or f"{provider.model}:latest" in names:
        return _result(provider, Verdict.OK, f"responds, and has {provider.model}")
    if any(entry.get("owned_by") == "llamacpp" for entry in entries):
        return _result(
            provider, Verdict.OK, "responds; llama.cpp serves the one model that it was started with"
        )
    message = f"responds, but {provider.model} is not among the {len(names)} models that it lists"
    if not hosts.is_loopback(_host(provider)):
        # Cloud providers accept names that they do not list, such as aliases.
        remedy = f"find out whether it answers: coderouter doctor --check-model {provider.name}"
        return _result(provider, Verdict.OK, message, remedy)
    shown = ", ".join(names[:NAMES_SHOWN_MAX]) + (", …" if len(names) > NAMES_SHOWN_MAX else "")
    instead = f", or use one that is there: {shown}" if names else ""
    pull = f"ollama pull {provider.model}" if _is_ollama(provider, entries) else "load it on the server"
    return _result(provider, Verdict.NEEDS_TUNING, message, pull + instead)


def _is_ollama(provider: Provider, entries: Sequence[dict[str, Any]]) -> bool:
    return ":11434" in provider.base_url or any(entry.get("owned_by") == "library" for entry in entries)


def _host(provider: Provider) -> str:
    return urlsplit(provider.base_url).hostname or ""


def _result(provider: Provider, verdict: Verdict, message: str, remedy: str = "") -> Result:
    return Result(subject=SUBJECT, check=provider.name, verdict=verdict, message=message, remedy=remedy)
