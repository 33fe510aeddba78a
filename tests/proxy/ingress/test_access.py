"""Only clients with a key may use the proxy, and no web page in a browser on this machine."""

import hmac
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import anthropic
import openai
import pytest

from coderouter_proxy.config.schema import Server
from coderouter_proxy.errors import HttpError
from coderouter_proxy.routing.access import Access
from proxy.conftest import assert_sound
from support.proxy import client, process
from support.proxy.process import HELLO, Proxy, failed_start, serving, write_config
from support.proxy.sdks import ANTHROPIC_HELLO, OPENAI_HELLO, anthropic_sdk, openai_sdk

KEYS = ("first-secret-key", "second-secret-key")
BODY = json.dumps({"model": "m", "max_tokens": 9, "messages": HELLO}).encode()
JSON = {"Content-Type": "application/json"}
ENDPOINTS = ["/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens"]


def config(**server: object) -> dict[str, object]:
    return process.config([{"name": "echo", "kind": "echo"}], server=server)


@pytest.fixture(scope="module")
def running_locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    env = {"CLIENT_KEYS": f"{KEYS[0]}, {KEYS[1]}\n"}
    text = config(api_keys_env="CLIENT_KEYS", allowed_hosts=["Devbox.example"])
    with serving(tmp_path_factory.mktemp("access"), text, env=env) as started:
        yield started
        assert started.command.stop() == 0
        stderr = started.command.stderr
    assert_sound(started.events_path)
    for key in (*KEYS, "wrong-secret-key"):
        assert key not in stderr + started.events_path.read_text()


@pytest.fixture
def locked(running_locked: Proxy) -> Proxy:
    return running_locked


def post(proxy: Proxy, path: str, headers: dict[str, str], body: bytes = BODY) -> client.Response:
    return client.request(proxy.port, "POST", path, body, headers)


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "header",
    [
        {"x-api-key": KEYS[0]},
        {"Authorization": f"Bearer {KEYS[0]}"},
        {"Authorization": f"bearer  {KEYS[1]} "},
        {"x-api-key": KEYS[1], "Authorization": "Bearer another"},
        {"x-api-key": "another", "Authorization": f"Bearer {KEYS[1]}"},
    ],
)
def test_each_key_is_accepted_in_either_header(path: str, header: dict[str, str], locked: Proxy) -> None:
    assert post(locked, path, {**JSON, **header}).status == 200


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "header",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": "wrong-secret-key"},
        {"x-api-key": KEYS[0] + "x"},
        {"x-api-key": KEYS[0][:-1]},
        {"x-api-key": f"{KEYS[0]}, {KEYS[1]}"},
        {"Authorization": f"Basic {KEYS[0]}"},
        {"Authorization": KEYS[0]},
        {"Authorization": "Bearer "},
        {"Cookie": f"x-api-key={KEYS[0]}"},
    ],
)
def test_anything_else_gets_a_401_in_the_shape_of_the_wire(
    path: str, header: dict[str, str], locked: Proxy
) -> None:
    response = post(locked, path, {**JSON, **header})
    message = "no valid API key; send it as x-api-key or Authorization: Bearer"
    assert response.status == 401
    assert (response.json["error"]["type"], response.json["error"]["message"]) == (
        "authentication_error",
        message,
    )
    if path.startswith("/v1/messages"):
        assert (response.json["type"], response.json["request_id"]) == ("error", response.request_id)
    else:
        assert response.json["error"]["code"] == "invalid_api_key"


def test_both_sdks_send_their_key_and_raise_on_a_401(locked: Proxy) -> None:
    with openai_sdk(locked, key=KEYS[0]) as sdk:
        sdk.chat.completions.create(model="m", messages=OPENAI_HELLO)
        assert sdk.models.list().data
    with anthropic_sdk(locked, key=KEYS[1]) as other:
        other.messages.create(model="m", max_tokens=9, messages=ANTHROPIC_HELLO)
    with openai_sdk(locked, key="wrong") as sdk, pytest.raises(openai.AuthenticationError):
        sdk.models.list()
    with anthropic_sdk(locked, key="wrong") as other, pytest.raises(anthropic.AuthenticationError):
        other.messages.create(model="m", max_tokens=9, messages=ANTHROPIC_HELLO)


