"""The built-in provider: answers with the user's words, for a machine without a model, for demos and tests."""

import re
from collections.abc import AsyncGenerator
from typing import Any

from coderouter_proxy.answer import Answer, AnswerLog, Attempt, Usage
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.providers.windows import Window
from coderouter_proxy.relay.text import AnswerPolicy
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.wires.client import named_model
from coderouter_proxy.wires.clients import CLIENT_WIRES
from coderouter_proxy.wires.deltas import Delta, Stop, Text
from coderouter_proxy.wires.provider import Drop


class Echo:
    """Repeats the latest user message, word by word if streamed; a word counts as a token."""

    secrets: tuple[str, ...] = ()

    def __init__(
        self,
        provider: Provider,
        policy: AnswerPolicy,
        traits: ProviderTraits,
        transport: Transport,
    ) -> None:
        del policy, transport
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
        del profile, traits, drop, refused
        echoed = _Echoed(request, self.provider.model)
        return Attempt(answer=Answer(pieces=echoed.pieces(), log=echoed.log))

    def written(
        self,
        request: ClientRequest,
        profile: Profile,
        traits: ProviderTraits,
        refused: ProviderError | None = None,
    ) -> object:
        del profile, traits, refused
        return request.body

    def runs_hosted_tools(self, request: ClientRequest) -> bool:
        return False

    def may_have(self, request: ClientRequest) -> bool:
        return False

    async def count_tokens(self, request: ClientRequest, profile: Profile) -> int | None:
        return None

    async def context_window(self) -> Window:
        return Window(None)


class _Echoed:
    """One answer."""

    def __init__(self, request: ClientRequest, model: str) -> None:
        messages = request.outline["messages"]
        words = re.findall(r"\s*\S+|\s+$", _newest_user_text(messages)) or ["…"]
        prompt = sum(len(_text(message.get("content")).split()) for message in messages)
        self._request = request
        self._model = model or named_model(request.body)
        self._deltas: list[Delta] = [Text(word) for word in words]
        self._usage = Usage(input_tokens=prompt, output_tokens=len(words))
        self._complete = False

    async def pieces(self) -> AsyncGenerator[bytes]:
        writer = CLIENT_WIRES[self._request.ingress].writer(self._request, self._model)
        stop = Stop("end_turn")
        if self._request.stream:
            yield writer.begin()
            for delta in self._deltas:
                yield writer.write([delta])
            yield writer.end(stop, self._usage)
        else:
            yield writer.whole(self._deltas, stop, self._usage)
        self._complete = True

    def log(self) -> AnswerLog:
        return AnswerLog(usage=self._usage, stop_reason="stop", complete=self._complete)


def _newest_user_text(messages: list[dict[str, Any]]) -> str:
    return next((_text(m.get("content")) for m in reversed(messages) if m.get("role") == "user"), "")


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part["text"]) for part in parts if isinstance(part, dict) and "text" in part)
