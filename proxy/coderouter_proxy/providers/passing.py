"""Requests whose body and answer are passed on unchanged: embeddings and rerank."""

from collections.abc import Mapping
from functools import partial
from typing import NoReturn

from coderouter_events.closed_sets import Ingress
from coderouter_proxy import aside
from coderouter_proxy.answer import NO_USAGE, Answer, AnswerLog, Usage
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers.http_provider import HttpProvider
from coderouter_proxy.providers.response import Response
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.request import Body, ClientRequest
from coderouter_proxy.wires.openai.provider import OpenAIProvider
from coderouter_proxy.wires.provider import Drop, ProviderWire, by_hand
from coderouter_proxy.wires.token_report import TokenReport


class PassingProvider(HttpProvider):
    """A provider's `/embeddings` or `/rerank`, under its `base_url`."""

    def __init__(self, provider: Provider, ingress: Ingress, transport: Transport) -> None:
        super().__init__(
            provider,
            OpenAIProvider(),
            _no_relay,
            ProviderTraits(),
            transport,
            url=f"{provider.base_url}/{ingress}",
        )

    def _body(
        self,
        request: ClientRequest,
        profile: Profile,
        traits: ProviderTraits,
        drop: Drop,
        refused: ProviderError | None,
    ) -> Body:
        del profile, traits, refused
        model = self.provider.model or request.body.get("model")
        body = {**self.provider.extra_body, **request.body, "model": model}
        body.pop("profile", None)
        return by_hand(body, self.provider, drop)

    def _more_headers(self, request: ClientRequest, traits: ProviderTraits) -> Mapping[str, str]:
        return {}

    async def _relayed(self, request: ClientRequest, data: bytes, response: Response) -> Answer:
        answer = await aside.unless_small(
            len(data), aside.ANSWER_BYTES_INLINE_MAX, partial(self.wire.decoded, data)
        )
        log = AnswerLog(usage=_usage(answer), complete=True)
        return Answer(pieces=data, log=lambda: log)

    def _from_failed_generation(self, request: ClientRequest, error: ProviderError) -> Answer | None:
        return None


def _no_relay(wire: ProviderWire, request: ClientRequest) -> NoReturn:
    raise AssertionError("nothing is relayed")


def _usage(answer: Body) -> Usage:
    """Return what OpenAI, Jina, llama.cpp and vLLM have in `usage`, and Cohere in `meta`; nothing is generated."""
    report = TokenReport()
    tokens = report.count(answer.get("usage"), "prompt_tokens", "input_tokens", "total_tokens")
    if tokens is None and isinstance(meta := answer.get("meta"), dict):
        tokens = report.count(meta.get("tokens"), "input_tokens")
        if tokens is None:
            tokens = report.count(meta.get("billed_units"), "input_tokens")
    return NO_USAGE if tokens is None else Usage(tokens, 0, nonsense=report.nonsense)
