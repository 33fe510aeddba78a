"""A stream arrives whole: no limit of tokens cuts a longer answer off."""

import re
from collections.abc import Mapping
from typing import Any

from coderouter_proxy.config.schema import Provider
from coderouter_proxy.doctor.model_client import Heard, Model
from coderouter_proxy.doctor.result import Result, Verdict

LAST = 100  # some 250 tokens: num_predict of Ollama was 128 for long
QUESTION = f"Count from 1 to {LAST}: all numbers in one line, with commas between them, and nothing else."
LIMIT_TOKENS = 4096
CUT = ("max_tokens", "model_context_window_exceeded")
LIMITS = ("max_tokens", "max_completion_tokens")


async def probe(model: Model) -> Result:
    limit = {"max_tokens": LIMIT_TOKENS} if model.provider.kind == "anthropic" else {}
    heard = await model.ask(QUESTION, stream=True, **limit)
    reached = _reached(heard)
    if heard.stop_reason is None and not (heard.complete and reached == LAST):
        return Result(
            verdict=Verdict.TRANSPORT_ERROR,
            message=f"the stream broke off at {reached} of a count to {LAST}, without a stop reason",
            remedy="look into the server's log",
        )
    if heard.stop_reason in CUT:
        return _cut(model.provider, f"a limit of tokens cuts a count to {LAST} off at {reached}")
    if reached == LAST:
        why = "" if heard.stop_reason else ", but does not say why it ended"
        return Result(verdict=Verdict.OK, message=f"a count to {LAST} arrives whole{why}")
    if reached and "..." not in heard.text and "…" not in heard.text and _raised(model.provider):
        return _cut(model.provider, f"a count to {LAST} ends at {reached}")
    return Result(
        verdict=Verdict.OK, message=f"ends in form, though the model did not count to {LAST} as it was told"
    )


def _reached(heard: Heard) -> int:
    """Return the last number of the count that was said."""
    said = {int(number) for number in re.findall(r"\d{1,9}", heard.text or heard.thinking)}
    return max((number for number in said if number <= LAST), default=0)


def _cut(provider: Provider, message: str) -> Result:
    patch = _raised(provider)
    return Result(
        verdict=Verdict.NEEDS_TUNING,
        message=message,
        remedy=""
        if patch
        else "raise the server's own limit (a Modelfile's num_predict, llama.cpp: -n), or its context",
        patch=patch,
    )


def _raised(provider: Provider) -> dict[str, Any]:
    """Return the limits that `extra_body` sets too low, raised; or a limit where it sets none."""
    if provider.kind == "anthropic":  # there, every request brings its own
        return {}
    declared = {name: provider.extra_body[name] for name in LIMITS if name in provider.extra_body}
    options = provider.extra_body.get("options")
    predicted = options.get("num_predict") if isinstance(options, Mapping) else None
    raised: dict[str, Any] = {name: LIMIT_TOKENS for name, limit in declared.items() if _is_low(limit)}
    if _is_low(predicted):
        raised["options"] = {"num_predict": LIMIT_TOKENS}
    if not declared and predicted is None:
        raised["max_tokens"] = LIMIT_TOKENS
    return {"extra_body": raised} if raised else {}


def _is_low(limit: object) -> bool:
    return isinstance(limit, int) and 0 <= limit < LIMIT_TOKENS  # Ollama's -1 is no limit
