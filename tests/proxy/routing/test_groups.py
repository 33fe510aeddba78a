"""Groups of equals: the least busy one is tried first, by weight, in every worker; conversations stay."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from coderouter_proxy.routing import worker_memory
from coderouter_proxy.routing.loads import CHOSEN_MAX, Loads
from coderouter_proxy.routing.worker_memory import WorkerMemory
from support.events import read
from support.processes import eventually
from support.proxy import openai_answers as says
from support.proxy.client import Exchange
from support.proxy.process import Proxy, config, provider, serving
from support.proxy.upstream import HANG, Upstream, stream

EQUAL = {"a": 1.0, "b": 1.0}
HANGING = stream(says.ROLE, says.text("Hello"), HANG)


def configured(upstream: Upstream) -> dict[str, object]:
    found = config([provider(name, upstream.provider(name).base_url) for name in "abc"])
    found["profiles"] = [
        {"name": "default", "providers": [["a", "b"], "c"]},
        {"name": "weighted", "providers": [[{"name": "a", "weight": 3}, "b"], "c"]},
    ]
    return found


@pytest.fixture
def running(upstream_server: Upstream, tmp_path: Path) -> Iterator[Proxy]:
    upstream_server.forget()
    for name in "abc":
        upstream_server.provider(name).plays(always=says.answer())
    with serving(tmp_path, configured(upstream_server)) as started:
        yield started


def tried(proxy: Proxy, headers: Mapping[str, str] | None = None) -> list[str]:
    response = proxy.chat(headers).rest()
    return [e["provider"] for e in proxy.story(response.request_id) if e["msg"] == "try-provider"]


def open_streams(proxy: Proxy, upstream: Upstream, count: int, stack: ExitStack) -> list[Exchange]:
    for name in "abc":
        upstream.provider(name).plays(always=HANGING)
    streams = []
    for _ in range(count):
        exchange = proxy.chat(stream=True)
        stack.callback(exchange.disconnect)
        exchange.read_until(says.text("Hello"))
        streams.append(exchange)
    return streams


def at(proxy: Proxy) -> Counter[Any]:
    return Counter(event["provider"] for event in read(proxy.events_path, "try-provider"))


def test_the_one_with_the_fewest_requests_in_flight_is_tried_first(
    running: Proxy, upstream_server: Upstream
) -> None:
    with ExitStack() as stack:
        open_streams(running, upstream_server, 5, stack)
        assert at(running) == {"a": 3, "b": 2}
        upstream_server.provider("b").plays(always=says.answer())
        assert tried(running) == ["b"]
        assert tried(running) == ["b"]


@pytest.mark.slow
def test_workers_count_together(tmp_path: Path, upstream_server: Upstream) -> None:
    upstream_server.forget()
    with serving(tmp_path, configured(upstream_server), "--workers", "2") as served, ExitStack() as stack:
        eventually(lambda: len(read(served.events_path, "coderouter-startup")) == 2)
        open_streams(served, upstream_server, 12, stack)
        assert at(served) == {"a": 6, "b": 6}
        assert len({event["writer"] for event in read(served.events_path, "try-provider")}) == 2


def test_idle_equals_take_turns_by_their_weights(running: Proxy) -> None:
    for _ in range(8):
        tried(running, {"X-CodeRouter-Profile": "weighted"})
    assert at(running) == {"a": 6, "b": 2}
    for _ in range(4):
        tried(running)
    assert at(running)["b"] == 6, "it has got less than its share of the other profile"


def test_a_conversation_stays_with_its_equal(running: Proxy, upstream_server: Upstream) -> None:
    session = {"X-Session-Id": "s"}
    [name] = tried(running, session)
    for _ in range(4):
        assert tried(running, session) == [name]
    other = "b" if name == "a" else "a"
    upstream_server.provider(name).plays(always=says.error("down", 500))
    assert tried(running, session) == [name, other]
    upstream_server.provider(name).plays(always=says.answer())
    assert tried(running, session) == [other]


def test_the_others_of_a_group_are_tried_before_the_rest(running: Proxy, upstream_server: Upstream) -> None:
    for name in "ab":
        upstream_server.provider(name).plays(always=says.error("down", 500))
    first, second, last = tried(running)
    assert {first, second} == {"a", "b"}
    assert last == "c"


def test_a_worker_that_replaces_another_begins_with_nothing_in_flight() -> None:
    memory = worker_memory.for_workers(2)
    memory.write_to(0)
    loads = Loads(memory)
    for name in "aab":
        loads.begin(name)
    assert loads.in_order(EQUAL) == ["b", "a"]
    memory.write_to(1)
    assert loads.in_order(EQUAL) == ["b", "a"], "another worker's requests stay in flight"
    memory.write_to(0)
    loads.begin("b")
    assert loads.in_order(EQUAL) == ["a", "b"]


def test_one_that_was_away_does_not_catch_up_for_long() -> None:
    loads = Loads(WorkerMemory())
    for _ in range(10_000):
        loads.begin("b")
        loads.end("b")
    turns = 0
    while loads.in_order(EQUAL)[0] == "a":
        loads.begin("a")
        loads.end("a")
        turns += 1
    assert turns <= CHOSEN_MAX
