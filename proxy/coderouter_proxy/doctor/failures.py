"""How the doctor reports a provider's error: the verdict, and what to do about it."""

import os
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

from coderouter_events.closed_sets import ErrorType
from coderouter_http import hosts
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers import tls

OLLAMA_PORT = 11434
RETRY = "try again later; with `cooldown`, a profile moves such a provider to the end of its chain"

FAILURES: dict[ErrorType, tuple[Verdict, str]] = {
    "connect": (Verdict.TRANSPORT_ERROR, "start the server, or correct base_url"),
    "timeout_connect": (Verdict.TRANSPORT_ERROR, "correct base_url, or raise connect_timeout_s"),
    "timeout_first_byte": (Verdict.TRANSPORT_ERROR, "raise timeout_s, or use a smaller model"),
    "timeout_idle": (Verdict.TRANSPORT_ERROR, "raise idle_timeout_s, or use a smaller model"),
    "auth": (Verdict.AUTH_FAIL, ""),
    "rate_limited": (Verdict.TRANSPORT_ERROR, RETRY),
    "overloaded": (Verdict.TRANSPORT_ERROR, RETRY),
    "upstream_5xx": (Verdict.TRANSPORT_ERROR, "check the server's log"),
    "upstream_4xx": (Verdict.UNSUPPORTED, "correct extra_body or model"),
    "not_found": (Verdict.UNSUPPORTED, "correct model or base_url"),
    "protocol": (Verdict.TRANSPORT_ERROR, "correct base_url or kind"),
    "empty": (Verdict.TRANSPORT_ERROR, "check the server's log"),
    "cancelled": (Verdict.TRANSPORT_ERROR, "run the doctor again"),
}


def result_for(error: ProviderError, provider: Provider, key: str) -> Result:
    """Return the result for a provider that failed with this error."""
    verdict, remedy = FAILURES[error.error_type]
    status = f"responds with {error.status}: " if error.status is not None else ""
    remedy = _network_remedy(error, provider) or remedy or _auth_remedy(error, provider, key)
    return Result(verdict=verdict, message=status + error.message, remedy=remedy)


def _network_remedy(error: ProviderError, provider: Provider) -> str:
    """Return what to do if the network or this machine is the cause; empty if that is not known."""
    parts = urlsplit(provider.base_url)
    host = parts.hostname or ""
    via = _http_proxy(parts.scheme, parts.netloc)
    if via and hosts.is_loopback(host):
        return f"{via} is set, so requests go through that proxy; start coderouter with NO_PROXY=127.0.0.1,localhost"
    plain = parts._replace(scheme="http").geturl()
    if error.error_type == "timeout_connect" and parts.scheme == "https" and hosts.is_loopback(host):
        return f"base_url: {plain}, if that server has no TLS; else raise connect_timeout_s"
    if error.error_type != "connect":
        return ""
    if via:
        return f"{via} is set, so requests go through that proxy; correct it, or add {host} to NO_PROXY"
    if tls.CLOCK in error.message:
        return "correct the clock of this machine, e.g. timedatectl set-ntp true; else renew the server's certificate"
    if tls.NOT_PLAIN in error.message:
        return f"base_url: {plain}"
    if hosts.is_loopback(host) and parts.port == OLLAMA_PORT:
        return "start Ollama: ollama serve (install it from https://ollama.com), or correct base_url"
    return ""


def _http_proxy(scheme: str, netloc: str) -> str | None:
    """Return the variable of the environment that sends such requests through an HTTP proxy."""
    names = (f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY")
    name = next((name for name in names if os.environ.get(name)), None)
    return None if name is None or proxy_bypass(netloc) else name


def _auth_remedy(error: ProviderError, provider: Provider, key: str) -> str:
    name = " or ".join((*provider.key_variables, *provider.key_files))
    if error.status == 402:
        return "the account has no balance left: top it up, or set paid: true to skip it while allow_paid is false"
    if not name and provider.headers:
        return "correct its headers, or set api_key_env to the name of the variable that holds the key"
    if not name:
        return "set api_key_env to the name of the variable that holds the key"
    return f"correct the key in {name}" if key else f"{name} is not set: put the key in it"
