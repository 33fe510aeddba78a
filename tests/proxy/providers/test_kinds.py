"""A kind of provider is one row and what it names: a kind made up here serves a request."""

from collections.abc import AsyncGenerator

import pytest

from coderouter_events.events import ProviderOk, RequestFinished
from coderouter_proxy.answer import Answer, AnswerLog, Attempt, Usage
from coderouter_proxy.config import kinds, load
from coderouter_proxy.config.kinds import ProviderKind
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.config.validation import ConfigErrors
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.relay.text import AnswerPolicy
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.wires.provider import Drop
from support.proxy.in_process import answer

PROVIDERS_YAML = """\
default_profile: toys
providers:
  - {name: bear, kind: toy, model: brown}
profiles:
  - {name: toys, providers: [bear]}
"""


class Toy:
    secrets: tuple[str, ...] = ()

    def __init__(
        self,
        provider: Provider,
        policy: AnswerPolicy,
        traits: ProviderTraits,
        transport: Transport,
    ) -> None:
        self.provider = provider
        self.traits = traits

    async def attempt(
        self,
        request: ClientRequest,
        profile: Profile,
        traits: ProviderTraits,
        drop: Drop,
        refused: ProviderError | None = None,
    ) -> Attempt:
        async def pieces() -> AsyncGenerator[bytes]:
            yield b'{"toy": "%b"}' % self.provider.model.encode()

        return Attempt(
            answer=Answer(pieces=pieces(), log=lambda: AnswerLog(usage=Usage(3, 4), stop_reason="stop"))
        )

    def written(
        self,
        request: ClientRequest,
        profile: Profile,
        traits: ProviderTraits,
        refused: ProviderError | None = None,
    ) -> object:
        return request.body

    def runs_hosted_tools(self, request: ClientRequest) -> bool:
        return False

    def may_have(self, request: ClientRequest) -> bool:
        return False

    async def count_tokens(self, request: ClientRequest, profile: Profile) -> int | None:
        return None


def test_a_kind_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    row = ProviderKind(name="toy", client=f"{__name__}:Toy", about="is a toy", needs_address=False)
    monkeypatch.setitem(kinds.PROVIDER_KINDS, "toy", row)

    answered = answer(PROVIDERS_YAML)

    assert (answered.status, answered.json) == (200, {"toy": "brown"})
    assert [type(event) for event in answered.events][-2:] == [ProviderOk, RequestFinished]
    finished = answered.events[-1]
    assert isinstance(finished, RequestFinished)
    assert (finished.provider, finished.input_tokens, finished.output_tokens) == ("bear", 3, 4)


@pytest.mark.parametrize("kind", ["ollama", "openai", "antropic", "Responses"])
def test_a_kind_that_is_meant_to_be_one_of_ours_is_an_error_that_names_them(kind: str) -> None:
    with pytest.raises(ConfigErrors, match=f"is '{kind}'; write 'openai_compat', "):
        load.parse(PROVIDERS_YAML.replace("kind: toy", f"kind: {kind}"), "providers.yaml")
