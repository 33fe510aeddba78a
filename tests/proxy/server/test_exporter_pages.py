"""What CodeRouter 2.x served on the proxy's port is a redirect to the exporter, or says where it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from coderouter_proxy.server.exporter_pages import PATHS
from support.proxy import client, process
from support.proxy.process import Proxy, serving

ECHO: list[dict[str, object]] = [{"name": "echo", "kind": "echo"}]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    config = process.config(ECHO, server={"exporter_url": "http://metrics.example:9847/router/"})
    with serving(tmp_path_factory.mktemp("known"), config) as started:
        yield started


@pytest.mark.parametrize("path", PATHS)
def test_a_request_is_redirected_to_the_exporter_that_is_configured(path: str, known: Proxy) -> None:
    answer = known.get(f"{path}?hours=6")
    assert (answer.status, answer.headers["location"]) == (
        307,
        f"http://metrics.example:9847/router{path}?hours=6",
    )


@pytest.mark.parametrize("path", PATHS)
def test_without_an_address_it_says_who_serves_it(path: str, tmp_path: Path) -> None:
    with serving(tmp_path, process.config(ECHO)) as proxy:
        answer = proxy.get(path)
    assert answer.status == 404
    assert f"{path} is served by cr-exporter; start both with `coderouter run`" in answer.body.decode()


@pytest.mark.parametrize(("address", "name"), [("0.0.0.0:9847", "localhost"), ("[::]:9847", "127.0.0.1")])
def test_an_exporter_on_every_address_is_reached_by_the_name_of_the_proxy(
    address: str, name: str, tmp_path: Path
) -> None:
    env = {"CODEROUTER_EXPORTER_URL": f"http://{address}"}
    with serving(tmp_path, process.config(ECHO), env=env) as proxy:
        answer = client.request(proxy.port, "GET", "/metrics", headers={"Host": f"{name}:{proxy.port}"})
    assert (answer.status, answer.headers["location"]) == (307, f"http://{name}:9847/metrics")
