"""The context that is declared is really used: a word from the beginning of a long prompt comes back."""

import secrets
from collections.abc import Mapping

from coderouter_proxy import token_estimate
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.doctor.model_client import ANSWER_TOKENS_MAX, Heard, Model
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.routing import capabilities

PROMPT_TOKENS = 8_000  # a coding agent's first request is longer
PROMPT_TOKENS_MAX = 24_000  # minutes, on a machine without a GPU
USED_SHARE = (
    0.75  # of a declared context; the rest is for the answer, and for a guess that is wrong by a fifth
)
CUT_SHARE = 0.6  # a provider that counted fewer tokens than this share of the guess has read a part only
NUM_CTX = 16_384

FILLER = (
    "{number}. The ferry left the harbour at noon, and nobody on the quay knew who had paid for the lamp.\n"
)


async def probe(model: Model) -> Result:
    canary = _word()
    prompt = _prompt(canary, prompt_tokens(model))
    sent = token_estimate.estimate({"messages": [{"role": "user", "content": prompt}]})
    try:
        heard = await model.ask(prompt, max_tokens=ANSWER_TOKENS_MAX)
    except ProviderError as failure:
        if failure.too_long:
            return _refused(model, sent)
        raise
    if _repeats(heard, canary):
        return Result(
            verdict=Verdict.OK, message=f"finds a word at the beginning of a prompt of about {sent:,} tokens"
        )
    read = heard.input_tokens
    if read is not None and read > sent * CUT_SHARE:
        return Result(
            verdict=Verdict.OK,
            message=f"reads all of a prompt of {read:,} tokens, but does not find a word at its beginning",
            remedy="the context is there; this model makes little use of it",
        )
    if read is None and not await _can_repeat(model):
        return Result(
            verdict=Verdict.SKIP,
            message="cannot tell: the model does not repeat a word of a short prompt either",
        )
    return _cut(model, sent, read)


def num_ctx(provider: Provider) -> int | None:
    """Return the context that Ollama is asked for."""
    options = provider.extra_body.get("options")
    value = options.get("num_ctx") if isinstance(options, Mapping) else None
    return value if isinstance(value, int) and value > 0 else None


def prompt_tokens(model: Model) -> int:
    """Return how long a prompt has to be to tell whether the declared context is there."""
    if asked := num_ctx(model.provider):
        return min(int(asked * USED_SHARE), PROMPT_TOKENS_MAX)
    known = model.known.max_context_tokens
    return min(int(known * USED_SHARE), PROMPT_TOKENS) if known else PROMPT_TOKENS


def _word() -> str:
    return f"HERON-{1000 + secrets.randbelow(9000)}"


def _prompt(canary: str, wanted_tokens: int) -> str:
    lines = [f"The word to remember is {canary}. A long text follows.\n\n"]
    chars = 0
    while chars < wanted_tokens * token_estimate.CHARS_PER_TOKEN:
        lines.append(FILLER.format(number=len(lines)))
        chars += len(lines[-1])
    return "".join((*lines, "\nWhich word was to be remembered? Answer with that word only."))


def _repeats(heard: Heard, canary: str) -> bool:
    return canary.lower() in f"{heard.text} {heard.thinking}".lower()


async def _can_repeat(model: Model) -> bool:
    canary = _word()
    return _repeats(await model.ask(_prompt(canary, 0), max_tokens=ANSWER_TOKENS_MAX), canary)


def _refused(model: Model, sent: int) -> Result:
    return Result(
        verdict=Verdict.NEEDS_TUNING,
        message=f"refuses a prompt of about {sent:,} tokens as too long",
        remedy="start the server with a larger context (llama.cpp: -c, vLLM: --max-model-len), or declare the real "
        f"one: max_context_tokens of {model.provider.model or 'the model'} in {capabilities.USER_FILE}",
    )


def _cut(model: Model, sent: int, read: int | None) -> Result:
    """Return what to do where the beginning of the prompt was silently left out, as Ollama does it."""
    message = f"the beginning of a prompt of about {sent:,} tokens is lost"
    if read is not None:
        message += f": the provider read {read:,}"
    if model.provider.kind != "openai_compat":
        remedy = f"start the server with a larger context (Ollama: OLLAMA_CONTEXT_LENGTH={NUM_CTX})"
        return Result(verdict=Verdict.NEEDS_TUNING, message=message, remedy=remedy)
    asked = num_ctx(model.provider)
    on_the_server = "start it with OLLAMA_CONTEXT_LENGTH={0}, or make a model with `PARAMETER num_ctx {0}`"
    if asked:
        return Result(
            verdict=Verdict.NEEDS_TUNING,
            message=f"{message}, though num_ctx asks for {asked}",
            remedy=f"Ollama's /v1 takes no num_ctx from a request: {on_the_server.format(asked)}",
        )
    return Result(
        verdict=Verdict.NEEDS_TUNING,
        message=message,
        remedy=f"apply the patch; where Ollama ignores it, {on_the_server.format(NUM_CTX)}",
        patch={"extra_body": {"options": {"num_ctx": NUM_CTX}}},
    )
