"""Check providers: a table of probes, each a small question or two without side effects."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from coderouter_proxy import redact
from coderouter_proxy.config.schema import Config, Provider
from coderouter_proxy.config.validation import ConfigErrors
from coderouter_proxy.doctor import failures
from coderouter_proxy.doctor.model_client import Model
from coderouter_proxy.doctor.probes import chat, context, leaks, streaming, thinking, tools
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers import http
from coderouter_proxy.routing import capabilities

PROVIDER_S_MAX = 600  # for all probes of a provider together

Say = Callable[[str], object]


@dataclass(frozen=True)
class Probe:
    """One question to a model; `run` raises a ProviderError where there is no answer to judge."""

    name: str
    asks: str
    mends: str
    run: Callable[[Model], Awaitable[Result]]


PROBES = (
    Probe("chat", "Does it answer, and take the key?", "", chat.probe),
    Probe(
        "context",
        "Does a word come back that stands at the beginning of a long prompt? "
        f"It fills {context.USED_SHARE:.0%} of the declared `num_ctx`, up to {context.PROMPT_TOKENS_MAX:,} tokens; "
        f"without one it has {context.PROMPT_TOKENS:,}, or what fits into a known `max_context_tokens`.",
        "`extra_body.options.num_ctx`",
        context.probe,
    ),
    Probe(
        "streaming",
        f"Does a streamed count to {streaming.LAST} arrive whole, with a stop reason?",
        "`extra_body.max_tokens`, `extra_body.options.num_predict`",
        streaming.probe,
    ),
    Probe(
        "tools",
        "Does it call a harmless tool: really, as text that the proxy mends, or not at all?",
        "`capabilities.tools`",
        tools.probe,
    ),
    Probe(
        "thinking",
        "Does it think when it is asked to? Only of the kind `anthropic`.",
        "`capabilities.thinking`",
        thinking.probe,
    ),
    Probe(
        "leaks",
        "Do its raw answers hold `<think>`, stop markers, or nothing but a reasoning field?",
        "`output_filters`, `capabilities.reasoning_passthrough`",
        leaks.probe,
    ),
)


def chosen(config: Config, names: Sequence[str], *, all_providers: bool) -> list[Provider | Result]:
    """Return the providers to check; in place of each that may cost money and was not named, why it is not.

    Raises:
        ConfigErrors: there is no provider of one of these names.
    """
    unknown = [name for name in names if config.provider(name) is None]
    if unknown:
        known = ", ".join(provider.name for provider in config.providers)
        raise ConfigErrors([f"there is no provider {name!r}; there are {known}" for name in unknown])
    return [
        _not_asked(provider)
        if provider.paid and not config.allow_paid and provider.name not in names
        else provider
        for provider in config.providers
        if all_providers or provider.name in names
    ]


def _not_asked(provider: Provider) -> Result:
    why = "paid, and allow_paid is false; name it with --check-model to ask it all the same"
    return replace(_skipped(why), check=PROBES[0].name, subject=provider.name)


def check_models(
    chosen: Sequence[Provider | Result],
    rules: list[capabilities.CapabilityRule],
    timeout_s: float | None,
    say: Say,
) -> list[Result]:
    """Return the results of all probes, provider by provider; `say` is told what is asked now.

    `timeout_s` is the most that one question may take; None leaves that to each provider's own `timeout_s`.
    """

    async def check_all() -> list[Result]:
        results: list[Result] = []
        for each in chosen:
            results += [each] if isinstance(each, Result) else await check(each, rules, timeout_s, say)
        return results

    return asyncio.run(check_all())


async def check(
    provider: Provider, rules: list[capabilities.CapabilityRule], timeout_s: float | None, say: Say
) -> list[Result]:
    if provider.kind == "echo":
        built_in = Result(verdict=Verdict.OK, message="built in: answers with the user's words, asks nobody")
        rest = [_skipped("it is no model")] * (len(PROBES) - 1)
        return _named([built_in, *rest], provider)
    async with http.new_session() as session:
        model = Model(provider, capabilities.resolve(provider, rules), session, timeout_s)
        return _named([_scrubbed(result, model.key) for result in await _probed(model, say)], provider)


async def _probed(model: Model, say: Say) -> list[Result]:
    """Return one result for each probe; without an answer to the first one the others are not tried."""
    results: list[Result] = []
    loop = asyncio.get_running_loop()
    over_at = loop.time() + PROVIDER_S_MAX
    for probe in PROBES:
        if results and results[0].verdict is not Verdict.OK:
            results.append(_skipped(f"{PROBES[0].name} failed"))
        elif loop.time() >= over_at:
            results.append(_skipped(f"the {PROVIDER_S_MAX:g} s for one provider are over"))
        else:
            say(f"{model.provider.name}: {probe.name}")
            results.append(await _run(probe, model, over_at))
    return results


async def _run(probe: Probe, model: Model, over_at: float) -> Result:
    try:
        async with asyncio.timeout_at(over_at):
            return await probe.run(model)
    except ProviderError as failure:
        return failures.result_of(failure, model.provider, model.key)
    except TimeoutError:
        message = f"not over when the {PROVIDER_S_MAX:g} s for one provider were"
        return Result(verdict=Verdict.TRANSPORT_ERROR, message=message, remedy="give a lower --timeout")


def _skipped(why: str) -> Result:
    return Result(verdict=Verdict.SKIP, message=why)


def _scrubbed(result: Result, key: str) -> Result:
    """Return the result without keys: a provider's words may quote one."""
    return replace(result, message=redact.shortened(redact.scrubbed(result.message, key)))


def _named(results: list[Result], provider: Provider) -> list[Result]:
    return [
        replace(result, check=probe.name, subject=provider.name)
        for probe, result in zip(PROBES, results, strict=True)
    ]
