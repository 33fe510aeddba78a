"""A streamed reply arrives complete: no token limit truncates it."""

import re
from collections.abc import Mapping
from typing import Any

from coderouter_proxy.doctor.model_client import ModelClient
from coderouter_proxy.doctor.reply import Reply
from coderouter_proxy.doctor.result import Result, Verdict

LAST = 100  # about 250 tokens: num_predict of older Ollama versions is 128
QUESTION = f"Count from 1 to {LAST}: all numbers in one line, with commas between them, and nothing else."
LIMIT_TOKENS = 4096
TRUNCATED = ("max_tokens", "model_context_window_exceeded")
LIMITS = ("max_tokens", "max_completion_tokens")


async def probe(model: ModelClient) -> Result:
    limit = {"max_tokens": LIMIT_TOKENS} if model.wire.requires_max_tokens else {}
    reply = await model.ask(QUESTION, stream=True, **limit)
    reached = _last_number(reply)
    if reply.stop_reason is None and not (reply.complete and reached == LAST):
        return Result(
            verdict=Verdict.TRANSPORT_ERROR,
            message=f"the stream broke off at {reached} of a count to {LAST}, without a stop reason",
            remedy="check the server's log",
        )
    if reply.stop_reason in TRUNCATED:
        return _truncated(model, f"a token limit truncates a count to {LAST} at {reached}")
    if reached == LAST:
        no_reason = "" if reply.stop_reason else ", but without a stop reason"
        return Result(verdict=Verdict.OK, message=f"a count to {LAST} arrives complete{no_reason}")
    if reached and "..." not in reply.text and "…" not in reply.text and _raised_limits(model):
        return _truncated(model, f"a count to {LAST} ends at {reached}")
    return Result(
        verdict=Verdict.OK, message=f"ends cleanly, although the model did not count to {LAST} as instructed"
    )


def _last_number(reply: Reply) -> int:
    """Return the highest number that the count reached."""
    numbers = {int(number) for number in re.findall(r"\d{1,9}", reply.text or reply.thinking)}
    return max((number for number in numbers if number <= LAST), default=0)


def _truncated(model: ModelClient, message: str) -> Result:
    patch = _raised_limits(model)
    return Result(
        verdict=Verdict.NEEDS_TUNING,
        message=message,
        remedy=""
        if patch
        else "raise the server's own limit (a Modelfile's num_predict, llama.cpp: -n) or its context",
        patch=patch,
    )


def _raised_limits(model: ModelClient) -> dict[str, Any]:
    """Return a patch that raises the limits that `extra_body` sets too low, or sets one if there is none."""
    provider = model.provider
    if model.wire.requires_max_tokens:  # every request brings its own
        return {}
    declared = {name: provider.extra_body[name] for name in LIMITS if name in provider.extra_body}
    options = provider.extra_body.get("options")
    num_predict = options.get("num_predict") if isinstance(options, Mapping) else None
    raised: dict[str, Any] = {name: LIMIT_TOKENS for name, limit in declared.items() if _is_low(limit)}
    if _is_low(num_predict):
        raised["options"] = {"num_predict": LIMIT_TOKENS}
    if not declared and num_predict is None:
        raised["max_tokens"] = LIMIT_TOKENS
    return {"extra_body": raised} if raised else {}


def _is_low(limit: object) -> bool:
    return isinstance(limit, int) and 0 <= limit < LIMIT_TOKENS  # Ollama's -1 means no limit
