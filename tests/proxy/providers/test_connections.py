"""Pooled connections to providers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.conftest import serving_soundly
from support.events import names
from support.proxy import openai_answers as says
from support.proxy import process
from support.proxy.process import Proxy
from support.proxy.upstream import CUT, Pause, Provider, stream

KNOWN = {"capabilities": {"max_context_tokens": 100_000}}
"""So that no connection is used to read the context of a provider."""


@pytest.fixture
def served(tmp_path: Path, a: Provider, b: Provider, lonely: Provider) -> Iterator[Proxy]:
    providers = [
        process.provider("a", a.base_url, **KNOWN),
        process.provider("b", b.base_url, **KNOWN),
        process.provider("lonely", lonely.base_url, retries=0, **KNOWN),
    ]
    profiles = {"one": ["a"], "lonely": ["lonely", "b"]}
    with serving_soundly(tmp_path, process.config(providers, profiles, default_profile="one")) as started:
        yield started


def test_a_pooled_connection_that_died_is_replaced(served: Proxy, a: Provider) -> None:
    a.plays(says.answer(), (CUT,), says.answer("again"))
    assert served.chat().rest().status == 200

    response = served.chat().rest()

    assert response.json["choices"][0]["message"]["content"] == "again"
    assert names(served.story(response.request_id)) == ["try-provider", "provider-ok", "request-finished"]
    first, died, replaced = a.requests
    assert first.connection == died.connection != replaced.connection


def test_without_retries_a_request_on_a_new_connection_is_never_sent_twice(
    served: Proxy, lonely: Provider, b: Provider
) -> None:
    lonely.plays((CUT,), says.answer("twice"))
    b.plays(says.answer("once"))

    response = served.chat(profile="lonely").rest()

    assert response.json["choices"][0]["message"]["content"] == "once"
    assert len(lonely.requests) == 1


def test_a_connection_serves_one_request_after_the_other(served: Proxy, a: Provider) -> None:
    pause = Pause()
    late_end = stream(says.text("Hi"), says.STOP, says.DONE, pause)
    a.plays(says.answer(), says.streamed(), late_end, says.answer())

    for streamed in (False, True):
        assert served.chat(stream=streamed).rest().status == 200
    exchange = served.chat(stream=True)
    exchange.read_until(says.DONE)
    pause.go()
    exchange.rest()
    assert served.chat().rest().status == 200

    assert len({request.connection for request in a.requests}) == 1
