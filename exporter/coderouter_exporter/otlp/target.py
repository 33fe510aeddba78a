"""Where to push to, and how often; from the options of the command line."""

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

INTERVAL_S = 30.0
OFF = "off"
EXTRA = "pip install 'coderouter-exporter[otlp]'"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header name, as RFC 9110 has it."""


class BadTarget(Exception):
    """The options cannot be used; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Target:
    metrics_url: str | None
    traces_url: str | None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    interval_s: float = INTERVAL_S
    """Between two pushes of metrics."""
    resource: Mapping[str, str] = field(default_factory=dict)
    """Attributes that describe this exporter."""


def target(
    endpoint: str | None,
    *,
    metrics_endpoint: str | None = None,
    traces_endpoint: str | None = None,
    headers: str = "",
    interval_s: float = INTERVAL_S,
    resource: str = "",
) -> Target | None:
    """Return the target; None if there is nowhere to push to.

    The base `endpoint` is followed by `/v1/metrics` and `/v1/traces`; the other two are used as they are.

    Raises:
        BadTarget
    """
    metrics_url = _signal_url(endpoint, metrics_endpoint, "metrics")
    traces_url = _signal_url(endpoint, traces_endpoint, "traces")
    if metrics_url is None and traces_url is None:
        return None
    if not all(map(_is_installed, ("google.protobuf", "opentelemetry.proto"))):
        raise BadTarget(
            f"the --otlp options require the package opentelemetry-proto; install it with {EXTRA}"
        )
    return Target(
        metrics_url=metrics_url,
        traces_url=traces_url,
        headers=_pairs(headers, "--otlp.headers", of_headers=True),
        interval_s=interval_s,
        resource=_pairs(resource, "--otlp.resource"),
    )


def shown_url(url: str) -> str:
    """Return the URL without user, password and query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def _signal_url(endpoint: str | None, own: str | None, signal: str) -> str | None:
    if own:
        return None if own == OFF else _checked(own, f"--otlp.{signal}-endpoint")
    if not endpoint:
        return None
    parts = urlsplit(_checked(endpoint, "--otlp.endpoint"))
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/v1/{signal}"))


def _checked(url: str, option: str) -> str:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_good = False
    if not is_good or any(char.isspace() or not char.isprintable() for char in url):
        raise BadTarget(f"{option} is not an HTTP URL; write e.g. {option} http://127.0.0.1:4318")
    return url


def _pairs(text: str, option: str, *, of_headers: bool = False) -> dict[str, str]:
    """Return the pairs of `name=value,name=value`, percent-decoded, as the variables of OpenTelemetry have them."""
    pairs: dict[str, str] = {}
    for entry in filter(None, map(str.strip, text.split(","))):
        name, equals, value = (unquote(part.strip()) for part in entry.partition("="))
        if not equals or not name or (of_headers and not _NAME.fullmatch(name)):
            raise BadTarget(f"{option} has an entry that is not name=value; separate entries with commas")
        if of_headers and any(ord(char) < 32 or ord(char) > 126 for char in value):
            raise BadTarget(f"{option}: the value of {name} has characters that no header can have")
        pairs[name] = value
    return pairs
