"""A stream of an OpenAI provider on its way to an OpenAI client: passed through, and ended as the client expects."""

from typing import Any

import pytest

from support.events import names
from support.proxy import openai_answers as says
from support.proxy.process import Proxy
from support.proxy.upstream import CUT, HANG, Pause, Provider, Script, stream

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

    response = served.chat(stream=True).rest()

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
def test_a_stream_that_stalls_ends_in_an_error_frame(
    profile: str, words: str, served: Proxy, a: Provider
) -> None:
    a.plays(stream(says.text("Hel"), HANG))

    response = served.chat(stream=True, profile=profile).rest()

    assert b'{"error":' in response.body
    [failed] = [e for e in served.story(response.request_id) if e["msg"] == "provider-failed-midstream"]
    assert failed["error_type"] == "timeout_idle"
    assert words in failed["error"]
    assert a.request.gone.wait(30)


def test_the_first_content_reaches_the_client_while_the_provider_is_still_writing(
    served: Proxy, a: Provider
) -> None:
    pause = Pause()
    a.plays(says.streamed("Hello", pause, " there."))

    exchange = served.chat(stream=True)
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
    assert served.chat(stream=True).rest().body == b"".join(events)


def test_a_stream_with_crlf_and_comments_is_understood(served: Proxy, a: Provider) -> None:
    raw = says.ROLE + b": still here\n\n" + says.text("Hi") + says.STOP + says.USAGE_CHUNK + says.DONE
    a.plays(stream(raw.replace(b"\n", b"\r\n")))

    response = served.chat(stream=True).rest()

    assert response.body.replace(b"\r\n", b"\n") == raw.replace(says.USAGE_CHUNK, b"")
    assert served.finished(response.request_id)["output_tokens"] == 3


def test_a_stream_that_ends_without_done_gets_one(served: Proxy, a: Provider) -> None:
    a.plays(stream(says.text("Hi"), says.STOP))

    response = served.chat(stream=True).rest()

    assert response.body == says.text("Hi") + says.STOP + says.DONE
    assert served.finished(response.request_id)["outcome"] == "ok"


def test_nothing_after_done_reaches_the_client(served: Proxy, a: Provider) -> None:
    a.plays(stream(says.text("Hi"), says.STOP + says.DONE + says.text("more")))
    assert served.chat(stream=True).rest().body == says.text("Hi") + says.STOP + says.DONE


@pytest.mark.parametrize("wanted", [False, True])
def test_usage_is_requested_from_the_provider_and_relayed_only_if_the_client_requested_it(
    wanted: bool, served: Proxy, a: Provider
) -> None:
    a.plays(says.streamed())
    options: dict[str, Any] = {"stream_options": {"include_usage": True}} if wanted else {}

    response = served.chat(stream=True, **options).rest()

    assert a.request.json["stream_options"] == {"include_usage": True}
    assert (says.USAGE_CHUNK in response.body) is wanted
    assert response.body.endswith(says.DONE)
    finished = served.finished(response.request_id)
    assert (finished["input_tokens"], finished["cache_read_tokens"]) == (10, 2)
    assert (finished["output_tokens"], finished["cache_creation_tokens"]) == (3, None)


def test_the_idle_timeout_starts_with_the_first_content(served: Proxy, a: Provider, c: Provider) -> None:
    pause = Pause()
    a.plays(
        stream(b": prompt of many tokens\n\n", pause, says.text("Hi"), says.STOP),
        stream(says.text("Hi"), HANG),
    )
    patient = served.chat(stream=True, profile="quiet")
    assert pause.reached.wait(30)

    cut = served.chat(stream=True, profile="quiet").rest()
    pause.go()

    assert b'"error"' in cut.body
    assert says.text("Hi") in patient.rest().body
    assert c.requests == []
