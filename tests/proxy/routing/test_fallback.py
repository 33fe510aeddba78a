from typing import Any

import pytest

from proxy.conftest import A_KEY, B_KEY
from support.events import Event
from support.proxy import openai_answers as says
from support.proxy.process import Proxy
from support.proxy.upstream import CUT, HANG, Pause, Provider, Script, head, stream, whole

TRIED_BOTH = ["try-provider", "provider-failed", "try-provider", "provider-ok", "request-finished"]


def names(story: list[Event]) -> list[str]:
    return [event["msg"] for event in story]


def good(stream: bool) -> Script:
    return says.streamed() if stream else says.answer()


MOVES_ON: dict[str, tuple[Script, str, int | None]] = {
    "cut before the header": ((CUT,), "connect", None),
    "garbage instead of HTTP": ((b"SSH-2.0-OpenSSH_9.6\r\n\r\n", CUT), "protocol", None),
    "redirect": (whole(b"", 307, {"Location": "http://127.0.0.1:1/"}), "protocol", 307),
    "no body": (whole(b""), "empty", None),
    "body that is not JSON": (whole(b"<html>Welcome</html>"), "protocol", None),
    "JSON that is no object": (whole([1, 2]), "protocol", None),
    "JSON of another wire": (whole({"type": "message"}), "protocol", None),
    "error in a 200": (whole({"error": {"message": "overloaded", "code": 529}}), "overloaded", 529),
    "prompt too long": (says.error("This model's maximum context length is 8192", 400), "upstream_4xx", 400),
    "header and then nothing of the body": (
        (*whole({}, 200, {"Content-Length": "999"}), CUT),
        "connect",
        None,
    ),
}
MOVES_ON |= {
    f"status {status}": (says.error("no", status), error_type, status)
    for status, error_type in {
        401: "auth",
        402: "auth",
        403: "auth",
        404: "not_found",
        408: "upstream_4xx",
        409: "upstream_4xx",
        425: "upstream_4xx",
        429: "rate_limited",
        500: "upstream_5xx",
        502: "upstream_5xx",
        503: "overloaded",
        529: "overloaded",
    }.items()
}

ONLY_STREAMED: dict[str, tuple[Script, str, int | None]] = {
    "empty stream": (stream(), "empty", None),
    "only comments": (stream(b": PROCESSING\n\n", b": PROCESSING\n\n"), "empty", None),
    "only a role": (stream(says.ROLE, says.DONE), "empty", None),
    "only [DONE]": (stream(says.DONE), "empty", None),
    "error event first": (
        stream(says.event({"error": {"message": "slow down", "code": 429}})),
        "rate_limited",
        429,
    ),
    "error after the role": (stream(says.ROLE, says.event({"error": "broken"})), "upstream_5xx", 500),
    "event that is not JSON": (stream(b"data: <html>\n\n"), "protocol", None),
    "cut after the role": (stream(says.ROLE, CUT), "connect", None),
}


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("script", "error_type", "status"), MOVES_ON.values(), ids=MOVES_ON)
def test_the_next_provider_answers_after(
    script: Script,
    error_type: str,
    status: int | None,
    streamed: bool,
    served: Proxy,
    a: Provider,
    b: Provider,
) -> None:
    a.plays(script)
    b.plays(good(streamed))

    response = served.asks(stream=streamed).rest()

    assert response.status == 200
    assert b"Hello" in response.body
    story = served.story(response.request_id)
    assert names(story) == TRIED_BOTH
    assert [event.get("provider") for event in story] == ["a", "a", "b", "b", "b"]
    failed, finished = story[1], story[-1]
    assert (failed["error_type"], failed["status"], failed["retryable"]) == (error_type, status, True)
    assert (finished["outcome"], finished["status"], finished["attempts"]) == ("ok", 200, 2)


