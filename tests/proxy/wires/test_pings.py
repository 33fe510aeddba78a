"""Pings in a silent stream, from a proxy that sends them sooner than by default."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.wires.conftest import KINDS, Side
from support.proxy import process
from support.proxy.client_view import AnthropicClient, Client, event_data
from support.proxy.process import Proxy
from support.proxy.upstream import HANG, Pause, Upstream

pytestmark = pytest.mark.slow

IMPATIENT = (sys.executable, "-m", "support.proxy.short_pings")
READ = {"name": "read", "input_schema": {"type": "object"}}
PATIENCE_S = 0.9  # more than three silences


@pytest.fixture
def side(each_side: Side) -> Side:
    return each_side


@pytest.fixture(scope="module")
def impatient(upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    providers = [
        process.provider(name, upstream_server.provider(path).base_url, kind=kind, idle_timeout_s=PATIENCE_S)
        for name, (path, kind, _) in KINDS.items()
    ]
    config = process.config(providers, {name: [name] for name in KINDS}, default_profile="openai")
    tests = str(Path(__file__).parents[2])
    folder = tmp_path_factory.mktemp("impatient")
    with process.serving(folder, config, env={"PYTHONPATH": tests}, program=IMPATIENT) as started:
        yield started


@pytest.fixture
def served(impatient: Proxy, upstream_server: Upstream) -> Proxy:
    upstream_server.forget()
    return impatient


def test_a_silence_is_filled_with_pings_and_the_stream_continues(
    served: Proxy, side: Side, client: Client
) -> None:
    pause = Pause()
    side.provider.plays(side.says.streamed("Hel", pause, "lo."))

    exchange = client.stream(served, side.header)
    first = exchange.read_past(b"Hel")
    silence = exchange.read_past(client.ping * 2)
    pause.go()
    rest = exchange.rest().body

    assert silence == client.ping * (len(silence) // len(client.ping))
    assert client.text(first + silence + rest) == "Hello."
    assert client.is_complete(first + silence + rest)


def test_a_provider_that_died_is_noticed_while_pings_are_sent(
    served: Proxy, side: Side, client: Client
) -> None:
    side.provider.plays(side.says.streamed("Hel", HANG))

    response = client.stream(served, side.header).rest()

    assert response.body.count(client.ping) >= 2
    assert f"silent for {PATIENCE_S:g} s" in (client.error(response.body) or "")
    failed, finished = served.story(response.request_id)[-2:]
    assert (failed["msg"], failed["error_type"]) == ("provider-failed-midstream", "timeout_idle")
    assert finished["outcome"] == "midstream"
    assert side.provider.request.gone.wait(30)


def test_the_message_starts_before_the_first_ping_also_while_its_text_is_held_back(
    served: Proxy, o: Side
) -> None:
    client = AnthropicClient()
    pause = Pause()
    o.provider.plays(o.says.streamed('{"name": "re', pause, 'ad", "arguments": {"path": "/a"}}'))

    exchange = client.stream(served, o.header, tools=[READ])
    raw = exchange.read_past(client.ping)
    assert pause.reached.wait(30)
    assert [event["type"] for event in event_data(raw)] == ["message_start", "ping"]
    pause.go()
    raw += exchange.rest().body

    assert client.calls(raw) == [("read", {"path": "/a"})]
    assert client.is_complete(raw)


def test_an_immediate_answer_has_no_pings(served: Proxy, o: Side, client: Client) -> None:
    o.provider.plays(o.says.streamed("Hello."))
    assert client.ping not in client.stream(served, o.header).rest().body


def test_whole_answers_have_no_pings(served: Proxy, side: Side) -> None:
    pause = Pause()
    side.provider.plays((pause, *side.says.answer("Hello.")))
    exchange = served.messages(side.header)
    assert pause.reached.wait(30)
    pause.go()
    assert exchange.rest().json["content"][0]["text"] == "Hello."
