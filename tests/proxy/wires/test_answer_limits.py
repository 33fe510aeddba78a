"""Messages requires a limit for each answer: what providers get for clients that set none."""

from collections.abc import Iterator

import pytest

from support.proxy import anthropic_answers as says
from support.proxy import process
from support.proxy.process import Proxy
from support.proxy.upstream import Provider, Upstream

PROVIDERS: dict[str, dict[str, object]] = {
    "known": {"model": "claude-opus-4-5"},
    "unknown": {"model": "local"},
    "declared": {"model": "claude-opus-4-5", "max_output_tokens": 50},
    "default": {"model": "claude-opus-4-5", "extra_body": {"max_tokens": 500}},
    "set": {"model": "local", "extra_body": {"max_tokens": 500}, "set_params": {"max_tokens": 7}},
}
UNLIMITED = {"known": 64_000, "unknown": 32_000, "declared": 50, "default": 500, "set": 7}
LIMITED = {"known": 900, "unknown": 900, "declared": 50, "default": 900, "set": 7}


@pytest.fixture(scope="module")
def running(upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    url = upstream_server.provider("n").base_url
    providers = [
        process.provider(name, url, kind="anthropic", **fields) for name, fields in PROVIDERS.items()
    ]
    config = process.config(providers, {name: [name] for name in PROVIDERS}, default_profile="known")
    with process.serving(tmp_path_factory.mktemp("limits"), config) as started:
        yield started


@pytest.fixture
def n(running: Proxy, upstream_server: Upstream) -> Provider:
    upstream_server.forget()
    provider = upstream_server.provider("n")
    provider.plays(always=says.answer())
    return provider


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_client_that_sets_no_limit_gets_that_of_the_operator_or_the_model(
    name: str, running: Proxy, n: Provider
) -> None:
    profile = {"X-CodeRouter-Profile": name}
    for ask in (running.chat, running.responses):
        assert ask(profile).rest().status == 200
        assert n.request.json["max_tokens"] == UNLIMITED[name]


@pytest.mark.parametrize("name", PROVIDERS)
def test_the_limit_of_a_client_counts_within_that_of_the_model(
    name: str, running: Proxy, n: Provider
) -> None:
    profile = {"X-CodeRouter-Profile": name}
    for asked in (
        running.chat(profile, max_tokens=900),
        running.responses(profile, max_output_tokens=900),
    ):
        assert asked.rest().status == 200
        assert n.request.json["max_tokens"] == LIMITED[name]
