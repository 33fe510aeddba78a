"""What makes the proxy try the next provider of the chain, and what ends the chain."""

import pytest

from support.events import names
from support.proxy import openai_answers as says
from support.proxy.process import Proxy
from support.proxy.upstream import CUT, HANG, Provider, Script, head, stream, whole

TRIED_BOTH = ["try-provider", "provider-failed", "try-provider", "provider-ok", "request-finished"]

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
    b.plays(says.hello(as_stream=streamed))

    response = served.chat(stream=streamed).rest()

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

    response = served.chat(stream=True).rest()

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
def test_the_next_provider_answers_after_a_timeout(
    profile: str, script: Script, error_type: str, streamed: bool, served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(script)
    b.plays(says.hello(as_stream=streamed))

    response = served.chat(profile=profile, stream=streamed).rest()

    assert response.status == 200
    story = served.story(response.request_id)
    assert names(story) == TRIED_BOTH
    assert (story[1]["error_type"], story[1]["status"]) == (error_type, None)
    if script:
        assert a.request.gone.wait(30)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_client_error_ends_the_chain_and_its_message_reaches_the_client(
    status: int, streamed: bool, served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(says.error("tools[0]: name is missing", status))

    response = served.chat(stream=streamed).rest()

    assert response.status == status
    assert response.json["error"]["message"] == "tools[0]: name is missing"
    assert response.json["error"]["type"] in ("invalid_request_error", "request_too_large")
    story = served.story(response.request_id)
    assert names(story) == ["try-provider", "provider-failed", "request-finished"]
    assert (story[1]["error_type"], story[1]["retryable"]) == ("upstream_4xx", False)
    finished = story[-1]
    assert (finished["outcome"], finished["status"], finished["provider"]) == ("client_error", status, None)
    assert b.requests == []


def test_a_provider_that_is_not_configured_is_skipped(served: Proxy, b: Provider) -> None:
    b.plays(says.answer())

    response = served.chat(profile="ghost-first").rest()

    assert response.status == 200
    story = served.story(response.request_id)
    assert names(story) == ["skip-unknown-provider", "try-provider", "provider-ok", "request-finished"]
    assert story[0]["provider"] == "ghost"
    assert story[-1]["attempts"] == 1


def test_a_paid_provider_is_skipped(served: Proxy, a: Provider, c: Provider) -> None:
    a.plays(says.error("broken", 500))

    response = served.chat(profile="paid-last").rest()

    assert response.status == 502
    story = served.story(response.request_id)
    assert names(story) == ["try-provider", "provider-failed", "skip-paid-provider", "request-finished"]
    assert story[-1]["outcome"] == "exhausted"
    assert c.requests == []
