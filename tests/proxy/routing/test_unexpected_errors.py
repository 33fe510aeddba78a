"""Any exception of an attempt is a failure of that provider, with its event, and the chain continues."""

import logging
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from coderouter_events.events import (
    Event,
    ProviderFailed,
    ProviderFailedMidstream,
    ProviderOk,
    RequestFinished,
    TryProvider,
)
from coderouter_proxy.answer import Answer, AnswerLog, Attempt
from coderouter_proxy.config import kinds
from coderouter_proxy.config.kinds import ProviderKind
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.relay.text import AnswerPolicy
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.wires.provider import Drop
from support.proxy.in_process import answer

SECRET = "a plain secret of no known shape"
PROVIDERS_YAML = """\
providers:
  - {name: odd, kind: odd, model: m}
  - {name: echo, kind: echo}
profiles:
  - {name: default, providers: [odd, echo]}
"""


def bug() -> None:
    raise LookupError(f"sent {SECRET}")


def nothing() -> None:
    pass


def refusal() -> None:
    raise ProviderError("upstream_4xx", "no", status=400)


@dataclass
class Odd:
    """A provider client that does these things at each step."""

    provider: Provider
    traits: ProviderTraits
    attempted: Callable[[], None] = nothing
    wrote: Callable[[], None] = nothing
    answered: Callable[[], None] = nothing
    logged: Callable[[], None] = nothing
    secrets: tuple[str, ...] = field(default=(SECRET,), init=False)

    async def attempt(
        self,
        request: ClientRequest,
        profile: Profile,
        traits: ProviderTraits,
        drop: Drop,
        refused: ProviderError | None = None,
    ) -> Attempt:
        async def pieces() -> AsyncGenerator[bytes]:
            self.answered()
            yield b"{}"

        def log() -> AnswerLog:
            self.logged()
            return AnswerLog(stop_reason="stop")

        try:
            self.attempted()
        except ProviderError as error:
            return Attempt(error=error)
        return Attempt(answer=Answer(pieces=pieces(), log=log))

    def written(
        self,
        request: ClientRequest,
        profile: Profile,
        traits: ProviderTraits,
        refused: ProviderError | None = None,
    ) -> object:
        self.wrote()
        return request.body

    def runs_hosted_tools(self, request: ClientRequest) -> bool:
        return False

    def may_have(self, request: ClientRequest) -> bool:
        return False

    async def count_tokens(self, request: ClientRequest, profile: Profile) -> int | None:
        return None


Kind = TypeVar("Kind", bound=Event)
Makes = Callable[..., None]


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Makes:
    """Return a function that makes `kind: odd` with these steps."""
    row = ProviderKind(name="odd", client=f"{__name__}:made", about="is odd", needs_address=False)
    monkeypatch.setitem(kinds.PROVIDER_KINDS, "odd", row)

    def make(**steps: Callable[[], None]) -> None:
        def made(
            provider: Provider,
            policy: AnswerPolicy,
            traits: ProviderTraits,
            transport: Transport,
        ) -> Odd:
            return Odd(provider, traits, **steps)

        monkeypatch.setattr(f"{__name__}.made", made, raising=False)

    return make


def types(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events]


def one(events: list[Event], kind: type[Kind]) -> Kind:
    [found] = [event for event in events if type(event) is kind]
    assert isinstance(found, kind)
    return found


@pytest.mark.parametrize("steps", [{"attempted": bug}, {"attempted": refusal, "wrote": bug}])
def test_an_attempt_that_raises_anything_failed_and_the_next_provider_answers(
    steps: dict[str, Callable[[], None]], odd: Makes, caplog: pytest.LogCaptureFixture
) -> None:
    odd(**steps)
    answered = answer(PROVIDERS_YAML)
    assert answered.status == 200
    assert types(answered.events) == [TryProvider, ProviderFailed, TryProvider, ProviderOk, RequestFinished]
    failed = one(answered.events, ProviderFailed)
    assert (failed.provider, failed.retryable) == ("odd", True)
    assert SECRET not in failed.error
    finished = one(answered.events, RequestFinished)
    assert (finished.provider, finished.outcome) == ("echo", "ok")
    assert SECRET not in caplog.text
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "in bug" in caplog.text, "the log shows where"


def test_the_words_of_such_a_failure_name_the_exception(odd: Makes) -> None:
    odd(attempted=bug)
    failed = one(answer(PROVIDERS_YAML).events, ProviderFailed)
    assert (failed.error_type, failed.error) == ("protocol", "LookupError: sent ***")


def test_an_answer_that_raises_anything_is_a_failure_of_its_provider(
    odd: Makes, caplog: pytest.LogCaptureFixture
) -> None:
    odd(answered=bug)
    answered = answer(PROVIDERS_YAML)
    failed = one(answered.events, ProviderFailedMidstream)
    assert (failed.provider, failed.error) == ("odd", "LookupError: sent ***")
    finished = one(answered.events, RequestFinished)
    assert (finished.outcome, finished.error_type) == ("midstream", "protocol")
    assert SECRET not in caplog.text


def test_a_request_is_counted_even_if_what_its_answer_reported_is_lost(odd: Makes) -> None:
    odd(logged=bug)
    finished = one(answer(PROVIDERS_YAML).events, RequestFinished)
    assert (finished.provider, finished.stop_reason) == ("odd", None)
