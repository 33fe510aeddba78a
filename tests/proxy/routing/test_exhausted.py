"""What the client gets when no provider of the chain answers."""

import pytest

from support.events import names
from support.proxy import openai_answers as says
from support.proxy.process import Proxy
from support.proxy.upstream import CUT, Provider, Script, whole


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


def test_when_all_are_rate_limited_the_client_gets_a_429_with_the_shortest_retry_after(
    served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(says.error("slow", 429, {"Retry-After": "5"}))
    b.plays(says.error("slower", 529, {"Retry-After": "17"}))

    response = served.chat().rest()

    assert (response.status, response.headers["retry-after"]) == (429, "5")
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


BUSY = says.error("slow down", 429)
BROKEN = says.error("out of memory", 500)
TOO_LONG = says.error("maximum context length is 8192 tokens", 400)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (TOO_LONG, BROKEN),
        (BUSY, TOO_LONG),
        (says.error("unknown field x", 422), TOO_LONG),
        (TOO_LONG, TOO_LONG),
    ],
    ids=["then broken", "after busy", "after another refusal", "all"],
)
def test_when_any_found_the_prompt_too_long_and_none_answered_the_client_learns_that_it_has_to_compact(
    first: Script, second: Script, served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(first)
    b.plays(second)

    response = served.chat().rest()

    assert response.status == 400
    error = response.json["error"]
    assert error["message"] == "prompt is too long: maximum context length is 8192 tokens"
    assert error["code"] == "context_length_exceeded"
    assert response.headers["x-should-retry"] == "false"
    assert served.finished(response.request_id)["outcome"] == "client_error"


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000.",
        "prompt is too long: 213462 tokens > 200000 maximum",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
        "Invalid request: Your request exceeded model token limit: 262144 (requested: 300000)",
        "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 129024]",
        "the request exceeds the available context size, try increasing it",
        "Please reduce the length of the messages or completion.",
        "Input tokens exceed the configured limit of 272000 tokens.",
        "invalid params, context window exceeds limit",
        "The number of tokens to keep from the initial prompt is greater than the context length",
        "Input is too long for requested model.",
        "prompt token count of 200100 exceeds the limit of 128000",
        "Prompt exceeds max length",
    ],
)
def test_too_long_is_known_in_the_words_of_many_servers(words: str, served: Proxy, a: Provider) -> None:
    a.plays(says.error(words, 400))
    response = served.chat(profile="one").rest()
    assert (response.status, response.json["error"]["code"]) == (400, "context_length_exceeded")


def test_a_limit_of_tokens_in_a_time_is_no_prompt_that_is_too_long(served: Proxy, a: Provider) -> None:
    words = "Request too large for model `m` on tokens per minute (TPM): Limit 8000, Requested 21034"
    a.plays(says.error(words, 413))
    response = served.chat(profile="one").rest()
    assert (response.status, response.json["error"]["code"]) == (429, "providers_exhausted")
    assert served.story(response.request_id)[1]["error_type"] == "rate_limited"


def test_when_all_refuse_the_client_gets_the_first_refusal_of_its_request(
    served: Proxy, a: Provider, b: Provider, c: Provider
) -> None:
    a.plays(says.error("no balance", 402))
    b.plays(says.error("tools[0].strict is unknown", 422))
    c.plays(says.error("unknown field store", 400))

    response = served.chat(profile="three").rest()

    assert response.status == 422
    assert response.json["error"]["message"] == "tools[0].strict is unknown"
    assert response.headers["x-should-retry"] == "false"
    assert served.finished(response.request_id)["outcome"] == "client_error"


@pytest.mark.parametrize(
    ("script", "vain"),
    [(BUSY, None), (BROKEN, None), (says.error("no", 401), "false")],
    ids=["busy", "broken", "key refused"],
)
def test_what_may_pass_or_is_the_operators_is_no_refusal_of_the_request(
    script: Script, vain: str | None, served: Proxy, a: Provider
) -> None:
    a.plays(script)
    response = served.chat(profile="one").rest()
    assert served.finished(response.request_id)["outcome"] == "exhausted"
    assert response.headers.get("x-should-retry") == vain


@pytest.mark.parametrize(
    ("first", "second", "wait"),
    [
        (says.error("slow", 429, {"Retry-After": "600"}), BUSY, "600"),
        (BUSY, says.error("Please try again in 7m12.5s.", 429), "433"),
        (says.error("slow", 429, {"Retry-After": "60"}), says.error("Please try again in 780ms.", 429), "1"),
        (
            whole({"error": {"message": "quota", "details": [{"retryDelay": "34s"}]}}, 429),
            says.error("slow", 429, {"Retry-After": "60"}),
            "34",
        ),
        (BUSY, BUSY, None),
    ],
    ids=["header", "words", "milliseconds", "RetryInfo", "none"],
)
def test_the_shortest_wait_of_all_that_were_tried_is_reported(
    first: Script, second: Script, wait: str | None, served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(first)
    b.plays(second)
    response = served.chat().rest()
    assert (response.status, response.headers.get("retry-after")) == (429, wait)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": "model not loaded"}', "model not loaded"),
        (b'{"error": {"message": "bad", "code": 400}}', "bad"),
        (b'{"message": "bad"}', "bad"),
        (b'{"detail": [{"msg": "field required"}]}', "field required"),
        (b'{"detail": [{"loc": ["body", "store"], "msg": "no extras"}]}', "body.store: no extras"),
        (b'[{"error": {"code": 400, "message": "Unknown name"}}]', "Unknown name"),
        (b'{"error": {"message": "{\\"error\\": {\\"message\\": \\"inner\\"}}"}}', "inner"),
        (
            b'{"error": {"message": "Provider error", "metadata": {"raw": "{\\"message\\": \\"raw\\"}"}}}',
            "raw",
        ),
        (b'{"error": {"code": 5}}', "HTTP 422 Unprocessable Entity"),
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
    assert response.headers["x-should-retry"] == "false"
    assert response.json["error"]["code"] == "paid_gate_blocked"
    assert "ALLOW_PAID" in response.json["error"]["message"]
    story = served.story(response.request_id)
    assert names(story) == ["skip-paid-provider", "chain-paid-gate-blocked", "request-finished"]
    assert (story[1]["profile"], story[1]["blocked_providers"]) == ("paid-only", ["paid"])
    assert (story[2]["outcome"], story[2]["status"], story[2]["attempts"]) == ("blocked", 503, 0)
    assert c.requests == []


def test_a_paid_provider_that_is_named_as_the_model_is_blocked_too(served: Proxy, c: Provider) -> None:
    response = served.chat(model="paid").rest()
    assert (response.status, response.json["error"]["code"]) == (503, "paid_gate_blocked")
    assert c.requests == []


def test_a_chain_of_unknown_providers_is_exhausted(served: Proxy) -> None:
    response = served.chat(profile="ghosts").rest()
    assert response.status == 502
    assert response.headers["x-should-retry"] == "false"
    assert "ghost" in response.json["error"]["message"]
    assert names(served.story(response.request_id)) == ["skip-unknown-provider", "request-finished"]
