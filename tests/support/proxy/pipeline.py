"""A proxy and an exporter that work, and the pipeline checks of the doctor for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coderouter_proxy.doctor.pipeline.checks import check_pipeline
from coderouter_proxy.doctor.result import Result, exit_code
from support.exporter.process import Exporter, running_exporter
from support.processes import eventually, free_port
from support.proxy.process import Proxy
from support.proxy.upstream import Upstream, whole

ECHO: dict[str, object] = {"name": "echo", "kind": "echo"}
KEY = "a value that must not be shown"
MODELS = whole({"object": "list", "data": [{"id": "a-model"}, {"id": "other"}]})
HEALTHY = {
    "installation/coderouter": "OK",
    "configuration/providers.yaml": "OK",
    "configuration/profile default": "OK",
    "providers/a": "OK",
    "providers/echo": "OK",
    "providers/dear": "SKIP",
    "events/event file": "OK",
    "proxy/proxy": "OK",
    "counting/exporter": "OK",
    "counting/event file": "OK",
    "counting/state": "OK",
    "counting/exact": "OK",
    "counting/end to end": "OK",
    "agents/settings": "SKIP",
}


@dataclass(frozen=True)
class PipelineResults:
    """The results of the doctor by `subject/check`."""

    code: int
    results: dict[str, Result]

    def __getitem__(self, place: str) -> Result:
        return self.results[place]

    @property
    def verdicts(self) -> dict[str, str]:
        return {place: result.verdict.value for place, result in self.results.items()}

    @property
    def unhealthy(self) -> dict[str, str]:
        """The verdicts that differ from those of a healthy pipeline."""
        return {place: verdict for place, verdict in self.verdicts.items() if HEALTHY.get(place) != verdict}


@dataclass(frozen=True)
class Pipeline:
    """A healthy proxy and exporter in a folder of their own."""

    folder: Path
    proxy: Proxy
    exporter: Exporter

    @property
    def arguments(self) -> dict[str, Any]:
        return {
            "config": None,
            "events_path": self.proxy.events_path,
            "proxy_url": f"http://127.0.0.1:{self.proxy.port}",
            "exporter_url": f"http://127.0.0.1:{self.exporter.port}",
        }

    @property
    def options(self) -> list[str]:
        """The arguments as options of the command."""
        names = {"events_path": "--events"}
        given = {
            names.get(name, f"--{name.replace('_', '-')}"): value for name, value in self.arguments.items()
        }
        return [f"{option}={value}" for option, value in given.items() if value is not None]

    def check(self, **other: object) -> PipelineResults:
        """Return the results for these arguments instead of the pipeline's own."""
        return check(**{**self.arguments, **other})


def check(**arguments: Any) -> PipelineResults:
    results = check_pipeline(**arguments)
    assert not any(KEY in result.message + result.remedy for result in results)
    return PipelineResults(
        exit_code(results), {f"{result.subject}/{result.check}": result for result in results}
    )


def check_without_proxy(events: Path, exporter_url: str) -> PipelineResults:
    """Return the results where an exporter runs and no proxy."""
    return check(config=None, events_path=events, **{**unused_urls(), "exporter_url": exporter_url})


def unused_urls() -> dict[str, str]:
    url = f"http://127.0.0.1:{free_port()}"
    return {"proxy_url": url, "exporter_url": url}


def url_of(upstream_server: Upstream, name: str) -> str:
    return f"http://127.0.0.1:{upstream_server.port}/{name}"


@contextmanager
def exporter_of(events: Path) -> Iterator[str]:
    """Run an exporter of the file, and yield its URL once it is ready."""
    with running_exporter(events, state=events.parent / "exporter.db") as exporter:
        eventually(exporter.is_ready)
        yield f"http://127.0.0.1:{exporter.port}"
