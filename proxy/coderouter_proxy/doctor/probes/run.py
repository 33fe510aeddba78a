"""Check providers with a table of probes; each asks a small question or two without side effects."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from coderouter_proxy import redact
from coderouter_proxy.config.kinds import PROVIDER_KINDS
from coderouter_proxy.config.schema import Config, Provider
from coderouter_proxy.config.validation import ConfigErrors
from coderouter_proxy.doctor import failures
from coderouter_proxy.doctor.model_client import ModelClient
from coderouter_proxy.doctor.probes import chat, context, leaks, streaming, thinking, tools
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers.credentials import secrets
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.routing import capabilities

PROVIDER_S_MAX = 600  # for all probes of a provider together

OnProgress = Callable[[str], object]


@dataclass(frozen=True)
class Probe:
    """One check of a model; `run` raises a ProviderError when there is no reply to judge.

    `question` and `patched_fields` are what the documentation says about it.
    """

    name: str
    question: str
    patched_fields: str
    run: Callable[[ModelClient], Awaitable[Result]]


PROBES = (
    Probe("chat", "Does it answer and accept the key?", "", chat.probe),
    Probe(
        "context",
        "Does it recall a word from the beginning of a long prompt? "
        f"The prompt fills {context.USED_SHARE:.0%} of the declared `num_ctx`, up to "
        f"{context.PROMPT_TOKENS_MAX:,} tokens; without `num_ctx` it has {context.PROMPT_TOKENS:,}, or what fits "
        "into a known `max_context_tokens`.",
        "`extra_body.options.num_ctx`",
        context.probe,
    ),
    Probe(
        "streaming",
        f"Does a streamed count to {streaming.LAST} arrive complete, with a stop reason?",
        "`extra_body.max_tokens`, `extra_body.options.num_predict`",
        streaming.probe,
    ),
    Probe(
        "tools",
        "Does it call a harmless tool: natively, as text that the proxy converts, or not at all?",
        "`capabilities.tools`",
        tools.probe,
    ),
    Probe(
        "thinking",
        "Does it think on request? Only for kind `anthropic`.",
        "`capabilities.thinking`",
        thinking.probe,
    ),
    Probe(
        "leaks",
        "Do its raw replies contain thinking, stop markers, tags of tool calls or bytes, or only a reasoning field?",
        "`output_filters`, `capabilities.reasoning_passthrough`",
        leaks.probe,
    ),
)


def select_providers(config: Config, names: Sequence[str], *, all_providers: bool) -> list[Provider | Result]:
    """Return the providers to check; for a paid one that is neither allowed nor named, the result of skipping it.

    Raises:
        ConfigErrors: there is no provider with one of these names.
    """
    unknown = [name for name in names if config.provider(name) is None]
    if unknown:
        known = ", ".join(provider.name for provider in config.providers)
        raise ConfigErrors([f"there is no provider {name!r}; the providers are {known}" for name in unknown])
    return [
        _skip_paid(provider)
        if provider.paid and not config.allow_paid and provider.name not in names
        else provider
        for provider in config.providers
        if all_providers or provider.name in names
    ]


def _skip_paid(provider: Provider) -> Result:
    why = f"paid, and allow_paid is false; to check it anyway: --check-model {provider.name}"
    return replace(_skip(why), check=PROBES[0].name, subject=provider.name)


def check_models(
    selection: Sequence[Provider | Result],
    rules: list[capabilities.CapabilityRule],
    timeout_s: float | None,
    on_progress: OnProgress,
) -> list[Result]:
    """Return the results of all probes, provider by provider; `on_progress` gets a text before each probe.

    `timeout_s` limits each question; None means each provider's own `timeout_s`.
    """

    async def check_all() -> list[Result]:
        results: list[Result] = []
        for each in selection:
            results += (
                [each] if isinstance(each, Result) else await check(each, rules, timeout_s, on_progress)
            )
        return results

    return asyncio.run(check_all())


async def check(
    provider: Provider,
    rules: list[capabilities.CapabilityRule],
    timeout_s: float | None,
    on_progress: OnProgress,
) -> list[Result]:
    if not PROVIDER_KINDS[provider.kind].needs_address:
        built_in = Result(
            verdict=Verdict.OK, message="built in: answers with the user's words and sends nothing"
        )
        rest = [_skip("it is not a model")] * (len(PROBES) - 1)
        return _label([built_in, *rest], provider)
    async with Transport() as transport:
        model = ModelClient(provider, capabilities.resolve(provider, rules), transport, timeout_s)
        hidden = secrets(provider)
        return _label([_redact(result, hidden) for result in await _run_all(model, on_progress)], provider)


async def _run_all(model: ModelClient, on_progress: OnProgress) -> list[Result]:
    """Return one result for each probe; if the first one fails, the others are skipped."""
    results: list[Result] = []
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PROVIDER_S_MAX
    for probe in PROBES:
        if results and results[0].verdict is not Verdict.OK:
            results.append(_skip(f"{PROBES[0].name} failed"))
        elif loop.time() >= deadline:
            results.append(_skip(f"the limit of {PROVIDER_S_MAX:g} s for one provider is reached"))
        else:
            on_progress(f"{model.provider.name}: {probe.name}")
            results.append(await _run_one(probe, model, deadline))
    return results


async def _run_one(probe: Probe, model: ModelClient, deadline: float) -> Result:
    try:
        async with asyncio.timeout_at(deadline):
            return await probe.run(model)
    except ProviderError as error:
        return failures.result_for(error, model.provider, model.key)
    except TimeoutError:
        message = f"not finished within the limit of {PROVIDER_S_MAX:g} s for one provider"
        return Result(verdict=Verdict.TRANSPORT_ERROR, message=message, remedy="set a lower --timeout")


def _skip(why: str) -> Result:
    return Result(verdict=Verdict.SKIP, message=why)


def _redact(result: Result, hidden: Sequence[str]) -> Result:
    """Return the result without keys, which a provider's message may quote."""
    return replace(result, message=redact.shortened(redact.scrubbed(result.message, *hidden)))


def _label(results: list[Result], provider: Provider) -> list[Result]:
    return [
        replace(result, check=probe.name, subject=provider.name)
        for probe, result in zip(PROBES, results, strict=True)
    ]
