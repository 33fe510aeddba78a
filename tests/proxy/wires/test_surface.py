"""What a client sees besides answers: ids, headers, lists, and errors of requests that reach no provider."""

import pytest

from proxy.conftest import A_KEY, B_KEY
from proxy.wires.conftest import Side
from support.proxy import client as http
from support.proxy.process import Proxy

VERSION = {"anthropic-version": "2023-06-01"}
RATE_LIMITS = {
    "anthropic-ratelimit-requests-remaining": "9",
    "x-ratelimit-remaining-requests": "8",
    "request-id": "req_theirs",
    "Set-Cookie": "a=b",
    "Server": "theirs",
}


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_the_id_of_an_answer_is_that_of_its_events(streamed: bool, wires: Proxy, side: Side) -> None:
    for ask in (wires.chat, wires.messages):
        side.provider.plays(side.says.streamed() if streamed else side.says.answer())
        response = ask(side.header, stream=streamed).rest()
        assert response.headers["request-id"] == response.headers["x-request-id"]
        assert wires.finished(response.headers["request-id"])["outcome"] == "ok"


def test_an_error_on_the_anthropic_wire_has_the_request_id_in_its_body(wires: Proxy) -> None:
    response = wires.post(b"{", VERSION, "/v1/messages").rest()
    assert response.status == 400
    assert response.json["type"] == "error"
    assert response.json["error"]["type"] == "invalid_request_error"
    assert response.json["request_id"] == response.headers["request-id"]
    assert wires.finished(response.headers["request-id"])["ingress"] == "anthropic"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body is not JSON"),
        (b"[]", "the body is a list; send a JSON object"),
        (b"{}", '"messages" is missing'),
        (b'{"messages": []}', '"messages" is empty'),
        (b'{"messages": ["x"]}', '"messages" is not a list of objects'),
        (b'{"messages": [{}], "stream": 1}', '"stream" is a number; send true or false'),
    ],
)
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages?beta=true", "/v1/messages/count_tokens"])
def test_an_invalid_body_is_rejected_with_a_message(path: str, body: bytes, words: str, wires: Proxy) -> None:
    response = wires.post(body, VERSION, path).rest()
    assert response.status == 400
    assert response.json["error"]["type"] == "invalid_request_error"
    assert words in response.json["error"]["message"]


def test_a_body_over_the_limit_is_rejected(wires: Proxy) -> None:
    sent = {**VERSION, "Content-Length": str(41 * 1024 * 1024), "Expect": "100-continue"}
    response = wires.post(b"", sent, "/v1/messages").rest()
    assert response.status == 413
    assert response.json["error"]["type"] == "request_too_large"


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/v1/nothing", VERSION, 404),
        ("POST", "/v1/messages/batches", {}, 404),
        ("GET", "/v1/messages", {}, 405),
    ],
)
def test_an_unknown_path_is_reported_in_the_shape_of_the_wire(
    method: str, path: str, headers: dict[str, str], status: int, wires: Proxy
) -> None:
    response = http.request(wires.port, method, path, headers=headers)
    assert response.status == status
    assert response.json["type"] == "error"
    assert response.json["request_id"] == response.headers["request-id"]
    assert response.json["error"]["type"] == ("not_found_error" if status == 404 else "invalid_request_error")


def test_an_unknown_path_is_reported_to_openai_clients_in_their_shape(wires: Proxy) -> None:
    response = wires.get("/v1/nothing")
    assert response.status == 404
    assert set(response.json["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("path", ["/", "/v1/models"])
def test_a_probe_is_answered(path: str, wires: Proxy) -> None:
    response = http.request(wires.port, "HEAD", path)
    assert (response.status, response.body) == (200, b"")


def test_models_are_listed_in_the_shape_of_the_wire(wires: Proxy) -> None:
    openai = wires.get("/v1/models?limit=1000").json
    anthropic = wires.get("/v1/models?limit=1000", VERSION).json
    ids = [model["id"] for model in openai["data"]]
    of_anthropic = [model["id"] for model in anthropic["data"]]
    assert of_anthropic[: len(ids)] == ids
    assert of_anthropic[len(ids) :] == [name for name in of_anthropic if name.startswith("claude-")] != []
    assert (openai["object"], openai["data"][0]["object"]) == ("list", "model")
    ends = (anthropic["first_id"], anthropic["last_id"], anthropic["has_more"])
    assert ends == (ids[0], of_anthropic[-1], False)
    assert anthropic["data"][0]["type"] == "model"


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_rate_limit_headers_and_the_request_id_of_a_provider_reach_a_client_of_the_same_wire(
    streamed: bool, wires: Proxy, n: Side, o: Side
) -> None:
    for side, ask, limit in (
        (n, wires.messages, "anthropic-ratelimit-requests-remaining"),
        (o, wires.chat, "x-ratelimit-remaining-requests"),
    ):
        begin, *rest = side.says.streamed() if streamed else side.says.answer()
        assert isinstance(begin, bytes)
        more = "".join(f"{name}: {value}\r\n" for name, value in RATE_LIMITS.items())
        side.provider.plays((begin.removesuffix(b"\r\n") + more.encode() + b"\r\n", *rest))

        headers = ask(side.header, stream=streamed).rest().headers

        assert headers[limit] == RATE_LIMITS[limit]
        assert headers["x-upstream-request-id"] == "req_theirs"
        assert headers["request-id"] != "req_theirs"
        assert "set-cookie" not in headers
        assert [name for name in headers if "ratelimit" in name] == [limit]


def test_what_an_anthropic_provider_is_sent(wires: Proxy, n: Side) -> None:
    n.provider.plays(n.says.answer(), n.says.answer(), n.says.answer())
    betas = "interleaved-thinking-2025-05-14,context-1m-2025-08-07"
    mine = {"anthropic-beta": betas, "x-api-key": "client", "Authorization": "Bearer client"}

    wires.messages({**n.header, **mine, "anthropic-version": "2099-01-01"}).rest()
    assert n.provider.request.path == "/n/v1/messages"
    headers = n.provider.request.headers
    assert (headers["anthropic-beta"], headers["anthropic-version"]) == (betas, "2099-01-01")
    assert headers["x-api-key"] == B_KEY
    assert "authorization" not in headers

    wires.chat({**n.header, **mine}).rest()
    assert n.provider.request.headers["anthropic-version"] == "2023-06-01"
    assert "anthropic-beta" not in n.provider.request.headers

    wires.messages(n.profile("styled-"), top_k=9, system="Be brief.").rest()
    sent = n.provider.request.json
    assert (sent["model"], sent["top_k"]) == ("claude-n", 9)
    assert sent["system"] == "Be brief.\n\nAnswer in French."


def test_an_openai_provider_gets_no_anthropic_headers(wires: Proxy, o: Side) -> None:
    o.provider.plays(o.says.answer())
    wires.messages({**o.header, "anthropic-beta": "x", "x-api-key": "client"}).rest()
    headers = o.provider.request.headers
    assert headers["authorization"] == f"Bearer {A_KEY}"
    assert {"anthropic-beta", "anthropic-version", "x-api-key"}.isdisjoint(headers)
