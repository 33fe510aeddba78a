"""Check that requests get through and are counted, from providers.yaml to the exporter. No model gets a request."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from coderouter_http import product
from coderouter_proxy.config import load, validation
from coderouter_proxy.doctor.pipeline import (
    agents,
    event_file,
    exporter,
    http,
    installation,
    modes,
    providers,
)
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.routing import exhausted, gates
from coderouter_proxy.settings import effective
from coderouter_proxy.settings.effective import Link
from coderouter_proxy.settings.launch import LaunchOptions, Settings, read_settings


def check_pipeline(
    *, config: Path | None, events_path: Path | None, proxy_url: str, exporter_url: str
) -> list[Result]:
    """Return the results for each part, in the order in which a request passes through them.

    Raises:
        ConfigErrors: `config` does not exist.
    """
    path = load.find(config)
    loaded, found = _check_config(path, events_path)
    results = [installation.check(), *found]
    if loaded is None:
        results.append(
            Result(subject=providers.SUBJECT, check="all", verdict=Verdict.SKIP, message="not known")
        )
    else:
        results += [_check_profile(name, links) for name, links in effective.chains(loaded).items()]
        results += providers.check(loaded.config)
    results.append(event_file.check(events_path))
    results += modes.check(path, events_path)
    proxy = _check_proxy(proxy_url, loaded)
    proxy_runs = proxy.verdict in (Verdict.OK, Verdict.NEEDS_TUNING)
    results += [proxy, *exporter.check(exporter_url, events_path, proxy_runs=proxy_runs)]
    return results + agents.check(proxy_url)


def _check_config(path: Path | None, events_path: Path | None) -> tuple[Settings | None, list[Result]]:
    """Return the settings that the proxy would start with, unless the configuration is invalid, and the results."""
    launch = LaunchOptions(config_path=path, events_path=events_path)
    check = "providers.yaml"
    try:
        loaded = read_settings(launch)
    except validation.ConfigErrors as error:
        remedy = "correct it; until then no proxy starts with it, and a running proxy keeps its previous one"
        *others, last = error.errors
        results = [_config_result(check, Verdict.NEEDS_TUNING, text) for text in others]
        return None, [*results, _config_result(check, Verdict.NEEDS_TUNING, last, remedy)]
    if path is None:
        return loaded, [
            _config_result(check, Verdict.NEEDS_TUNING, "not found", "create one: coderouter init")
        ]
    return loaded, [_config_result(check, Verdict.OK, f"{path} is valid")]


def _check_profile(profile: str, links: list[Link]) -> Result:
    """Return which providers the profile would try now, and whether there are any."""
    check = f"profile {profile}"
    tried = " → ".join(link.provider for link in links if link.tried)
    skipped = "; ".join(f"{link.provider}: {link.remark}" for link in links if not link.tried)
    message = f"{tried or 'no provider to try'}{f' (skipped: {skipped})' if skipped else ''}"
    remarks = [link.remark for link in links if not link.tried]
    if not tried:
        remedy = exhausted.PAID_HINT if gates.PAID in remarks else "add a provider that can be tried"
        return _config_result(check, Verdict.NEEDS_TUNING, message, remedy)
    if gates.NOT_CONFIGURED in remarks:
        remedy = "add it to the providers, or remove it from the profile"
        return _config_result(check, Verdict.NEEDS_TUNING, message, remedy)
    return _config_result(check, Verdict.OK, message)


def _check_proxy(url: str, loaded: Settings | None) -> Result:
    """Return whether the proxy responds, and whether it runs with this configuration."""
    response, health = http.fetch_health(url)
    if response.status == 0:
        remedy = (
            "start it, with the exporter: coderouter run (if it runs at another address: doctor --proxy-url)"
        )
        return _proxy_result(Verdict.TRANSPORT_ERROR, response.text, remedy)
    if health is None:
        remedy = "start the proxy with another --port, and pass its address as --proxy-url"
        return _proxy_result(
            Verdict.TRANSPORT_ERROR, f"something else responds at {url}, with {response.status}", remedy
        )
    if differences := list(_differences(health, loaded)):
        remedy = "restart it, or send it SIGHUP to reload providers.yaml"
        return _proxy_result(
            Verdict.NEEDS_TUNING, f"responds at {url}, but {' and '.join(differences)}", remedy
        )
    return _proxy_result(Verdict.OK, f"responds at {url}")


def _differences(health: Mapping[str, Any], loaded: Settings | None) -> Iterator[str]:
    """Yield in what the running proxy differs from this program and from the configuration that was loaded here."""
    if health["version"] != product.version():
        yield f"is version {health['version']}, while this is {product.version()}"
    if loaded is None:
        return
    running, expected = health.get("providers"), [provider.name for provider in loaded.config.providers]
    if running != expected:
        yield f"has other providers: {', '.join(map(str, running or []))}"
    if health.get("allow_paid") != loaded.config.allow_paid:
        yield f"has allow_paid: {str(health.get('allow_paid')).lower()}"


def _config_result(check: str, verdict: Verdict, message: str, remedy: str = "") -> Result:
    return Result(subject="configuration", check=check, verdict=verdict, message=message, remedy=remedy)


def _proxy_result(verdict: Verdict, message: str, remedy: str = "") -> Result:
    return Result(subject="proxy", check="proxy", verdict=verdict, message=message, remedy=remedy)
