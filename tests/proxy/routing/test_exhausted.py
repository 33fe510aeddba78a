"""What the client gets when no provider of the chain answers."""

import pytest

from support.events import names
from support.proxy import openai_answers as says
from support.proxy.process import Proxy
from support.proxy.upstream import CUT, Provider, whole


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_when_all_fail_the_client_gets_one_502_that_names_each(
    streamed: bool, served: Proxy, a: Provider, b: Provider, c: Provider
) -> None:
    a.plays((CUT,))
    b.plays(says.error("out of memory", 500))
    c.plays(says.error("no such model", 404))

    response = served.chat(profile="three", stream=streamed).rest()

    assert response.status == 502
    assert response.headers["content-type"] == "application/json"
    error = response.json["error"]
    assert (error["type"], error["code"]) == ("server_error", "providers_exhausted")
    assert "b: upstream_5xx: out of memory; c: not_found: no such model" in error["message"]
    story = served.story(response.request_id)
    assert names(story) == ["try-provider", "provider-failed"] * 3 + ["request-finished"]
    assert [event["provider"] for event in story[:-1:2]] == ["a", "b", "c"]
    finished = story[-1]
    assert (finished["outcome"], finished["status"], finished["attempts"]) == ("exhausted", 502, 3)
    assert (finished["provider"], finished["model"]) == (None, None)


def test_when_all_are_rate_limited_the_client_gets_a_429_with_the_last_retry_after(
    served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(says.error("slow", 429, {"Retry-After": "5"}))
    b.plays(says.error("slower", 529, {"Retry-After": "17"}))

    response = served.chat().rest()

    assert (response.status, response.headers["retry-after"]) == (429, "17")
    assert response.json["error"]["type"] == "rate_limit_error"
    assert served.finished(response.request_id)["outcome"] == "exhausted"


def test_when_not_all_are_rate_limited_there_is_no_retry_after(
    served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(says.error("broken", 500))
    b.plays(says.error("slow", 429, {"Retry-After": "17"}))

    response = served.chat().rest()

    assert response.status == 502
    assert "retry-after" not in response.headers


def test_when_the_prompt_is_too_long_for_all_the_client_gets_the_last_message(
    served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(says.error("maximum context length is 8192 tokens", 400))
    b.plays(says.error("prompt is too long: 9000 tokens > 8192 maximum", 400))

    response = served.chat().rest()

    assert response.status == 400
    assert response.json["error"]["message"] == "prompt is too long: 9000 tokens > 8192 maximum"
    assert served.finished(response.request_id)["outcome"] == "client_error"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": "model not loaded"}', "model not loaded"),
        (b'{"error": {"message": "bad", "code": 400}}', "bad"),
        (b'{"message": "bad"}', "bad"),
        (b'{"detail": [{"msg": "field required"}]}', '[{"msg":"field required"}]'),
        (b"Bad things", "Bad things"),
        (b"", "HTTP 422 Unprocessable Entity"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_the_message_of_an_error_is_found_in_any_shape(
    body: bytes, words: str, served: Proxy, a: Provider
) -> None:
    a.plays(whole(body, 422))
    assert served.chat(profile="one").rest().json["error"]["message"] == words


@pytest.mark.parametrize(("status", "uniform"), [(401, True), (403, True), (500, False)])
def test_the_same_auth_error_from_every_provider_emits_an_event_of_its_own(
    status: int, uniform: bool, served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(says.error("no", status))
    b.plays(says.error("no", status))

    response = served.chat().rest()

    emitted = [e for e in served.story(response.request_id) if e["msg"] == "chain-uniform-auth-failure"]
    assert len(emitted) == uniform
    for event in emitted:
        assert (event["profile"], event["status"], event["count"]) == ("default", status, 2)
        assert event["providers"] == ["a", "b"]


def test_different_auth_errors_emit_no_event_of_their_own(served: Proxy, a: Provider, b: Provider) -> None:
    a.plays(says.error("no", 401))
    b.plays(says.error("no", 403))
    response = served.chat().rest()
    assert "chain-uniform-auth-failure" not in names(served.story(response.request_id))


def test_a_chain_of_paid_providers_only_is_blocked(served: Proxy, c: Provider) -> None:
    response = served.chat(profile="paid-only").rest()

    assert response.status == 503
    assert response.json["error"]["code"] == "paid_gate_blocked"
    assert "ALLOW_PAID" in response.json["error"]["message"]
    story = served.story(response.request_id)
    assert names(story) == ["skip-paid-provider", "chain-paid-gate-blocked", "request-finished"]
    assert (story[1]["profile"], story[1]["blocked_providers"]) == ("paid-only", ["paid"])
    assert (story[2]["outcome"], story[2]["status"], story[2]["attempts"]) == ("blocked", 503, 0)
    assert c.requests == []


def test_a_chain_of_unknown_providers_is_exhausted(served: Proxy) -> None:
    response = served.chat(profile="ghosts").rest()
    assert response.status == 502
    assert "ghost" in response.json["error"]["message"]
    assert names(served.story(response.request_id)) == ["skip-unknown-provider", "request-finished"]
