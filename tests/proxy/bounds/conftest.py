"""The two servers that share their bounds, and a proxy whose limits of time are fractions of a second."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.exporter.process import running_exporter
from support.proxy import process
from support.proxy.process import Proxy, serving
from support.proxy.upstream import Upstream

TESTS = str(Path(__file__).parents[2])
SHORT_LIMITS = (sys.executable, "-m", "support.proxy.short_limits")


@pytest.fixture(scope="session", params=["proxy", "exporter"])
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of each of the two servers."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "proxy":
        with serving(folder, process.config([{"name": "echo", "kind": "echo"}])) as started:
            yield started.port
    else:
        (folder / "events.jsonl").touch()
        with running_exporter(folder / "events.jsonl", state=folder / "db") as exporter:
            yield exporter.port


@pytest.fixture(scope="module")
def hasty(upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A proxy with short limits in front of the provider `a`."""
    config = process.config([process.provider("a", upstream_server.provider("a").base_url)])
    folder = tmp_path_factory.mktemp("hasty")
    with serving(folder, config, env={"PYTHONPATH": TESTS}, program=SHORT_LIMITS) as started:
        yield started
        assert started.command.stop() == 0
        assert "Traceback" not in started.command.stderr
