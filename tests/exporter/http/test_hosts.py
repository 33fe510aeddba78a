"""No web page reads what the exporter serves by pointing its own name at this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.exporter.process import Exporter, running_exporter

PATHS = [
    "/",
    "/metrics",
    "/metrics.json",
    "/dashboard",
    "/-/healthy",
    "/-/ready",
    "/api/v1/status",
    "/no-such-page",
]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    folder = tmp_path_factory.mktemp("hosts")
    allowed = {"CR_EXPORTER_WEB_ALLOWED_HOSTS": "Devbox.example other.example"}
    with running_exporter(folder / "events.jsonl", state=folder / "exporter.db", **allowed) as exporter:
        yield exporter


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example", ""])
def test_another_name_is_refused_on_every_path(exporter: Exporter, host: str, path: str) -> None:
    response, body = exporter.get(path, host=host.format(port=exporter.port))
    assert response.status == 403
    assert b"--web.allowed-hosts" in body


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:{port}", "127.0.0.1", "[::1]:{port}", "devbox.EXAMPLE:80", "other.example"],
)
def test_names_of_this_machine_and_allowed_ones_are_accepted(exporter: Exporter, host: str) -> None:
    assert exporter.get("/metrics.json", host=host.format(port=exporter.port))[0].status == 200


def test_a_long_name_is_not_repeated_in_full(exporter: Exporter) -> None:
    response, body = exporter.get("/metrics", host="x" * 5000)
    assert (response.status, len(body) < 300) == (403, True)


def test_a_server_that_others_can_reach_accepts_any_name(tmp_path: Path) -> None:
    with running_exporter(
        tmp_path / "events.jsonl", state=tmp_path / "exporter.db", listen="0.0.0.0:0"
    ) as exporter:
        assert exporter.get("/metrics", host="coderouter.example")[0].status == 200
