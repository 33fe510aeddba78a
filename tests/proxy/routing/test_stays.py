"""A conversation stays with the provider that answers it, in every worker, and others follow the chain."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.conftest import serving_soundly
from support.events import read
from support.processes import eventually
from support.proxy import openai_answers as says
from support.proxy.process import Proxy, config, provider, serving, workers_of, write_config
from support.proxy.upstream import Provider, Script, Upstream

BRIEF_MINUTES = 0.01
DOWN = says.error("down", 500)
BLIND = [
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}]}
]


def chains(upstream: Upstream) -> dict[str, object]:
    providers = [provider(name, upstream.provider(name).base_url) for name in "abc"]
    providers[1]["capabilities"] = {"vision": False}
    cloud = upstream.provider("c").base_url
    providers += [provider(name, cloud, paid=True) for name in ("paid", "dear")]
    providers.append(provider("broken", upstream.provider("broken").base_url, paid=True))
    found = config(providers, {"default": ["a", "b", "c"]}, allow_paid=True)
    profiles = found["profiles"]
    assert isinstance(profiles, list)
    profiles += [
        {"name": "brief", "providers": ["a", "b"], "affinity": {"minutes": BRIEF_MINUTES}},
        {"name": "never", "providers": ["a", "b"], "affinity": {"minutes": 0}},
        {"name": "paid-last", "providers": ["a", "broken", "paid", "dear"]},
        {"name": "cools", "providers": ["a", "b"], "cooldown": {"threshold": 1, "seconds": 0.2}},
    ]
    return found


@pytest.fixture(scope="module")
def running(upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with serving_soundly(tmp_path_factory.mktemp("stays"), chains(upstream_server)) as started:
        yield started


def tried(proxy: Proxy, session: str, profile: str = "default", **body: object) -> list[str]:
    """Send a request of the session, and return the providers in the order in which they were tried."""
    response = proxy.chat({"X-Session-Id": session, "X-CodeRouter-Profile": profile}, **body).rest()
    story = proxy.story(response.request_id)
    return [event["provider"] for event in story if event["msg"] == "try-provider"]


def play(upstream: Upstream, **scripts: Script) -> None:
    upstream.forget()
    for name, script in {"a": says.answer(), "b": says.answer(), "c": says.answer(), **scripts}.items():
        upstream.provider(name).plays(always=script)


def test_a_session_stays_where_it_moved_to_and_others_follow_the_chain(
    running: Proxy, upstream_server: Upstream
) -> None:
    play(upstream_server)
    assert tried(running, "one") == ["a"]
    play(upstream_server, a=DOWN)
    assert tried(running, "one") == ["a", "b"]
    assert tried(running, "one") == ["b"]
    play(upstream_server)
    assert tried(running, "two") == ["a"]
    assert tried(running, "one") == ["b"]
    assert tried(running, "one", stream=True) == ["b"]


def test_it_moves_on_from_there_and_back_when_nothing_else_answers(
    running: Proxy, upstream_server: Upstream
) -> None:
    play(upstream_server, a=DOWN)
    assert tried(running, "three") == ["a", "b"]
    play(upstream_server, a=DOWN, b=DOWN)
    assert tried(running, "three") == ["b", "a", "c"]
    assert tried(running, "three") == ["c"]
    play(upstream_server, c=DOWN)
    assert tried(running, "three") == ["c", "a"]
    assert tried(running, "three") == ["a"]


def test_it_returns_after_its_minutes(running: Proxy, upstream_server: Upstream) -> None:
    play(upstream_server, a=DOWN)
    assert tried(running, "four", "brief") == ["a", "b"]
    play(upstream_server)
    time.sleep(BRIEF_MINUTES * 60 + 0.1)
    assert tried(running, "four", "brief") == ["a"]


def test_it_never_stays_with_zero_minutes(running: Proxy, upstream_server: Upstream) -> None:
    play(upstream_server, a=DOWN)
    assert tried(running, "five", "never") == ["a", "b"]
    assert tried(running, "five", "never") == ["a", "b"]


def test_a_paid_provider_does_not_keep_it_from_a_free_one(running: Proxy, upstream_server: Upstream) -> None:
    play(upstream_server, a=DOWN, broken=DOWN)
    assert tried(running, "six", "paid-last") == ["a", "broken", "paid"]
    assert tried(running, "six", "paid-last") == ["a", "paid"], (
        "the cache of one that costs is kept from others"
    )
    play(upstream_server)
    assert tried(running, "six", "paid-last") == ["a"]


def test_a_request_that_needs_another_provider_goes_there_and_the_session_remains(
    running: Proxy, upstream_server: Upstream
) -> None:
    play(upstream_server, a=DOWN)
    assert tried(running, "seven") == ["a", "b"]
    assert tried(running, "seven", messages=BLIND) == ["a", "c"], "b sees no images"


def test_a_session_that_began_elsewhere_because_of_a_cooldown_stays(
    running: Proxy, upstream_server: Upstream
) -> None:
    play(upstream_server, a=DOWN)
    assert tried(running, "eight", "cools") == ["a", "b"]
    assert tried(running, "nine", "cools") == ["b"]
    play(upstream_server)
    eventually(lambda: tried(running, f"other {time.monotonic()}", "cools") == ["a"])
    assert tried(running, "nine", "cools") == ["b"]


def test_requests_without_an_id_are_told_apart_by_how_they_begin(
    running: Proxy, upstream_server: Upstream
) -> None:
    def of(words: str, *more: str) -> list[str]:
        said = [{"role": "user", "content": text} for text in (words, *more)]
        return tried(running, "", messages=said)

    play(upstream_server, a=DOWN)
    assert of("Fix the parser.") == ["a", "b"]
    play(upstream_server)
    assert of("Fix the parser.", "And test it.") == ["b"]
    assert of("Write a poem.") == ["a"]


def test_a_reload_that_changes_the_chain_forgets(tmp_path: Path, upstream_server: Upstream) -> None:
    found = chains(upstream_server)
    with serving(tmp_path, found) as served:
        play(upstream_server, a=DOWN)
        assert tried(served, "s") == ["a", "b"]
        play(upstream_server)

        def reload(chain: list[str], count: int) -> None:
            profiles = found["profiles"]
            assert isinstance(profiles, list)
            profiles[0] = {"name": "default", "providers": chain}
            write_config(tmp_path, found)
            served.command.signal(signal.SIGHUP)
            eventually(lambda: len(read(served.events_path, "config-reloaded")) == count)

        reload(["a", "b", "c"], 1)
        assert tried(served, "s") == ["b"], "nothing changed"
        reload(["a", "b"], 2)
        assert tried(served, "s") == ["a"]


@pytest.mark.slow
def test_workers_share_where_sessions_stay_even_when_they_are_killed(
    tmp_path: Path, upstream_server: Upstream
) -> None:
    with serving(tmp_path, chains(upstream_server), "--workers", "2") as served:

        def started() -> int:
            return len(read(served.events_path, "coderouter-startup"))

        def writers(since: int) -> set[object]:
            return {event["writer"] for event in read(served.events_path, "try-provider")[since:]}

        def stays(name: str) -> None:
            """Send requests of the session until two workers have answered."""
            since = len(read(served.events_path, "try-provider"))
            for _ in range(200):
                assert tried(served, "s") == [name]
                if len(writers(since)) == 2:
                    return
            raise AssertionError("one worker got all")

        eventually(lambda: started() == 2)
        play(upstream_server)
        stays("a")
        play(upstream_server, a=DOWN)
        assert tried(served, "s") == ["a", "b"]
        play(upstream_server)
        stays("b")
        assert tried(served, "another") == ["a"]
        for pid in workers_of(served):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: started() == 4)
        stays("b")


def test_llama_cpp_gets_the_same_slot_for_a_conversation(tmp_path: Path, a: Provider) -> None:
    a.plays(always=says.answer())
    with serving(tmp_path, config([provider("a", a.base_url, slot_affinity_slots=4)])) as served:

        def slot(session: str, **body: object) -> object:
            served.chat({"X-Session-Id": session}, **body).rest()
            return a.requests[-1].json["id_slot"]

        slots = [slot(f"session {number}") for number in range(20)]
        assert set(slots) == {0, 1, 2, 3}
        assert [slot(f"session {number}", temperature=0) for number in range(20)] == slots
        assert slot("session 1", id_slot=9) == 9, "the client knows better"
