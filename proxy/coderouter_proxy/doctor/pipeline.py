"""Whether requests get through and are counted: from providers.yaml to the exporter."""

from pathlib import Path

from coderouter_proxy.doctor.verdict import Result


def check_pipeline(
    *, config: Path | None, events_path: Path | None, proxy_url: str, exporter_url: str
) -> list[Result]:
    del config, events_path, proxy_url, exporter_url
    return []
