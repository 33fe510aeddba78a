"""With `retries`, a provider that drops a connection or loads its model gets the request again after a moment."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from coderouter_proxy.errors import ProviderError
from coderouter_proxy.routing import retry
from support.events import names
from support.processes import free_port
from support.proxy import openai_answers as says
from support.proxy.process import Proxy, config, provider, serving
from support.proxy.upstream import CUT, Provider, Script, Upstream, head, whole

AGAIN = ["try-provider", "provider-failed"]
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
    """A proxy that sends requests to `a` once more before it tries `b`."""
    a, b = (upstream_server.provider(name).base_url for name in "ab")
    text = config([provider("a", a, retries=1), provider("b", b)])
    with serving(tmp_path_factory.mktemp("patient"), text) as served:
        yield served


@pytest.mark.parametrize("script", HELPED.values(), ids=HELPED)
def test_the_same_provider_answers_after_it_was(script: Script, patient: Proxy, a: Provider) -> None:
    a.plays(script, says.answer())
    story = patient.story(patient.chat().rest().request_id)
    assert names(story) == AGAIN + ANSWERED
    assert (story[-1]["provider"], story[-1]["attempts"]) == ("a", 2)


@pytest.mark.parametrize("script", LEFT.values(), ids=LEFT)
def test_the_next_provider_answers_when_the_first_is(
    script: Script, patient: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(script)
    b.plays(says.answer())
    story = patient.story(patient.chat().rest().request_id)
    assert names(story) == AGAIN + ANSWERED
    assert story[-1]["provider"] == "b"


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
    assert names(stories[0]) == AGAIN * 3 + ANSWERED
    assert stories[0][-1]["overhead_s"] < stories[0][-1]["duration_s"] - 2 * retry.WAIT_S + 0.01
    assert names(third) == ANSWERED, "two failures, not six, started the cooldown"


@pytest.mark.parametrize("retry_after", ["nan", "inf", "-1", "soon", "1e309"])
def test_odd_words_for_a_wait_never_make_a_long_one(retry_after: str) -> None:
    wait_s = retry.wait_s(ProviderError("overloaded", "Loading model", status=503, retry_after=retry_after))
    assert wait_s is None or 0 <= wait_s <= retry.RETRY_AFTER_S_MAX
