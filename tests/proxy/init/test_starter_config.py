"""The starter providers.yaml is valid, whatever was found and whatever its models are called."""

from itertools import combinations

import pytest

from coderouter_proxy.config import load
from coderouter_proxy.init import clouds, models, starter_config
from coderouter_proxy.init.local_servers import OLLAMA, SERVERS, Server, ServerScan
from coderouter_proxy.init.models import Model

SUBSETS = [some for size in range(len(SERVERS) + 1) for some in combinations(SERVERS, size)]


@pytest.mark.parametrize(
    "servers", SUBSETS, ids=lambda some: "+".join(server.name for server in some) or "none"
)
def test_every_combination_of_servers_and_keys_loads_without_errors(
    servers: tuple[Server, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALLOW_PAID", raising=False)
    local = [
        starter_config.local_entry(ServerScan(server, [Model("some-coder:7b"), Model("other")]))
        for server in servers
    ]
    keys = [(), *((cloud,) for cloud in clouds.CLOUDS), clouds.CLOUDS]
    for number, some in enumerate(keys):
        entries = [*local, *map(starter_config.cloud_entry, some)] or starter_config.placeholder_entries(
            OLLAMA
        )
        allow_paid = bool(number % 2)
        config = load.parse(starter_config.render(entries, allow_paid=allow_paid), "written")
        names = [entry.name for entry in entries]
        assert [provider.name for provider in config.providers] == names
        assert config.profiles[0].names == names
        assert [provider.paid for provider in config.providers] == [entry.paid for entry in entries]
        assert [provider.model for provider in config.providers] == [entry.model for entry in entries]
        assert config.allow_paid == allow_paid
        assert list(config.unknown_providers()) == []


@pytest.mark.parametrize(
    "name",
    [
        *("yes", "1.5", "0x10", "null", "~", "2026-11-24", "a: b", "a #b", "# a", "- a", "{a}", "'a'", '"a'),
        *("&a", "*a", "!a", "%a", "@a", "ä", "\\n", "C:\\models\\a b.gguf", "a" * 300),
        "hf.co/bartowski/Qwen2.5-Coder-14B-Instruct-GGUF:Q4_K_M",
    ],
)
def test_a_model_may_have_any_name(name: str) -> None:
    scan = ServerScan(
        SERVERS[0], [model for entry in ({"id": name}, {"id": f"x {name}"}) if (model := models.read(entry))]
    )
    config = load.parse(
        starter_config.render([starter_config.local_entry(scan)], allow_paid=False), "written"
    )
    assert config.providers[0].model == models.best_first(scan.models)[0].name