@pytest.mark.parametrize(("script", "error_type", "status"), ONLY_STREAMED.values(), ids=ONLY_STREAMED)
def test_the_next_provider_streams_after(
    script: Script, error_type: str, status: int | None, served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(script)
    b.plays(says.streamed())

    response = served.asks(stream=True).rest()

    story = served.story(response.request_id)
    assert names(story) == TRIED_BOTH
    assert (story[1]["error_type"], story[1]["status"], story[1]["retryable"]) == (error_type, status, True)
    assert response.body == says.ROLE + says.text("Hello") + says.text(" there.") + says.STOP + says.DONE


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("profile", "script", "error_type"),
    [
        ("dead", (), "connect"),
        ("full", (), "timeout_connect"),
        ("hasty", (HANG,), "timeout_first_byte"),
        ("hasty-profile", (HANG,), "timeout_first_byte"),
        ("hasty", (head(200, {"Content-Length": "9"}), HANG), "timeout_first_byte"),
        ("hasty", stream(says.ROLE, HANG), "timeout_first_byte"),
    ],
    ids=[
        "refused",
        "no connection",
        "no header",
        "no header in the profile's time",
        "no body",
        "only a role",
    ],
)
def test_the_next_provider_answers_when_one_does_not_in_time(
    profile: str, script: Script, error_type: str, streamed: bool, served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(script)
    b.plays(good(streamed))

    response = served.asks(profile=profile, stream=streamed).rest()

    assert response.status == 200
    story = served.story(response.request_id)
    assert names(story) == TRIED_BOTH
    assert (story[1]["error_type"], story[1]["status"]) == (error_type, None)
    if script:
        assert a.request.gone.wait(5)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_fault_of_the_client_ends_the_chain_and_the_client_reads_why(
    status: int, streamed: bool, served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(says.error("tools[0]: name is missing", status))

    response = served.asks(stream=streamed).rest()

    assert response.status == status
    assert response.json["error"]["message"] == "tools[0]: name is missing"
    assert response.json["error"]["type"] in ("invalid_request_error", "request_too_large")
    story = served.story(response.request_id)
    assert names(story) == ["try-provider", "provider-failed", "request-finished"]
    assert (story[1]["error_type"], story[1]["retryable"]) == ("upstream_4xx", False)
    finished = story[-1]
    assert (finished["outcome"], finished["status"], finished["provider"]) == ("client_error", status, None)
    assert b.requests == []


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
def test_the_words_of_an_error_are_found_in_any_shape(
    body: bytes, words: str, served: Proxy, a: Provider
) -> None:
    a.plays(whole(body, 422))
    assert served.asks(profile="one").rest().json["error"]["message"] == words


def test_a_prompt_too_long_for_every_provider_is_told_in_the_last_ones_words(
    served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(says.error("maximum context length is 8192 tokens", 400))
    b.plays(says.error("prompt is too long: 9000 tokens > 8192 maximum", 400))

    response = served.asks().rest()

    assert response.status == 400
    assert response.json["error"]["message"] == "prompt is too long: 9000 tokens > 8192 maximum"
    assert served.finished(response.request_id)["outcome"] == "client_error"


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_when_all_fail_the_client_gets_one_502_that_names_each(
    streamed: bool, served: Proxy, a: Provider, b: Provider, c: Provider
) -> None:
    a.plays((CUT,))
    b.plays(says.error("out of memory", 500))
    c.plays(says.error("no such model", 404))

    response = served.asks(profile="three", stream=streamed).rest()

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

    response = served.asks().rest()

    assert (response.status, response.headers["retry-after"]) == (429, "17")
    assert response.json["error"]["type"] == "rate_limit_error"
    assert served.finished(response.request_id)["outcome"] == "exhausted"


def test_when_not_all_are_rate_limited_there_is_no_retry_after(
    served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(says.error("broken", 500))
    b.plays(says.error("slow", 429, {"Retry-After": "17"}))

    response = served.asks().rest()

    assert response.status == 502
    assert "retry-after" not in response.headers


@pytest.mark.parametrize(("status", "uniform"), [(401, True), (403, True), (500, False)])
def test_the_same_refusal_of_our_keys_by_all_is_an_event_of_its_own(
    status: int, uniform: bool, served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(says.error("no", status))
    b.plays(says.error("no", status))

    response = served.asks().rest()

    told = [e for e in served.story(response.request_id) if e["msg"] == "chain-uniform-auth-failure"]
    assert len(told) == uniform
    for event in told:
        assert (event["profile"], event["status"], event["count"]) == ("default", status, 2)
        assert event["providers"] == ["a", "b"]


def test_different_refusals_are_not_uniform(served: Proxy, a: Provider, b: Provider) -> None:
    a.plays(says.error("no", 401))
    b.plays(says.error("no", 403))
    response = served.asks().rest()
    assert "chain-uniform-auth-failure" not in names(served.story(response.request_id))


def test_a_paid_provider_is_passed_over(served: Proxy, a: Provider, c: Provider) -> None:
    a.plays(says.error("broken", 500))

    response = served.asks(profile="paid-last").rest()

    assert response.status == 502
    story = served.story(response.request_id)
    assert names(story) == ["try-provider", "provider-failed", "skip-paid-provider", "request-finished"]
    assert story[-1]["outcome"] == "exhausted"
    assert c.requests == []


def test_a_chain_of_paid_providers_only_is_blocked(served: Proxy, c: Provider) -> None:
    response = served.asks(profile="paid-only").rest()

    assert response.status == 503
    assert response.json["error"]["code"] == "paid_gate_blocked"
    assert "ALLOW_PAID" in response.json["error"]["message"]
    story = served.story(response.request_id)
    assert names(story) == ["skip-paid-provider", "chain-paid-gate-blocked", "request-finished"]
    assert (story[1]["profile"], story[1]["blocked_providers"]) == ("paid-only", ["paid"])
    assert (story[2]["outcome"], story[2]["status"], story[2]["attempts"]) == ("blocked", 503, 0)
    assert c.requests == []


def test_a_provider_that_is_not_configured_is_skipped(served: Proxy, b: Provider) -> None:
    b.plays(says.answer())

    response = served.asks(profile="ghost-first").rest()

    assert response.status == 200
    story = served.story(response.request_id)
    assert names(story) == ["skip-unknown-provider", "try-provider", "provider-ok", "request-finished"]
    assert story[0]["provider"] == "ghost"
    assert story[-1]["attempts"] == 1


def test_a_chain_of_unknown_providers_is_exhausted(served: Proxy) -> None:
    response = served.asks(profile="ghosts").rest()
    assert response.status == 502
    assert "ghost" in response.json["error"]["message"]
    assert names(served.story(response.request_id)) == ["skip-unknown-provider", "request-finished"]


MIDSTREAM: dict[str, tuple[Script, str, int | None]] = {
    "cut": (stream(says.text("Hel"), CUT), "connect", None),
    "ended without [DONE] and finish_reason": (stream(says.text("Hel")), "protocol", None),
    "error event": (
        stream(says.text("Hel"), says.event({"error": {"message": "out of memory"}})),
        "upstream_5xx",
        500,
    ),
    "error in the chunk of the first content": (
        stream(says.text("Hel") + says.event({"error": {"message": "out of memory", "code": 503}})),
        "overloaded",
        503,
    ),
}


@pytest.mark.parametrize(("script", "error_type", "status"), MIDSTREAM.values(), ids=MIDSTREAM)
def test_after_the_first_content_nothing_is_retried_and_an_error_frame_ends_the_stream(
    script: Script, error_type: str, status: int | None, served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(script)

    response = served.asks(stream=True).rest()

    assert response.status == 200
    content, frame = response.body[: len(says.text("Hel"))], response.body[len(says.text("Hel")) :]
    assert content == says.text("Hel")
    assert frame.startswith(b'data: {"error":{"message":"a failed: ')
    assert frame.endswith(b"}}\n\n")
    story = served.story(response.request_id)
    assert names(story) == ["try-provider", "provider-ok", "provider-failed-midstream", "request-finished"]
    failed, finished = story[2], story[3]
    assert (failed["error_type"], failed["status"], failed["retryable"]) == (error_type, status, False)
    assert (finished["outcome"], finished["status"], finished["provider"]) == ("midstream", 200, "a")
    assert b.requests == []


@pytest.mark.parametrize(("profile", "words"), [("quiet", "silent for 0.3 s"), ("brief", "total time")])
def test_a_stream_that_falls_silent_ends_in_an_error_frame(
    profile: str, words: str, served: Proxy, a: Provider
) -> None:
    a.plays(stream(says.text("Hel"), HANG))

    response = served.asks(stream=True, profile=profile).rest()

    assert b'{"error":' in response.body
    [failed] = [e for e in served.story(response.request_id) if e["msg"] == "provider-failed-midstream"]
    assert failed["error_type"] == "timeout_idle"
    assert words in failed["error"]
    assert a.request.gone.wait(5)


def test_the_first_content_reaches_the_client_while_the_provider_is_still_writing(
    served: Proxy, a: Provider
) -> None:
    pause = Pause()
    a.plays(says.streamed("Hello", pause, " there."))

    exchange = served.asks(stream=True)
    assert exchange.read_until(says.text("Hello")) == says.ROLE + says.text("Hello")
    pause.go()

    response = exchange.rest()
    assert response.body == says.text(" there.") + says.STOP + says.DONE
    finished = served.finished(response.request_id)
    assert 0 < finished["ttft_s"] < finished["duration_s"]
    assert finished["overhead_s"] < finished["ttft_s"]


def test_events_cut_anywhere_by_the_network_arrive_whole(served: Proxy, a: Provider) -> None:
    events = (says.ROLE, says.text("Grüße"), says.STOP, says.DONE)
    a.plays(stream(*(bytes([byte]) for byte in b"".join(events))))
    assert served.asks(stream=True).rest().body == b"".join(events)


def test_a_stream_with_crlf_and_comments_is_understood(served: Proxy, a: Provider) -> None:
    raw = says.ROLE + b": still here\n\n" + says.text("Hi") + says.STOP + says.USAGE_CHUNK + says.DONE
    a.plays(stream(raw.replace(b"\n", b"\r\n")))

    response = served.asks(stream=True).rest()

    assert response.body.replace(b"\r\n", b"\n") == raw.replace(says.USAGE_CHUNK, b"")
    assert served.finished(response.request_id)["output_tokens"] == 3


def test_a_stream_with_a_finish_reason_gets_the_done_it_lacks(served: Proxy, a: Provider) -> None:
    a.plays(stream(says.text("Hi"), says.STOP))

    response = served.asks(stream=True).rest()

    assert response.body == says.text("Hi") + says.STOP + says.DONE
    assert served.finished(response.request_id)["outcome"] == "ok"


def test_nothing_after_done_reaches_the_client(served: Proxy, a: Provider) -> None:
    a.plays(stream(says.text("Hi"), says.STOP + says.DONE + says.text("more")))
    assert served.asks(stream=True).rest().body == says.text("Hi") + says.STOP + says.DONE


@pytest.mark.parametrize("wanted", [False, True])
def test_usage_is_asked_of_the_provider_and_shown_to_a_client_that_asked(
    wanted: bool, served: Proxy, a: Provider
) -> None:
    a.plays(says.streamed())
    options: dict[str, Any] = {"stream_options": {"include_usage": True}} if wanted else {}

    response = served.asks(stream=True, **options).rest()

    assert a.request.json["stream_options"] == {"include_usage": True}
    assert (says.USAGE_CHUNK in response.body) is wanted
    assert response.body.endswith(says.DONE)
    finished = served.finished(response.request_id)
    assert (finished["input_tokens"], finished["cache_read_tokens"]) == (10, 2)
    assert (finished["output_tokens"], finished["cache_creation_tokens"]) == (3, None)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_request_that_is_answered_is_told_in_full(streamed: bool, served: Proxy, a: Provider) -> None:
    a.plays(good(streamed))

    response = served.asks(stream=streamed).rest()

    attempt, ok, finished = served.story(response.request_id)
    assert (attempt["msg"], attempt["stream"]) == ("try-provider", streamed)
    assert (ok["msg"], ok["stream"], ok["duration_s"] > 0) == ("provider-ok", streamed, True)
    assert {key: finished[key] for key in list(finished) if not key.endswith("_s")} == {
        "ts": finished["ts"],
        "level": "INFO",
        "logger": "coderouter",
        "msg": "request-finished",
        "writer": attempt["writer"],
        "seq": attempt["seq"] + 2,
        "request_id": response.request_id,
        "ingress": "openai",
        "profile": "default",
        "stream": streamed,
        "outcome": "ok",
        "status": 200,
        "provider": "a",
        "model": "a-model",
        "attempts": 1,
        "input_tokens": 10,
        "output_tokens": 3,
        "cache_read_tokens": 2,
        "cache_creation_tokens": None,
        "cost_usd": None,
        "stop_reason": "stop",
        "error_type": None,
    }


@pytest.mark.parametrize(
    "usage",
    [None, "many", {}, {"prompt_tokens": "12", "prompt_tokens_details": {"cached_tokens": "3"}}],
)
def test_a_usage_that_says_nothing_is_null_in_the_events(usage: object, served: Proxy, a: Provider) -> None:
    a.plays(says.answer(usage=usage))

    response = served.asks().rest()

    assert response.status == 200
    finished = served.finished(response.request_id)
    assert [finished[name] for name in ("input_tokens", "output_tokens", "cache_read_tokens")] == [None] * 3


def test_what_the_provider_is_sent(served: Proxy, a: Provider) -> None:
    a.plays(says.answer())

    served.asks(profile="styled", temperature=0.9, stop=["x"], stream=False).rest()

    assert a.request.path == "/a/v1/chat/completions"
    assert a.request.json == {
        "model": "styled-model",
        "temperature": 0.9,
        "top_k": 7,
        "options": {"num_ctx": 8192},
        "stop": ["x"],
        "messages": [
            {"role": "system", "content": "Answer in French."},
            {"role": "user", "content": "Say hello."},
        ],
    }


@pytest.mark.parametrize(
    ("profile", "system"),
    [
        ("styled", "Be brief.\n\nAnswer in French."),
        ("restyled", "Be brief.\n\nAnswer in verse."),
        ("unstyled", "Be brief."),
    ],
)
def test_a_directive_extends_the_system_message_and_the_profiles_replaces_the_providers(
    profile: str, system: str, served: Proxy, a: Provider
) -> None:
    a.plays(says.answer())
    user = {"role": "user", "content": "Hi"}

    served.asks(profile=profile, messages=[{"role": "system", "content": "Be brief."}, user]).rest()

    assert a.request.json["messages"] == [{"role": "system", "content": system}, user]


def test_a_directive_extends_a_system_message_of_parts(served: Proxy, a: Provider) -> None:
    a.plays(says.answer())
    part = {"type": "text", "text": "Be brief."}

    served.asks(profile="styled", messages=[{"role": "developer", "content": [part]}]).rest()

    added = {"type": "text", "text": "Answer in French."}
    assert a.request.json["messages"] == [{"role": "system", "content": [part, added]}]


def test_each_provider_gets_its_own_key_and_never_the_clients(
    served: Proxy, a: Provider, b: Provider, c: Provider
) -> None:
    for provider in (a, b):
        provider.plays(says.error("no", 500))
    c.plays(says.answer())

    served.asks(profile="three", headers={"Authorization": "Bearer client-key", "X-Api-Key": "k"}).rest()

    assert a.request.headers["authorization"] == f"Bearer {A_KEY}"
    assert b.request.headers["authorization"] == f"Bearer {B_KEY}"
    assert "authorization" not in c.request.headers
    assert "x-api-key" not in c.request.headers


@pytest.mark.parametrize("status", [401, 422])
def test_a_key_that_a_provider_repeats_is_shown_to_nobody(
    status: int, served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(says.error(f"Incorrect API key provided: {A_KEY}. See the docs.", status))
    b.plays(says.error(f"Incorrect API key provided: {B_KEY}. See the docs.", status))

    response = served.asks().rest()

    assert A_KEY.encode() not in response.body
    assert B_KEY.encode() not in response.body
    failures = [e for e in served.story(response.request_id) if e["msg"] == "provider-failed"]
    assert {event["error"] for event in failures} == {"Incorrect API key provided: ***. See the docs."}


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    "broken", [b'{"choices": [{"message": {"content": "my secret', b'{"text": "my secret"}', b"my secret"]
)
def test_an_answer_that_cannot_be_read_is_not_quoted_in_the_events(
    broken: bytes, streamed: bool, served: Proxy, a: Provider
) -> None:
    a.plays(stream(b"data: " + broken + b"\n\n") if streamed else whole(broken))

    response = served.asks(profile="one", stream=streamed).rest()

    failed = served.story(response.request_id)[1]
    assert "secret" not in failed["error"]


def test_a_long_error_is_cut_in_the_events(served: Proxy, a: Provider) -> None:
    a.plays(says.error("é" * 2000, 500))
    response = served.asks(profile="one").rest()
    assert served.story(response.request_id)[1]["error"] == "é" * 499 + "…"


def test_a_pooled_connection_that_died_is_replaced(served: Proxy, a: Provider) -> None:
    a.plays(says.answer(), (CUT,), says.answer("again"))
    assert served.asks().rest().status == 200

    response = served.asks(profile="one").rest()

    assert response.json["choices"][0]["message"]["content"] == "again"
    assert names(served.story(response.request_id)) == ["try-provider", "provider-ok", "request-finished"]
    first, died, replaced = a.requests
    assert first.connection == died.connection != replaced.connection


def test_a_request_on_a_new_connection_is_never_sent_twice(
    served: Proxy, lonely: Provider, b: Provider
) -> None:
    lonely.plays((CUT,), says.answer("twice"))
    b.plays(says.answer("once"))

    response = served.asks(profile="lonely").rest()

    assert response.json["choices"][0]["message"]["content"] == "once"
    assert len(lonely.requests) == 1


def test_a_provider_may_be_silent_for_long_before_its_first_content(
    served: Proxy, a: Provider, c: Provider
) -> None:
    pause = Pause()
    a.plays(
        stream(b": prompt of many tokens\n\n", pause, says.text("Hi"), says.STOP),
        stream(says.text("Hi"), HANG),
    )
    patient = served.asks(stream=True, profile="quiet")
    assert pause.reached.wait(5)

    cut = served.asks(stream=True, profile="quiet").rest()
    pause.go()

    assert b'"error"' in cut.body
    assert says.text("Hi") in patient.rest().body
    assert c.requests == []


def test_a_connection_serves_one_request_after_the_other(served: Proxy, a: Provider) -> None:
    pause = Pause()
    late_end = stream(says.text("Hi"), says.STOP, says.DONE, pause)
    a.plays(says.answer(), says.streamed(), late_end, says.answer())

    for streamed in (False, True):
        assert served.asks(profile="one", stream=streamed).rest().status == 200
    exchange = served.asks(profile="one", stream=True)
    exchange.read_until(says.DONE)
    pause.go()
    exchange.rest()
    assert served.asks(profile="one").rest().status == 200

    assert len({request.connection for request in a.requests}) == 1


def test_echo_answers_with_the_users_words(served: Proxy) -> None:
    content = [{"type": "text", "text": "Say it again"}]
    messages = [{"role": "user", "content": "first"}, {"role": "user", "content": content}]

    answer = served.asks(profile="echo", messages=messages).rest()
    streamed = served.asks(profile="echo", messages=messages, stream=True).rest()

    assert answer.json["choices"][0]["message"]["content"] == "Say it again"
    assert streamed.body.endswith(says.DONE)
    for response in (answer, streamed):
        finished = served.finished(response.request_id)
        assert (finished["outcome"], finished["input_tokens"], finished["output_tokens"]) == ("ok", 4, 3)
