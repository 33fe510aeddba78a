"""Embeddings and rerank pass through the providers of a chain that serve them, with the events of any request."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai import OpenAI

from coderouter_proxy.config import load
from coderouter_proxy.config.validation import ConfigErrors
from proxy.conftest import serving_soundly
from support.proxy import process
from support.proxy.client import Response
from support.proxy.process import Proxy
from support.proxy.upstream import CUT, Provider, Upstream, whole
from support.run_command import coderouter

VECTORS = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -1e-9]}],
    "model": "served",
    "usage": {"prompt_tokens": 1000, "total_tokens": 1000},
}
RANKED = {
    "model": "served",
    "results": [{"index": 1, "relevance_score": 0.9}],
    "usage": {"total_tokens": 500},
}
COHERE = {
    "id": "1",
    "results": [],
    "meta": {"billed_units": {"search_units": 1}, "tokens": {"input_tokens": 7}},
}
PRICES = {"input_per_mtok": 2, "output_per_mtok": 5}


@pytest.fixture(autouse=True)
def _fresh(upstream_server: Upstream) -> None:
    upstream_server.forget()


@pytest.fixture(scope="module")
def served(upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    urls = {name: upstream_server.provider(name).base_url for name in "abc"}
    providers = [
        process.provider("chat", urls["a"]),
        process.provider("e1", urls["b"], embeddings=True, extra_body={"dimensions": 8}, cost=PRICES),
        process.provider("e2", urls["c"], embeddings=True, rerank=False, model=""),
        process.provider("ranks", urls["a"], rerank=True),
        process.provider("paid", urls["a"], embeddings=True, paid=True),
    ]
    chains = {"default": ["chat", "paid", "e1", "e2", "ranks"], "talk": ["chat"], "paid": ["paid"]}
    with serving_soundly(tmp_path_factory.mktemp("passed_on"), process.config(providers, chains)) as started:
        yield started


def embed(served: Proxy, **body: object) -> Response:
    return served.post(
        json.dumps({"model": "any", "input": "Hi", **body}).encode(), path="/v1/embeddings"
    ).rest()


def rerank(served: Proxy, path: str = "/v1/rerank", **body: Any) -> Response:
    fields = {"model": "any", "query": "q", "documents": ["a", {"text": "b"}], **body}
    return served.post(json.dumps(fields).encode(), path=path).rest()


def tried(served: Proxy, request_id: str) -> list[str]:
    return [each["provider"] for each in served.story(request_id) if each["msg"] == "try-provider"]


def test_the_body_and_the_answer_pass_as_they_are(served: Proxy, b: Provider) -> None:
    raw = json.dumps(VECTORS, indent=1).encode()
    b.plays(whole(raw))
    answer = embed(served, input=[[1, 2], [3]], encoding_format="float", user="u")
    finished = served.finished(answer.request_id)
    assert (answer.status, answer.body) == (200, raw)
    assert (b.request.path, b.request.json) == (
        "/b/v1/embeddings",
        {
            "model": "e1-model",
            "input": [[1, 2], [3]],
            "encoding_format": "float",
            "user": "u",
            "dimensions": 8,
        },
    )
    assert answer.headers["x-coderouter-provider"] == "e1"
    assert tried(served, answer.request_id) == ["e1"]
    assert [each["msg"] for each in served.story(answer.request_id)] == [
        *("skip-paid-provider", "try-provider", "provider-ok", "request-finished")
    ]
    fields = ("ingress", "outcome", "provider", "input_tokens", "output_tokens", "cost_usd", "stream")
    assert [finished[name] for name in fields] == ["embeddings", "ok", "e1", 1000, 0, 0.002, False]


def test_the_next_provider_follows_a_failure_and_may_get_the_clients_model(
    served: Proxy, b: Provider, c: Provider
) -> None:
    b.plays((CUT,))
    c.plays(whole(VECTORS))
    answer = embed(served)
    assert (answer.status, tried(served, answer.request_id)) == (200, ["e1", "e2"])
    assert c.request.json == {"model": "any", "input": "Hi"}


@pytest.mark.parametrize(
    "body", [b"[]", b"", b"{", json.dumps({"error": {"message": "no such model"}}).encode()]
)
def test_an_answer_that_is_none_fails_over(body: bytes, served: Proxy, b: Provider, c: Provider) -> None:
    b.plays(whole(body))
    c.plays(whole(VECTORS))
    answer = embed(served)
    assert (answer.status, served.finished(answer.request_id)["provider"]) == (200, "e2")


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank"])
@pytest.mark.parametrize(("ranked", "tokens"), [(RANKED, 500), (COHERE, 7), ({"results": []}, None)])
def test_rerank_goes_to_providers_that_serve_it(
    path: str, ranked: dict[str, Any], tokens: int | None, served: Proxy, a: Provider, b: Provider
) -> None:
    b.plays(whole({"error": {"message": "This server does not support reranking", "code": 501}}, status=501))
    a.plays(whole(ranked))
    answer = rerank(served, path, top_n=1)
    finished = served.finished(answer.request_id)
    assert (answer.json, tried(served, answer.request_id)) == (ranked, ["e1", "ranks"])
    assert (a.request.path, a.request.json["model"]) == ("/a/v1/rerank", "ranks-model")
    assert (finished["ingress"], finished["input_tokens"]) == ("rerank", tokens)


def test_a_refusal_reaches_the_client(served: Proxy, b: Provider, c: Provider) -> None:
    refusal = whole(
        {"error": {"message": "input is not a string", "type": "invalid_request_error"}}, status=400
    )
    b.plays(refusal)
    c.plays(refusal)
    answer = embed(served)
    assert (answer.status, answer.json["error"]["message"]) == (400, "input is not a string")


def test_a_profile_is_chosen_as_for_any_request(served: Proxy, c: Provider) -> None:
    c.plays(whole(VECTORS))
    assert served.finished(embed(served, model="e2").request_id)["provider"] == "e2"
    assert c.request.json["model"] == "e2"
    refused = embed(served, profile="talk")
    assert (refused.status, refused.json["error"]["code"]) == (404, "unsupported_endpoint")
    assert "serves /v1/embeddings" in refused.json["error"]["message"]
    assert embed(served, profile="paid").status == 503


@pytest.mark.parametrize("field", ["input", "query", "documents"])
@pytest.mark.parametrize("value", [None, "", []])
def test_what_is_missing_is_named(field: str, value: object, served: Proxy) -> None:
    given: dict[str, Any] = {field: value}
    refused = embed(served, **given) if field == "input" else rerank(served, **given)
    assert (refused.status, refused.json["error"]["param"]) == (400, field)


def test_the_sdk_reads_the_vectors(served: Proxy, b: Provider) -> None:
    b.plays(whole(VECTORS))
    with OpenAI(base_url=served.url, api_key="none", max_retries=0) as client:
        found = client.embeddings.create(model="any", input=["Hi"], encoding_format="float")
    assert found.data[0].embedding == [0.25, -1e-9]


def test_explain_route_says_who_does_not_serve_it(served: Proxy) -> None:
    folder = served.events_path.parent
    explained = json.loads(coderouter(folder, "explain-route", "--wire", "embeddings", "--json").stdout)
    assert [(each["provider"], each["tried"]) for each in explained["providers"]] == [
        *(("paid", False), ("e1", True), ("e2", True), ("chat", False), ("ranks", False))
    ]
    assert explained["providers"][-1]["remarks"] == ["left out: it does not serve such requests"]


@pytest.mark.parametrize(("kind", "field"), [("anthropic", "embeddings"), ("echo", "rerank")])
def test_kinds_without_such_an_api_cannot_serve_it(kind: str, field: str) -> None:
    text = json.dumps(process.config([process.provider("p", "http://h/v1", kind=kind, **{field: True})]))
    with pytest.raises(ConfigErrors, match=f"{field}: .*needs an API like OpenAI's"):
        load.parse(text, "providers.yaml")
