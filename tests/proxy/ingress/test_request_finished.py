"""The event that ends every request."""

import re

import pytest

from support.proxy import openai_answers as says
from support.proxy.in_process import answer
from support.proxy.process import Proxy
from support.proxy.upstream import Provider


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_the_event_of_an_answered_request_has_every_field(streamed: bool, served: Proxy, a: Provider) -> None:
    a.plays(says.hello(as_stream=streamed))

    response = served.chat(stream=streamed).rest()

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
        "cache_savings_usd": None,
        "stop_reason": "stop",
        "error_type": None,
        "agent": "other",
        "request_class": None,
        "requested_model": "any",
        "tool_calls": 0,
        "had_tools": False,
        "key_index": 0,
        "traceparent": None,
        "session": finished["session"],
    }


def test_a_session_has_a_name_that_does_not_show_its_id(served: Proxy, a: Provider) -> None:
    a.plays(*[says.answer()] * 3)
    names = [
        served.finished(served.chat({"X-Session-Id": each}).rest().request_id)["session"]
        for each in ("my-session-id", "my-session-id", "another")
    ]
    assert names[0] == names[1] != names[2]
    assert re.fullmatch("[0-9a-f]{12}", names[0])
    assert "my-session-id" not in served.events_path.read_text()
    assert (served.events_path.parent / "session.key").stat().st_mode & 0o777 == 0o600


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_the_event_says_who_asked_for_what(served: Proxy, a: Provider) -> None:
    a.plays(says.answer())
    headers = {
        "User-Agent": "claude-cli/2.1.332 (external, cli)",
        "x-claude-code-request-class": "subagent",
        "traceparent": TRACE,
    }
    tools = [{"type": "function", "function": {"name": "t"}}]

    response = served.chat(headers, model="claude-" + "x" * 500, tools=tools).rest()

    finished = served.finished(response.request_id)
    expected = {
        "agent": "claude-code",
        "request_class": "subagent",
        "requested_model": "claude-" + "x" * 121,
        "had_tools": True,
        "traceparent": TRACE,
    }
    assert {name: finished[name] for name in expected} == expected


def test_the_event_of_an_unreadable_request_says_who_sent_it(served: Proxy) -> None:
    response = served.post(b"{", {"User-Agent": "opencode/1.18.33"}).rest()
    finished = served.finished(response.request_id)
    assert (response.status, finished["outcome"], finished["agent"]) == (400, "client_error", "opencode")
    assert (finished["requested_model"], finished["had_tools"], finished["tool_calls"]) == (None, False, 0)


@pytest.mark.parametrize(
    "usage",
    [None, "many", {}, {"prompt_tokens": "12", "prompt_tokens_details": {"cached_tokens": "3"}}],
)
def test_unusable_usage_is_null_in_the_event(usage: object, served: Proxy, a: Provider) -> None:
    a.plays(says.answer(usage=usage))

    response = served.chat().rest()

    assert response.status == 200
    finished = served.finished(response.request_id)
    assert [finished[name] for name in ("input_tokens", "output_tokens", "cache_read_tokens")] == [None] * 3


def test_a_request_is_in_flight_until_its_end_is_written() -> None:
    answered = answer(
        "providers: [{name: echo, kind: echo}]\nprofiles: [{name: default, providers: [echo]}]\n"
    )
    assert [event.msg for event in answered.events][-1] == "request-finished"
    assert set(answered.in_flight) == {1}
