"""Cooldowns: a provider that keeps failing moves to the end of the chain for a while, and is never left out."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from coderouter_events.events import Event, ProviderCooldown, ProviderRecovered
from coderouter_proxy.config.schema import Cooldown
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.routing.cooldown import RETRY_AFTER_S_MAX, Cooldowns
from proxy.conftest import serving_soundly
from support import events
from support.processes import eventually
from support.proxy import openai_answers as says
from support.proxy import process
from support.proxy.process import Proxy
from support.proxy.upstream import CUT, Provider, Upstream, stream

THREE_FOR_AN_HOUR = Cooldown(threshold=3, seconds=3600)
DOWN = ProviderError("upstream_5xx", "down", status=500)
MEMORY = [
    "CUDA error: out of memory",
    "torch.OutOfMemoryError: CUDA out of memory.",
    "model requires more system memory (8.4 GiB) than is available (6.1 GiB)",
    "ggml_gallocr: failed to allocate buffer",
    "insufficient memory to load model",
    "worker was killed (OOM)",
]


@pytest.fixture
def emitted() -> list[Event]:
    return []


@pytest.fixture
def cooldowns(emitted: list[Event]) -> Cooldowns:
    return Cooldowns(emitted.append)


def test_the_threshold_starts_a_cooldown_and_an_answer_ends_it(
    cooldowns: Cooldowns, emitted: list[Event]
) -> None:
    for _ in range(2):
        cooldowns.failed("a", DOWN, THREE_FOR_AN_HOUR)
    assert cooldowns.in_order(["a", "b", "c"]) == ["a", "b", "c"]
    cooldowns.failed("a", DOWN, THREE_FOR_AN_HOUR)
    assert cooldowns.in_order(["a", "b", "c"]) == ["b", "c", "a"]
    assert emitted == [ProviderCooldown(provider="a", reason="failures", failures=3, seconds=3600)]

    cooldowns.failed("a", DOWN, THREE_FOR_AN_HOUR)
    assert len(emitted) == 1, "it is already in cooldown"
    cooldowns.succeeded("a")
    assert cooldowns.in_order(["a", "b", "c"]) == ["a", "b", "c"]
    assert isinstance(emitted[1], ProviderRecovered)
    assert emitted[1].provider == "a"


def test_an_answer_in_between_resets_the_failures(cooldowns: Cooldowns, emitted: list[Event]) -> None:
    for _ in range(2):
        cooldowns.failed("a", DOWN, THREE_FOR_AN_HOUR)
        cooldowns.failed("a", DOWN, THREE_FOR_AN_HOUR)
        cooldowns.succeeded("a")
    assert emitted == []


def test_providers_in_cooldown_keep_their_order(cooldowns: Cooldowns) -> None:
    for name in ("c", "a"):
        cooldowns.failed(name, DOWN, Cooldown(threshold=1, seconds=3600))
    assert cooldowns.in_order(["a", "b", "c", "d"]) == ["b", "d", "a", "c"]


def test_a_cooldown_ends_by_itself_and_the_next_failure_starts_another(
    cooldowns: Cooldowns, emitted: list[Event]
) -> None:
    brief = Cooldown(threshold=2, seconds=0.05)
    for _ in range(2):
        cooldowns.failed("a", DOWN, brief)
    eventually(lambda: cooldowns.in_order(["a", "b"]) == ["a", "b"])
    cooldowns.failed("a", DOWN, brief)
    assert cooldowns.in_order(["a", "b"]) == ["b", "a"]
    assert [event.msg for event in emitted] == ["provider-cooldown"] * 2


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("7", 7), ("1.5", 1.5), ("86400", RETRY_AFTER_S_MAX), ("inf", RETRY_AFTER_S_MAX)],
)
def test_retry_after_starts_a_cooldown_of_that_length_at_once(
    retry_after: str, seconds: float, cooldowns: Cooldowns, emitted: list[Event]
) -> None:
    limited = ProviderError("rate_limited", "slow down", status=429, retry_after=retry_after)
    cooldowns.failed("a", limited, THREE_FOR_AN_HOUR)
    assert emitted == [ProviderCooldown(provider="a", reason="retry_after", failures=1, seconds=seconds)]


@pytest.mark.parametrize("retry_after", [None, "0", "-1", "nan", "soon", "Fri, 31 Dec 1999 23:59:59 GMT"])
def test_a_retry_after_without_a_wait_is_a_failure_like_any_other(
    retry_after: str | None, cooldowns: Cooldowns, emitted: list[Event]
) -> None:
    limited = ProviderError("rate_limited", "slow down", status=429, retry_after=retry_after)
    for count in range(3):
        assert len(emitted) == 0, count
        cooldowns.failed("a", limited, THREE_FOR_AN_HOUR)
    assert emitted == [ProviderCooldown(provider="a", reason="failures", failures=3, seconds=3600)]


def test_a_retry_after_that_is_a_date_lasts_until_then(cooldowns: Cooldowns, emitted: list[Event]) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    limited = ProviderError("rate_limited", "slow down", status=429, retry_after=until)
    cooldowns.failed("a", limited, THREE_FOR_AN_HOUR)
    [begun] = emitted
    assert isinstance(begun, ProviderCooldown)
    assert begun.reason == "retry_after"
    assert 240 < begun.seconds <= 300


@pytest.mark.parametrize("message", MEMORY)
def test_an_error_about_memory_starts_a_cooldown_at_once(
    message: str, cooldowns: Cooldowns, emitted: list[Event]
) -> None:
    cooldowns.failed("a", ProviderError("upstream_5xx", message, status=500), THREE_FOR_AN_HOUR)
    assert emitted == [ProviderCooldown(provider="a", reason="memory_pressure", failures=1, seconds=3600)]


@pytest.mark.parametrize(
    "failure",
    [
        ProviderError("upstream_5xx", "no room in the queue; zoom out", status=500),
        ProviderError("cancelled", "out of memory"),
        ProviderError("upstream_4xx", "out of memory", status=400),
        ProviderError("upstream_4xx", "out of memory: too many tokens", status=400, too_long=True),
    ],
)
def test_other_errors_and_client_errors_start_none(
    failure: ProviderError, cooldowns: Cooldowns, emitted: list[Event]
) -> None:
    cooldowns.failed("a", failure, Cooldown(threshold=2))
    assert emitted == []


@pytest.fixture(scope="module")
def running(upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    names = ["a", "b", "c"]
    providers = [process.provider(name, upstream_server.provider(name).base_url) for name in names]
    config = process.config(providers, {"indifferent": ["a", "b"]}, default_profile="careful")
    profiles = config["profiles"]
    assert isinstance(profiles, list)
    cooldown = {"threshold": 2, "seconds": 3600}
    profiles.append({"name": "careful", "providers": ["a", "b"], "cooldown": cooldown})
    profiles.append({"name": "alone", "providers": ["c"], "cooldown": cooldown})
    with serving_soundly(tmp_path_factory.mktemp("cooldown"), config) as started:
        yield started


def tried(proxy: Proxy, profile: str, **body: object) -> list[str]:
    """Send a request, and return the providers in the order in which they were tried."""
    response = proxy.chat({"X-CodeRouter-Profile": profile}, **body).rest()
    story = proxy.story(response.request_id)
    return [event["provider"] for event in story if event["msg"] == "try-provider"]


def health(proxy: Proxy, name: str) -> list[tuple[str, str | None]]:
    found = events.read(proxy.events_path, "provider-cooldown", "provider-recovered")
    return [(event["msg"], event.get("reason")) for event in found if event["provider"] == name]


def test_failures_move_a_provider_to_the_end_until_it_answers(
    running: Proxy, a: Provider, b: Provider
) -> None:
    down = says.error("down", 500)
    a.plays(down, down, down, says.answer(), down)
    b.plays(says.answer(), says.answer(), says.answer(), down, says.answer())

    assert tried(running, "careful") == ["a", "b"]
    assert health(running, "a") == []
    assert tried(running, "careful") == ["a", "b"]
    assert health(running, "a") == [("provider-cooldown", "failures")]
    assert tried(running, "indifferent") == ["a", "b"], "a profile that does not ask for it keeps its order"
    assert tried(running, "careful") == ["b", "a"], "last, and not left out"
    assert health(running, "a")[1:] == [("provider-recovered", None)]
    running.command.wait_for_output(
        r"provider a failed \(upstream_5xx\); it moves to the end of the chain for 3600 s"
    )
    running.command.wait_for_output("provider a answers again")
    assert tried(running, "careful") == ["a", "b"]


def test_the_only_provider_is_tried_even_in_cooldown(running: Proxy, c: Provider) -> None:
    cut = stream(says.text("Hel"), CUT)
    c.plays(cut, cut, says.error("slow down", 429, {"Retry-After": "5"}), says.streamed())
    assert tried(running, "alone", stream=True) == ["c"]
    assert health(running, "c") == []
    assert tried(running, "alone", stream=True) == ["c"], "failures midstream count as well"
    assert health(running, "c") == [("provider-cooldown", "failures")]
    assert tried(running, "alone", stream=True) == ["c"]
    assert tried(running, "alone", stream=True) == ["c"]
    assert health(running, "c")[1:] == [("provider-recovered", None)]