def test_a_rejected_request_is_a_client_error_in_the_events(locked: Proxy) -> None:
    finished = locked.finished(post(locked, ENDPOINTS[0], JSON).request_id)
    assert (finished["outcome"], finished["status"], finished["attempts"]) == ("client_error", 401, 0)


def test_health_needs_no_key_and_the_list_of_models_does(locked: Proxy) -> None:
    assert locked.get("/healthz").status == 200
    assert locked.get("/v1/models").status == 401
    assert locked.get("/v1/models", {"x-api-key": KEYS[0]}).status == 200


@pytest.mark.parametrize("given", [b"first-secret-kez", b"x", b"", b"x" * 10_000, KEYS[0].encode()])
def test_every_key_is_compared_in_full(given: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIENT_KEYS", " ".join(KEYS))
    access = Access(Server(api_keys_env="CLIENT_KEYS"), "127.0.0.1")
    compared: list[tuple[int, int]] = []
    compare = hmac.compare_digest

    def watched(left: bytes, right: bytes) -> bool:
        compared.append((len(left), len(right)))
        return compare(left, right)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    headers = {b"host": b"localhost", b"content-type": b"application/json", b"x-api-key": given}
    if given == KEYS[0].encode():
        access.check("POST", headers)
    else:
        with pytest.raises(HttpError):
            access.check("POST", headers)
    assert compared == [(32, 32)] * 4, "two headers with two keys each, as digests of one length"


@pytest.mark.slow
@pytest.mark.parametrize("value", [None, " , \n"])
def test_a_variable_without_keys_fails_the_start(value: str | None, tmp_path: Path) -> None:
    write_config(tmp_path, config(api_keys_env="CLIENT_KEYS"))
    env = {} if value is None else {"CLIENT_KEYS": value}
    assert failed_start(tmp_path, **env) == (
        "coderouter: server.api_keys_env: the variable CLIENT_KEYS is empty or not set; put the accepted keys in it\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("host", ["0.0.0.0", "example.com"])
def test_listening_on_other_addresses_without_keys_fails_the_start(host: str, tmp_path: Path) -> None:
    write_config(tmp_path, config())
    assert failed_start(tmp_path, "--host", host) == (
        f"coderouter: --host {host} lets others use this proxy and its keys; set server.api_keys_env, listen on "
        "127.0.0.1, or pass --insecure\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("insecure", [True, False])
def test_listening_on_other_addresses_requires_keys_or_insecure(insecure: bool, tmp_path: Path) -> None:
    text = config() if insecure else config(api_keys_env="CLIENT_KEYS")
    options = ("--host", "0.0.0.0", *(["--insecure"] if insecure else []))
    with serving(tmp_path, text, *options, env={"CLIENT_KEYS": KEYS[0]}) as served:
        response = post(served, ENDPOINTS[0], {**JSON, "Host": "any.example", "x-api-key": KEYS[0]})
        assert response.status == 200
        assert post(served, ENDPOINTS[0], JSON).status == (200 if insecure else 401)


OWN_HOSTS = ["localhost", "LOCALHOST:{port}", "127.0.0.1", "127.0.0.1:{port}", "[::1]", "[::1]:{port}", "localhost:",
             "[0:0:0:0:0:0:0:1]:{port}"]  # fmt: skip
FOREIGN_HOSTS = ["evil.example", "evil.example:{port}", "localhost.evil.example", "127.0.0.1.evil.example:{port}",
                 "169.254.169.254", "[::2]:{port}", "", "devbox.example", "[::1].evil", "[::1].evil:{port}",
                 "127.0.0.1:80@evil", "localhost@evil.example", "localhost:{port}x", "localhost:99999", "[::1",
                 "::1", "localhost/", "localhost, evil.example", "local%68ost"]  # fmt: skip


@pytest.mark.parametrize("host", OWN_HOSTS)
def test_names_of_this_machine_are_allowed(host: str, served: Proxy) -> None:
    headers = {**JSON, "Host": host.format(port=served.port)}
    assert client.request(served.port, "GET", "/v1/models", headers=headers).status == 200


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
@pytest.mark.parametrize("path", ENDPOINTS)
def test_another_host_name_is_rejected(host: str, path: str, served: Proxy) -> None:
    named = host.format(port=served.port)
    response = post(served, path, {**JSON, "Host": named})
    assert response.status == 403
    assert response.json["error"]["type"] == "permission_error"
    assert response.json["error"]["message"] == (
        f"Host {named!r} is not allowed; use http://127.0.0.1, or name it in server.allowed_hosts"
    )
    models = client.request(served.port, "GET", "/v1/models", headers={"Host": named})
    assert models.status == 403


@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/models", "/v1/models/", "/nothing/", "/api", "/v1"])
def test_another_host_name_is_rejected_before_anything_else(path: str, served: Proxy) -> None:
    for method in ("GET", "PUT"):
        response = client.request(served.port, method, path, headers={"Host": "evil.example"})
        assert (response.status, response.headers.get("location")) == (403, None)


@pytest.mark.parametrize("path", [*ENDPOINTS, "/v1/responses"])
def test_a_trailing_slash_is_answered_and_not_redirected(path: str, served: Proxy) -> None:
    body = json.dumps({"model": "m", "max_tokens": 9, "input": "Hi.", "messages": HELLO, "profile": "echo"})
    assert post(served, f"{path}/", JSON, body.encode()).status == 200
    for read, status in (("/v1/models/", 200), ("/healthz/", 200), ("//", 200), ("/nothing/", 404)):
        response = served.get(read)
        assert (response.status, response.headers.get("location")) == (status, None)


def test_an_allowed_host_name_is_accepted(locked: Proxy) -> None:
    for host in ("devbox.example", f"DEVBOX.example:{locked.port}"):
        assert post(locked, ENDPOINTS[0], {**JSON, "Host": host, "x-api-key": KEYS[0]}).status == 200


@pytest.mark.slow
def test_the_ipv6_loopback_is_guarded_too(tmp_path: Path) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with serving(tmp_path, config(), "--host", "::1") as served:
        for host, status in ((f"[::1]:{served.port}", 200), ("evil.example", 403)):
            with socket.create_connection(("::1", served.port), timeout=10) as raw:
                raw.sendall(f"GET /v1/models HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                assert raw.makefile("rb").readline().split()[1] == str(status).encode()


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        None,
    ],
)
def test_a_body_that_a_web_page_can_send_without_preflight_is_rejected(
    kind: str | None, path: str, served: Proxy
) -> None:
    response = post(served, path, {"Content-Type": kind} if kind else {})
    assert response.status == 415
    found = kind.partition(";")[0] if kind else "none"
    assert response.json["error"]["message"] == f"Content-Type is {found}; send application/json"


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_every_spelling_of_the_json_content_type_is_accepted(kind: str, served: Proxy) -> None:
    headers = {"Content-Type": kind, "X-CodeRouter-Profile": "echo"}
    assert post(served, ENDPOINTS[0], headers).status == 200


@pytest.mark.parametrize("path", [*ENDPOINTS, "/v1/models", "/healthz"])
def test_no_web_page_may_read_an_answer_or_send_json(path: str, served: Proxy) -> None:
    page = {"Origin": "https://evil.example"}
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    preflight = client.request(served.port, "OPTIONS", path, headers={**page, **asks})
    assert preflight.status == 405
    method = "POST" if path in ENDPOINTS else "GET"
    body = BODY if method == "POST" else None
    profile = {"X-CodeRouter-Profile": "echo"}
    answer = client.request(served.port, method, path, body, {**JSON, **page, **profile})
    assert answer.status == 200
    for response in (preflight, answer):
        assert not [name for name in response.headers if name.startswith("access-control-")]
