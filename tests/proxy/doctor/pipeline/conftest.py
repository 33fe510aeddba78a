"""One healthy proxy and exporter for all pipeline tests."""

import os
from collections.abc import Iterator

import pytest

from support.exporter.process import running_exporter
from support.processes import clean_environment, eventually
from support.proxy import process
from support.proxy.pipeline import ECHO, KEY, MODELS, Pipeline
from support.proxy.upstream import Provider, Upstream


@pytest.fixture(scope="package")
def pipeline(upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    folder = tmp_path_factory.mktemp("pipeline")
    providers: list[dict[str, object]] = [
        process.provider("a", upstream_server.provider("a").base_url, api_key_env="A_KEY"),
        ECHO,
        process.provider("dear", "https://cloud.example/v1", paid=True),
    ]
    with (
        process.serving(folder, process.config(providers), env={"A_KEY": KEY}) as proxy,
        running_exporter(proxy.events_path, state=folder / "exporter.db") as exporter,
    ):
        eventually(exporter.is_ready)
        yield Pipeline(folder, proxy, exporter)


@pytest.fixture(autouse=True)
def _environment(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ.keys() - clean_environment().keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(pipeline.folder))
    monkeypatch.setenv("A_KEY", KEY)
    monkeypatch.chdir(pipeline.folder)


@pytest.fixture(autouse=True)
def _models(upstream_server: Upstream, a: Provider) -> None:
    upstream_server.forget()
    a.plays(always=MODELS)
