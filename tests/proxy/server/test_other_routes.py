"""Paths that are not served say what to use instead, in the shape of their API; models are found by name."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import anthropic
import openai
import pytest

from coderouter_proxy.server.unsupported import UNSUPPORTED
from support.proxy import client as http
from support.proxy import process
from support.proxy.process import HELLO, Proxy, serving
from support.proxy.sdks import anthropic_sdk, openai_sdk

ANTHROPIC = {"anthropic-version": "2023-06-01"}
KEY = {"Authorization": "Bearer good"}
FORM = {"Content-Type": "multipart/form-data; boundary=x"}
REQUESTS: dict[str, dict[str, object]] = {
    "/v1/chat/completions": {"messages": HELLO},
    "/v1/responses": {"input": "Hi."},
    "/v1/responses/input_tokens": {"input": "Hi."},
    "/v1/messages": {"messages": HELLO, "max_tokens": 9},
    "/v1/messages/count_tokens": {"messages": HELLO},
}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    config = process.config([{"name": "echo", "kind": "echo"}], server={"api_keys_env": "CLIENT_KEYS"})
    with serving(tmp_path_factory.mktemp("locked"), config, env={"CLIENT_KEYS": "good"}) as started:
        yield started


def ask(proxy: Proxy, method: str, path: str, **headers: str) -> http.Response:
    return http.request(proxy.port, method, path, headers={**KEY, **headers})


@pytest.mark.parametrize(
    ("method", "path", "instead"),
    [
        ("POST", "/v1/completions", "POST /v1/chat/completions"),
        ("POST", "/v1/embeddings", "a server that has such a model"),
        ("GET", "/v1/batches/batch_1", "one by one"),
        ("GET", "/v1/files", "send their content"),
        ("GET", "/v1/files/file_1/content", "send their content"),
        ("POST", "/v1/moderations", "the API of the vendor"),
        ("POST", "/v1/images/generations", "the API of the vendor"),
        ("POST", "/v1/responses/compact", "POST /v1/responses"),
        ("GET", "/v1/responses", "POST /v1/responses"),
        ("POST", "/v1/conversations", "previous_response_id"),
        ("GET", "/v1/chat/completions/chatcmpl-1", "not stored"),
        ("POST", "/v1/v1/chat/completions", "/v1 twice"),
        ("POST", "/chat/completions", "begins with /v1"),
    ],
)
def test_what_is_not_served_says_what_to_use_instead(
    method: str, path: str, instead: str, locked: Proxy
) -> None:
    refused = ask(locked, method, path)
    error = refused.json["error"]
    assert (refused.status, error["code"]) == (404, "unsupported_endpoint")
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["message"].startswith(f"{method} {path} is not supported. ")
    assert instead in error["message"]
    assert refused.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/v1/messages/batches", "/v1/files", "/v1/complete"])
def test_clients_of_messages_read_it_in_their_shape(path: str, locked: Proxy) -> None:
    refused = ask(locked, "POST", path, **ANTHROPIC)
    assert (refused.status, refused.json["type"]) == (404, "error")
    assert refused.json["error"]["type"] == "not_found_error"
    assert "is not supported" in refused.json["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1beta/models/gemini-3-flash:streamGenerateContent"),
        ("POST", "/v1/models/gemini-3-flash:generateContent"),
        ("GET", "/v1beta/models"),
    ],
)
def test_clients_of_gemini_read_it_in_their_shape(method: str, path: str, locked: Proxy) -> None:
    refused = ask(locked, method, path)
    assert refused.status == 404
    error = refused.json["error"]
    assert (error["code"], error["status"]) == (404, "NOT_FOUND")
    assert "Gemini's API is not served" in error["message"]
    without_key = http.request(locked.port, method, path)
    assert (without_key.status, without_key.json["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_clients_of_ollama_read_it_in_their_shape(locked: Proxy) -> None:
    refused = ask(locked, "POST", "/api/chat")
    assert (refused.status, refused.json.keys()) == (404, {"error"})
    assert "Ollama's API is not served" in refused.json["error"]


def test_every_path_is_checked_for_keys_and_host(locked: Proxy) -> None:
    tried = [
        (method, path.replace("{rest:path}", "/x").replace("{model}:{method}", "m:generateContent"))
        for row in UNSUPPORTED
        for path in row.paths
        for method in row.methods
    ]
    response = "/v1/responses/resp_1"
    tried += [("GET", response), ("DELETE", response), ("POST", f"{response}/cancel")]
    tried += [("GET", f"{response}/input_items"), ("GET", "/v1/models"), ("GET", "/v1/models/echo")]
    for method, path in tried:
        assert http.request(locked.port, method, path).status == 401, (method, path)
        forbidden = 400 if path.startswith("/v1/responses") else 403  # codex sends anything but a 400 again
        assert ask(locked, method, path, Host="evil.example").status == forbidden, (method, path)
        status = 200 if path in ("/v1/models", "/v1/models/echo") else 404
        assert ask(locked, method, path, **FORM).status == status, (method, path)


def test_a_path_that_is_served_is_not_in_the_table(locked: Proxy) -> None:
    for path, body in REQUESTS.items():
        raw = json.dumps({"model": "m", **body}).encode()
        assert locked.post(raw, KEY, path).rest().status == 200, path


@pytest.mark.parametrize("path", REQUESTS)
@pytest.mark.parametrize("encoding", ["gzip", "zstd", "deflate", "br", "GZIP, identity"])
def test_a_compressed_body_is_refused_with_a_sentence(encoding: str, path: str, locked: Proxy) -> None:
    raw = json.dumps({"model": "m", **REQUESTS[path]}).encode()
    body = gzip.compress(raw) if "gzip" in encoding.lower() else zlib.compress(raw)
    refused = locked.post(body, {**KEY, "Content-Encoding": encoding}, path).rest()
    assert refused.status == 415
    message = refused.json["error"]["message"]
    assert message == f"Content-Encoding is {encoding}; send the body without compression"
    assert locked.post(raw, {**KEY, "Content-Encoding": "identity"}, path).rest().status == 200


def test_a_large_compressed_body_is_refused_before_it_is_read(locked: Proxy) -> None:
    refused = locked.post(b"x" * 20_000_000, {**KEY, "Content-Encoding": "zstd"}).rest()
    assert refused.status == 415


def test_a_model_is_found_by_its_name(tmp_path: Path) -> None:
    providers: list[dict[str, object]] = [{"name": name, "kind": "echo"} for name in ("echo", "ü/x:free")]
    with serving(
        tmp_path, process.config(providers, {"coding": ["echo"]}, default_profile="coding")
    ) as started:
        with openai_sdk(started) as sdk:
            listed = list(sdk.models.list())
            assert [sdk.models.retrieve(model.id) for model in listed] == listed
            assert {model.id for model in listed} == {"coding", "echo", "ü/x:free"}
            with pytest.raises(openai.NotFoundError, match="The model 'gpt-9' does not exist") as missing:
                sdk.models.retrieve("gpt-9")
            assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
        with anthropic_sdk(started) as theirs:
            models = list(theirs.models.list())
            assert [theirs.models.retrieve(model.id) for model in models] == models
            with pytest.raises(anthropic.NotFoundError, match="The model 'claude-9' does not exist"):
                theirs.models.retrieve("claude-9")
