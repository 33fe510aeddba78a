"""`coderouter prometheus-config`: what Prometheus has to scrape."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import click

from coderouter_proxy.commands import options
from coderouter_proxy.commands.options import fail_start

if TYPE_CHECKING:
    from coderouter_proxy.init.server_metrics import Metrics

EXPORTER = "127.0.0.1:9847"


@click.command("prometheus-config")
@options.CONFIG
@options.ENV_FILES
@options.ENV_FILE_OVERRIDE
@click.option(
    "--exporter",
    default=EXPORTER,
    show_default=True,
    metavar="HOST:PORT",
    envvar="CODEROUTER_PROMETHEUS_CONFIG_EXPORTER",
    show_envvar=True,
    help="Address of cr-exporter, as Prometheus reaches it.",
)
def prometheus_config(
    *, config: Path | None, env_files: tuple[Path, ...], env_file_override: bool, exporter: str
) -> None:
    """Print a scrape configuration for Prometheus: the exporter, and each local model server with metrics of its own.

    vLLM has metrics, and llama.cpp with --metrics. Each gets the label `provider` with the name of the provider that
    it serves, by which the dashboard shows its queue and cache next to our times. Servers have to be running; those in
    the cloud are not contacted.
    """
    from coderouter_proxy.config import env_files as envfiles  # noqa: PLC0415 - quick help
    from coderouter_proxy.config import load, validation  # noqa: PLC0415
    from coderouter_proxy.init import server_metrics  # noqa: PLC0415

    try:
        options.read_env_files(env_files, override=env_file_override)
        loaded = load.load(load.find(config)).config
    except (validation.ConfigErrors, envfiles.EnvFileError) as error:
        fail_start(error)
    found = server_metrics.scan(loaded.providers)
    click.echo("\n".join(_lines(exporter, found)))


def _lines(exporter: str, found: Sequence["Metrics"]) -> Iterator[str]:
    import yaml  # noqa: PLC0415 - quick help

    served = [metrics for metrics in found if not metrics.problem]
    jobs = [{"job_name": "coderouter", "static_configs": [{"targets": [exporter]}]}, *map(_job, served)]
    yield "# For prometheus.yml. Printed by `coderouter prometheus-config`; run it again when providers change."
    for metrics in found:
        if metrics.problem:
            yield f"# Not scraped: {' '.join(metrics.provider.split())} at {metrics.url}: {metrics.problem}."
    yield yaml.safe_dump({"scrape_configs": jobs}, sort_keys=False, allow_unicode=True).rstrip()


def _job(metrics: "Metrics") -> dict[str, Any]:
    parts = urlsplit(metrics.url)
    job: dict[str, Any] = {"job_name": f"provider-{metrics.provider}"}
    if parts.scheme != "http":
        job["scheme"] = parts.scheme
    if parts.path.strip("/"):
        job["metrics_path"] = f"{parts.path.rstrip('/')}/metrics"
    if metrics.model:
        job["params"] = {"model": [metrics.model]}
    if metrics.needs_key:
        job["authorization"] = {"credentials_file": f"/etc/prometheus/{quote(metrics.provider, safe='')}.key"}
    labels = {"provider": metrics.provider, "server": metrics.server}
    job["static_configs"] = [{"targets": [_address(parts.netloc, parts.scheme)], "labels": labels}]
    return job


def _address(netloc: str, scheme: str) -> str:
    """Return host and port; without credentials, which Prometheus refuses in a target."""
    host = netloc.rpartition("@")[2]
    has_port = ":" in host.rpartition("]")[2]
    return host if has_port else f"{host}:{443 if scheme == 'https' else 80}"
