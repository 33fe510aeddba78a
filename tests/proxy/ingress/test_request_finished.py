"""The event that ends every request."""

import pytest

from support.proxy import openai_answers as says
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
        "stop_reason": "stop",
        "error_type": None,
    }


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
