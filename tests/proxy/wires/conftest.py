"""One proxy in front of a provider of each wire, so that every rule is tested on all of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

from proxy.conftest import A_KEY, B_KEY, serving_soundly
from support.proxy import anthropic_answers, openai_answers, process, responses_answers
from support.proxy.client_view import AnthropicClient, Client, OpenAIClient
from support.proxy.process import Proxy
from support.proxy.responses_view import ResponsesClient
from support.proxy.upstream import Provider, Script, Step, Upstream

KINDS = {
    "openai": ("o", "openai_compat", "o-model"),
    "anthropic": ("n", "anthropic", "claude-n"),
    "responses": ("r", "openai_responses", "r-model"),
}
THOUGHTFUL = {"thinking": True, "reasoning_passthrough": True}
VARIANTS: dict[str, dict[str, object]] = {
    "": {},
    "quiet-": {"idle_timeout_s": 0.3},
    "brief-": {"total_timeout_s": 0.3},
    "hasty-": {"timeout_s": 0.3},
    "plain-": {"capabilities": {}},
    "styled-": {"extra_body": {"top_k": 5}, "append_system_prompt": "Answer in French."},
    "filtered-": {"output_filters": ["strip_thinking"]},
}


def config(upstream: Upstream) -> dict[str, object]:
    """Return a providers.yaml with each kind of provider in each variant, and a profile of that name for each."""
    providers: list[dict[str, object]] = []
    profiles = {"both-openai": ["openai", "anthropic"], "both-anthropic": ["anthropic", "openai"]}
    profiles["both-responses"] = ["responses", "openai"]
    for kind, (path, wire, model) in KINDS.items():
        for variant, fields in VARIANTS.items():
            name = variant + kind
            usual = {"kind": wire, "model": model, "api_key_env": f"{path.upper()}_KEY"}
            url = upstream.provider(path).base_url
            providers.append(process.provider(name, url, **{**usual, "capabilities": THOUGHTFUL, **fields}))
            profiles[name] = [name]
    chains = {kind: [kind] for kind in KINDS} | profiles
    return process.config(providers, chains, default_profile="openai", server={"body_mib_max": 40})


class Says(Protocol):
    """Answers on one wire; `openai_answers` in `support.proxy` and its like are."""

    def answer(self, words: str = ..., /, **more: Any) -> Script: ...
    def calling(self, *calls: tuple[str, str, dict[str, Any]]) -> Script: ...
    def thoughtful(self, thought: str, words: str) -> Script: ...
    def streamed(self, *texts: str | Step) -> Script: ...
    def streamed_calling(self, *calls: tuple[str, str, dict[str, Any]]) -> Script: ...
    def streamed_thoughtful(self, thought: str, words: str) -> Script: ...
    def error(self, words: str, status: int, headers: dict[str, str] | None = None, /) -> Script: ...
    def error_event(self, words: str) -> bytes: ...


@dataclass(frozen=True)
class Side:
    """A provider of one wire; a profile of the same name has only this provider."""

    name: str
    provider: Provider
    says: Says

    @property
    def header(self) -> dict[str, str]:
        return self.profile("")

    def profile(self, prefix: str) -> dict[str, str]:
        return {"X-CodeRouter-Profile": prefix + self.name}


@pytest.fixture(
    params=[OpenAIClient(), AnthropicClient(), ResponsesClient()],
    ids=["openai client", "anthropic client", "responses client"],
)
def client(request: pytest.FixtureRequest) -> Client:
    """A client of each wire in turn."""
    chosen: Client = request.param
    return chosen


@pytest.fixture(scope="session")
def running_wires(upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("wires")
    keys = {"O_KEY": A_KEY, "N_KEY": B_KEY, "R_KEY": B_KEY}
    with serving_soundly(folder, config(upstream_server), env=keys) as started:
        yield started


@pytest.fixture
def wires(running_wires: Proxy, upstream_server: Upstream) -> Proxy:
    """The proxy; its upstream has no scripts or requests of earlier tests."""
    upstream_server.forget()
    return running_wires


@pytest.fixture
def o(upstream_server: Upstream) -> Side:
    return Side("openai", upstream_server.provider("o"), openai_answers)


@pytest.fixture
def n(upstream_server: Upstream) -> Side:
    return Side("anthropic", upstream_server.provider("n"), anthropic_answers)


@pytest.fixture
def r(upstream_server: Upstream) -> Side:
    return Side("responses", upstream_server.provider("r"), responses_answers)


@pytest.fixture(params=["openai", "anthropic"])
def side(request: pytest.FixtureRequest, o: Side, n: Side) -> Side:
    """Each of the two in turn."""
    return o if request.param == "openai" else n


@pytest.fixture(params=["openai", "anthropic", "responses"])
def each_side(request: pytest.FixtureRequest, o: Side, n: Side, r: Side) -> Side:
    """Each of the three in turn."""
    return {each.name: each for each in (o, n, r)}[request.param]
