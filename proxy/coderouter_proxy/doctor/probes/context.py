"""The declared context is really used: the model recalls a word from the beginning of a long prompt."""

import secrets
from collections.abc import Mapping

from coderouter_proxy import token_estimate
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.doctor.model_client import REPLY_TOKENS_MAX, ModelClient
from coderouter_proxy.doctor.reply import Reply
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.routing import capabilities

PROMPT_TOKENS = 8_000  # a coding agent's first request is longer
PROMPT_TOKENS_MAX = 24_000  # takes minutes on a machine without a GPU
# Share of a declared context to fill. The rest is for the answer, and for an estimate that is off by a fifth.
USED_SHARE = 0.75
# A provider that counts fewer tokens than this share of the estimate has read only a part of the prompt.
READ_SHARE_MIN = 0.6
NUM_CTX = 16_384

FILLER = (
    "{number}. The ferry left the harbour at noon, and nobody on the quay knew who had paid for the lamp.\n"
)


async def probe(model: ModelClient) -> Result:
    word = _random_word()
    prompt = _prompt(word, prompt_tokens(model))
    sent_tokens = token_estimate.estimate({"messages": [{"role": "user", "content": prompt}]})
    try:
        reply = await model.ask(prompt, max_tokens=REPLY_TOKENS_MAX)
    except ProviderError as error:
        if error.too_long:
            return _too_long(model, sent_tokens)
        raise
    if _recalls(reply, word):
        return Result(
            verdict=Verdict.OK,
            message=f"recalls a word from the beginning of a prompt of about {sent_tokens:,} tokens",
        )
    read_tokens = reply.input_tokens
    if read_tokens is not None and read_tokens > sent_tokens * READ_SHARE_MIN:
        return Result(
            verdict=Verdict.OK,
            message=f"reads all {read_tokens:,} tokens of a prompt, but does not recall a word from its beginning",
            remedy="the context is large enough, but this model makes little use of it",
        )
    if read_tokens is None and not await _recalls_short_prompt(model):
        return Result(
            verdict=Verdict.SKIP,
            message="cannot tell: the model does not recall a word from a short prompt either",
        )
    return _truncated(model, sent_tokens, read_tokens)


def num_ctx(provider: Provider) -> int | None:
    """Return the context that requests ask Ollama for."""
    options = provider.extra_body.get("options")
    value = options.get("num_ctx") if isinstance(options, Mapping) else None
    return value if isinstance(value, int) and value > 0 else None


def prompt_tokens(model: ModelClient) -> int:
    """Return how long the prompt has to be to show whether the declared context is there."""
    if declared := num_ctx(model.provider):
        return min(int(declared * USED_SHARE), PROMPT_TOKENS_MAX)
    known = model.capabilities.max_context_tokens
    return min(int(known * USED_SHARE), PROMPT_TOKENS) if known else PROMPT_TOKENS


def _random_word() -> str:
    return f"HERON-{1000 + secrets.randbelow(9000)}"


def _prompt(word: str, tokens: int) -> str:
    lines = [f"The word to remember is {word}. A long text follows.\n\n"]
    chars = 0
    while chars < tokens * token_estimate.CHARS_PER_TOKEN:
        lines.append(FILLER.format(number=len(lines)))
        chars += len(lines[-1])
    return "".join((*lines, "\nWhich word was to be remembered? Answer with that word only."))


def _recalls(reply: Reply, word: str) -> bool:
    return word.lower() in f"{reply.text} {reply.thinking}".lower()


async def _recalls_short_prompt(model: ModelClient) -> bool:
    word = _random_word()
    return _recalls(await model.ask(_prompt(word, 0), max_tokens=REPLY_TOKENS_MAX), word)


def _too_long(model: ModelClient, sent_tokens: int) -> Result:
    return Result(
        verdict=Verdict.NEEDS_TUNING,
        message=f"rejects a prompt of about {sent_tokens:,} tokens as too long",
        remedy="start the server with a larger context (llama.cpp: -c, vLLM: --max-model-len), or declare the real "
        f"one: max_context_tokens of {model.provider.model or 'the model'} in {capabilities.USER_FILE}",
    )


def _truncated(model: ModelClient, sent_tokens: int, read_tokens: int | None) -> Result:
    """Return what to do about a prompt whose beginning was silently dropped, as Ollama does."""
    message = f"the beginning of a prompt of about {sent_tokens:,} tokens is lost"
    if read_tokens is not None:
        message += f": the provider read {read_tokens:,}"
    if model.wire.requires_max_tokens:
        remedy = f"start the server with a larger context (Ollama: OLLAMA_CONTEXT_LENGTH={NUM_CTX})"
        return Result(verdict=Verdict.NEEDS_TUNING, message=message, remedy=remedy)
    declared = num_ctx(model.provider)
    on_the_server = "start it with OLLAMA_CONTEXT_LENGTH={0}, or create a model with `PARAMETER num_ctx {0}`"
    if declared:
        return Result(
            verdict=Verdict.NEEDS_TUNING,
            message=f"{message}, although num_ctx is {declared}",
            remedy=f"Ollama's /v1 ignores num_ctx in a request: {on_the_server.format(declared)}",
        )
    return Result(
        verdict=Verdict.NEEDS_TUNING,
        message=message,
        remedy=f"apply the patch; if Ollama ignores it, {on_the_server.format(NUM_CTX)}",
        patch={"extra_body": {"options": {"num_ctx": NUM_CTX}}},
    )
