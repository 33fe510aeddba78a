"""Whether requests get through and are counted: from providers.yaml to the exporter. No model is asked anything."""

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from coderouter_proxy.config import load, validation
from coderouter_proxy.doctor.pipeline import event_file, exporter, http, providers
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.routing import exhausted
from coderouter_proxy.settings import effective, settings
from coderouter_proxy.settings.effective import Link
from coderouter_proxy.settings.settings import Settings


def check_pipeline(
    *, config: Path | None, events_path: Path | None, proxy_url: str, exporter_url: str
) -> list[Result]:
    """Return what was found, part by part, in the order in which a request goes through them.

    Raises:
        ConfigErrors: a providers.yaml was named and is not there.
    """
    path = load.find(config)
    given, results = _read(path, events_path)
    if given is None:
        results.append(
            Result(subject=providers.SUBJECT, check="all", verdict=Verdict.SKIP, message="not known")
        )
    else:
        results += [_chain(name, links) for name, links in effective.chains(given).items()]
        results += providers.check(given.config)
    results.append(event_file.check(events_path))
    proxy = _proxy(proxy_url, given)
    proxy_runs = proxy.verdict in (Verdict.OK, Verdict.NEEDS_TUNING)
    return [*results, proxy, *exporter.check(exporter_url, events_path, proxy_runs=proxy_runs)]


def _read(path: Path | None, events_path: Path | None) -> tuple[Settings | None, list[Result]]:
    start = settings.LaunchOptions(
        config_path=path,
        mode=None,
        mode_source="config",
        events_path=events_path,
        host="127.0.0.1",
        insecure=False,
    )
    check = "providers.yaml"
    try:
        given = settings.read(start)
    except validation.ConfigErrors as fault:
        remedy = (
            "correct it; until then a proxy does not start with it, and one that runs does not take it over"
        )
        faults = [_configuration(check, Verdict.NEEDS_TUNING, text) for text in fault.faults[:-1]]
        return None, [*faults, _configuration(check, Verdict.NEEDS_TUNING, fault.faults[-1], remedy)]
    if path is None:
        return given, [
            _configuration(check, Verdict.NEEDS_TUNING, "there is none", "write one: coderouter init")
        ]
    return given, [_configuration(check, Verdict.OK, f"{path} is valid")]


def _chain(profile: str, links: list[Link]) -> Result:
    """Return whom the profile would ask now, and whether that is anyone."""
    check = f"profile {profile}"
    told = " → ".join(link.provider for link in links if link.tried)
    skipped = "; ".join(f"{link.provider}: {link.remark}" for link in links if not link.tried)
    message = f"{told or 'nobody to ask'}{f' (skipped: {skipped})' if skipped else ''}"
    remarks = [link.remark for link in links if not link.tried]
    if not told:
        remedy = exhausted.PAID_HINT if effective.PAID in remarks else "give it a provider that may be asked"
        return _configuration(check, Verdict.NEEDS_TUNING, message, remedy)
    if effective.NOT_CONFIGURED in remarks:
        remedy = "configure it among the providers, or take it out of the profile"
        return _configuration(check, Verdict.NEEDS_TUNING, message, remedy)
    return _configuration(check, Verdict.OK, message)


def _proxy(url: str, given: Settings | None) -> Result:
    """Return whether the proxy answers, and with what was read here."""
    said, health = http.health(url)
    if said.status == 0:
        remedy = "start it: coderouter serve (elsewhere than at this address: doctor --proxy-url)"
        return _running(Verdict.TRANSPORT_ERROR, said.text, remedy)
    if health is None:
        remedy = "start the proxy with another --port, and say it with --proxy-url"
        return _running(
            Verdict.TRANSPORT_ERROR, f"something else answers at {url}, with {said.status}", remedy
        )
    if differences := list(_differences(health, given)):
        remedy = "restart it, or send it SIGHUP to read providers.yaml anew"
        return _running(Verdict.NEEDS_TUNING, f"answers at {url}, but {' and '.join(differences)}", remedy)
    return _running(Verdict.OK, f"answers at {url}")


def _differences(health: Mapping[str, Any], given: Settings | None) -> Iterator[str]:
    if health["version"] != version("coderouter"):
        yield f"is version {health['version']}, and this is {version('coderouter')}"
    if given is None:
        return
    running, read = health.get("providers"), [provider.name for provider in given.config.providers]
    if running != read:
        yield f"has other providers: {', '.join(map(str, running or []))}"
    if health.get("allow_paid") != given.config.allow_paid:
        yield f"has allow_paid: {str(health.get('allow_paid')).lower()}"


def _configuration(check: str, verdict: Verdict, message: str, remedy: str = "") -> Result:
    return Result(subject="configuration", check=check, verdict=verdict, message=message, remedy=remedy)


def _running(verdict: Verdict, message: str, remedy: str = "") -> Result:
    return Result(subject="proxy", check="proxy", verdict=verdict, message=message, remedy=remedy)
