"""The clients of the kinds of providers that are reached over HTTP, which `config/kinds.py` names."""

from dataclasses import replace
from functools import partial

from coderouter_proxy.config.schema import Provider
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.providers.http_provider import HttpProvider
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.relay.choose import choose
from coderouter_proxy.relay.output_filters.filters import FILTERS
from coderouter_proxy.relay.text import AnswerPolicy
from coderouter_proxy.wires.anthropic.provider import AnthropicProvider
from coderouter_proxy.wires.openai.provider import OpenAIProvider
from coderouter_proxy.wires.provider import ProviderWire
from coderouter_proxy.wires.responses.provider import ResponsesProvider


def openai(
    provider: Provider, policy: AnswerPolicy, traits: ProviderTraits, transport: Transport
) -> HttpProvider:
    return _speaking(OpenAIProvider(), provider, policy, traits, transport)


def anthropic(
    provider: Provider, policy: AnswerPolicy, traits: ProviderTraits, transport: Transport
) -> HttpProvider:
    return _speaking(AnthropicProvider(), provider, policy, traits, transport)


def openai_responses(
    provider: Provider, policy: AnswerPolicy, traits: ProviderTraits, transport: Transport
) -> HttpProvider:
    return _speaking(ResponsesProvider(), provider, policy, traits, transport)


def _speaking(
    wire: ProviderWire,
    provider: Provider,
    policy: AnswerPolicy,
    traits: ProviderTraits,
    transport: Transport,
) -> HttpProvider:
    for name in policy.filters:
        FILTERS[name]()  # compiles its patterns, for which a request would have to wait
    policy = replace(policy, repairs_text_calls=wire.repairs_text_calls(provider))
    return HttpProvider(provider, wire, partial(choose, policy=policy), traits, transport)
