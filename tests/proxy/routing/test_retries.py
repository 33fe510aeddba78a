"""A provider that drops a connection or loads its model gets the request again after a moment, in the same attempt."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from coderouter_proxy.config.schema import Provider as ProviderConfig
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.routing import retry
from support.events import Event, names, read
from support.processes import eventually, free_port
from support.proxy import openai_answers as says
from support.proxy.process import Proxy, config, provider, serving
from support.proxy.upstream import CUT, Provider, Script, Upstream, head, whole

FAILED = ["try-provider", "provider-failed"]
REFUSED = ProviderError("connect", "connection refused")
ANSWERED = ["try-provider", "provider-ok", "request-finished"]

HELPED: dict[str, Script] = {
    "dropped without an answer": (CUT,),
    "loading": says.error("Loading model", 503),
    "a Retry-After that is short": says.error("no slot", 503, {"Retry-After": "0"}),
}
LEFT: dict[str, Script] = {
    "dropped in the middle": (*whole({}, 200, {"Content-Length": "999"}), CUT),
    "a head and then nothing": (head(200, {"Content-Length": "9"}), CUT),
    "overloaded": says.error("The server is overloaded", 503),
    "a Retry-After that is long": says.error("Loading model", 503, {"Retry-After": "3"}),
    "broken": says.error("loading failed", 500),
}


@pytest.fixture(scope="module")
def patient(upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A proxy that sends requests to `a`, on this machine, once more before it tries `b`."""
    text = config([provider(name, upstream_server.provider(name).base_url) for name in "ab"])
    with serving(tmp_path_factory.mktemp("patient"), text) as served:
        yield served


@pytest.mark.parametrize("script", HELPED.values(), ids=HELPED)
def test_the_same_provider_answers_after_it_was(script: Script, patient: Proxy, a: Provider) -> None:
    a.plays(script, says.answer())
    story = patient.story(patient.chat().rest().request_id)
    assert names(story) == ANSWERED
    assert (story[-1]["provider"], story[-1]["attempts"], len(a.requests)) == ("a", 1, 2)


@pytest.mark.parametrize("script", LEFT.values(), ids=LEFT)
def test_the_next_provider_answers_when_the_first_is(
    script: Script, patient: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(script)
    b.plays(says.answer())
    story = patient.story(patient.chat().rest().request_id)
    assert names(story) == FAILED + ANSWERED
    assert (story[-1]["provider"], len(a.requests)) == ("b", 1)


def test_a_client_that_leaves_meanwhile_ends_the_attempt(patient: Proxy, a: Provider) -> None:
    a.plays(says.error("no slot", 503, {"Retry-After": "2"}))
    exchange = patient.chat()
    eventually(lambda: a.requests)
    exchange.disconnect()
    [finished] = eventually(lambda: unanswered(patient))
    story = patient.story(finished["request_id"])
    assert names(story) == [*FAILED, "request-finished"]
    assert (story[1]["error_type"], len(a.requests)) == ("cancelled", 1)


def unanswered(served: Proxy) -> list[Event]:
    return [event for event in read(served.events_path, "request-finished") if event["provider"] is None]


def test_a_provider_that_is_not_there_is_left_after_its_retries_and_has_failed_once(
    tmp_path: Path, b: Provider
) -> None:
    b.plays(always=says.answer())
    dead = provider("dead", f"http://127.0.0.1:{free_port()}/v1", retries=2)
    text = config([dead, provider("b", b.base_url)])
    text["profiles"] = [
        {"name": "default", "providers": ["dead", "b"], "cooldown": {"threshold": 2, "seconds": 60}}
    ]
    with serving(tmp_path, text) as served:
        stories = [served.story(served.chat().rest().request_id) for _ in range(2)]
        third = served.story(served.chat().rest().request_id)
    assert [names(story) for story in stories] == [FAILED + ANSWERED] * 2
    assert stories[0][1]["duration_s"] >= 2 * retry.WAIT_S
    assert stories[0][-1]["overhead_s"] < stories[0][-1]["duration_s"] - 2 * retry.WAIT_S + 0.01
    assert names(third) == ANSWERED, "two failures, not four, started the cooldown"


@pytest.mark.parametrize("retry_after", ["nan", "inf", "-1", "soon", "1e309"])
def test_odd_words_for_a_wait_never_make_a_long_one(retry_after: str) -> None:
    wait_s = retry.wait_s(ProviderError("overloaded", "Loading model", status=503, retry_after=retry_after))
    assert wait_s is None or 0 <= wait_s <= retry.RETRY_AFTER_S_MAX


def local(**more: object) -> ProviderConfig:
    return ProviderConfig.model_validate(provider("local", "http://127.0.0.1:1/v1", **more))


def test_servers_of_the_users_own_are_waited_for_and_others_are_not() -> None:
    assert retry.retries_of(local()) == 1
    assert retry.retries_of(local(retries=0)) == 0
    cloud = ProviderConfig.model_validate(provider("cloud", "https://api.example.com/v1"))
    assert retry.retries_of(cloud) == 0


def test_none_is_waited_for_again_soon_after_that_did_not_help() -> None:
    now = [0.0]
    patience = retry.Patience(lambda: now[0])
    assert patience.wait_s(local(), REFUSED, 0) == retry.WAIT_S
    assert patience.wait_s(local(), REFUSED, 1) is None
    assert patience.wait_s(local(), REFUSED, 0) is None
    now[0] += retry.REST_S
    assert patience.wait_s(local(), REFUSED, 0) == retry.WAIT_S
    patience.wait_s(local(), REFUSED, 1)
    patience.wait_s(local(), None, 0)
    assert patience.wait_s(local(), REFUSED, 0) == retry.WAIT_S, "it has answered since"
