import json
import socket
import time

import pytest

from coderouter_proxy.ingress.connection import WATCH_AFTER_S
from support.events import Event, read
from support.processes import eventually
from support.proxy import openai_answers as says
from support.proxy.process import HELLO, Proxy
from support.proxy.upstream import HANG, Pause, Provider, Script, head, stream, whole


def newest_finished(served: Proxy, seen: int) -> Event:
    """Return the next `request-finished` after so many; a client that disconnects never learns its request id."""
    return eventually(lambda: read(served.events_path, "request-finished")[seen:])[0]


def seen_so_far(served: Proxy) -> int:
    """Return how many have finished; a client has its answer just before the event, but never two answers."""
    served.get("/healthz")
    return len(read(served.events_path, "request-finished"))


@pytest.mark.parametrize(
    ("streamed", "script"),
    [
        (False, (HANG,)),
        (False, (head(200, {"Content-Length": "100"}), b'{"choices":', HANG)),
        (True, (HANG,)),
        (True, stream(says.ROLE, HANG)),
    ],
    ids=[
        "whole, before its header",
        "whole, in its body",
        "stream, before its header",
        "stream, after the role",
    ],
)
def test_a_client_that_disconnects_before_the_first_content_cancels_the_attempt_and_ends_the_chain(
    streamed: bool, script: Script, served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(script)
    seen = seen_so_far(served)

    exchange = served.chat(stream=streamed)
    upstream_request = a.request
    exchange.disconnect()

    assert upstream_request.gone.wait(30)
    finished = newest_finished(served, seen)
    assert (finished["outcome"], finished["status"], finished["provider"]) == ("client_gone", 499, None)
    assert (finished["attempts"], finished["stream"], finished["ttft_s"]) == (1, streamed, None)
    _, failed, _ = served.story(finished["request_id"])
    assert (failed["msg"], failed["provider"]) == ("provider-failed", "a")
    assert (failed["error_type"], failed["status"], failed["retryable"]) == ("cancelled", None, False)
    assert b.requests == []


def test_a_client_that_disconnects_midstream_cancels_the_upstream(
    served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(stream(says.ROLE, says.text("Hel"), HANG))

    exchange = served.chat(stream=True)
    exchange.read_until(says.text("Hel"))
    request_id = exchange.response.headers["x-request-id"]
    exchange.disconnect()

    assert a.request.gone.wait(30)
    story = served.story(request_id)
    assert [event["msg"] for event in story] == ["try-provider", "provider-ok", "request-finished"]
    finished = story[-1]
    assert (finished["outcome"], finished["status"], finished["provider"]) == ("client_gone", 200, "a")
    assert finished["ttft_s"] > 0
    assert b.requests == []


def test_a_client_that_disconnects_while_the_provider_keeps_writing_cancels_the_upstream(
    served: Proxy, a: Provider
) -> None:
    a.plays(stream(*[says.text("word " * 1000)] * 20_000))

    exchange = served.chat(stream=True)
    exchange.response.read1(1)
    request_id = exchange.response.headers["x-request-id"]
    exchange.disconnect()

    assert a.request.gone.wait(30)
    assert served.finished(request_id)["outcome"] == "client_gone"


def test_a_client_that_disconnects_while_the_head_is_sent_cancels_the_upstream(
    served: Proxy, a: Provider
) -> None:
    a.plays(whole(says.completion("word " * 4_000_000)), stream(says.ROLE, says.text("Hel"), HANG))
    seen = seen_so_far(served)

    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(request())
        newest_finished(served, seen)  # although most of it is not read: the next head has to wait
        connection.sendall(request(stream=True))
        eventually(lambda: read(served.events_path, "provider-ok")[-1]["stream"])
        time.sleep(2 * WATCH_AFTER_S)

    assert a.request.gone.wait(30)
    assert a.request.json["stream"] is True
    finished = newest_finished(served, seen + 1)
    assert (finished["outcome"], finished["provider"]) == ("client_gone", "a")


def request(**more: object) -> bytes:
    body = json.dumps({"model": "any", "messages": HELLO, **more}).encode()
    head = "POST /v1/chat/completions HTTP/1.1", "Host: localhost", "Content-Type: application/json"
    return "\r\n".join((*head, f"Content-Length: {len(body)}", "", "")).encode() + body


def test_a_client_that_disconnects_during_the_second_attempt_cancels_that_attempt(
    served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(says.error("no", 500))
    b.plays((HANG,))
    seen = seen_so_far(served)

    exchange = served.chat(stream=True)
    upstream_request = b.request
    exchange.disconnect()

    assert upstream_request.gone.wait(30)
    story = served.story(newest_finished(served, seen)["request_id"])
    failures = [(e["provider"], e["error_type"]) for e in story if e["msg"] == "provider-failed"]
    assert failures == [("a", "upstream_5xx"), ("b", "cancelled")]


def test_a_client_that_disconnects_after_done_has_its_answer(served: Proxy, a: Provider) -> None:
    pause = Pause()
    a.plays(stream(says.text("Hi"), says.STOP, says.DONE, pause))

    exchange = served.chat(stream=True)
    exchange.read_until(says.DONE)
    assert pause.reached.wait(30)
    request_id = exchange.response.headers["x-request-id"]
    exchange.disconnect()

    assert served.finished(request_id)["outcome"] == "ok"


def test_a_client_that_disconnects_while_sending_its_request_causes_no_attempt(served: Proxy) -> None:
    seen = seen_so_far(served)

    served.post(b'{"messages": [', {"Content-Length": "1000"}).disconnect()

    finished = newest_finished(served, seen)
    assert (finished["outcome"], finished["status"], finished["attempts"]) == ("client_gone", 499, 0)
    assert finished["profile"] is None


def test_the_proxy_answers_the_next_client_after_a_disconnect(served: Proxy, a: Provider) -> None:
    a.plays((HANG,), whole(says.completion("still here")))
    exchange = served.chat()
    upstream_request = a.request
    exchange.disconnect()
    assert upstream_request.gone.wait(30)

    assert b"still here" in served.chat().rest().body
