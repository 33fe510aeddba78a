"""Thinking of the Anthropic wire: as it is declared."""

from typing import Any

from coderouter_proxy.doctor.model_client import Heard, Model
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.errors import ProviderError

QUESTION = (
    "A farmer has 17 sheep, and all but 9 run away. He buys twice as many as are left. How many has he?"
)
MAX_TOKENS = 2048
ENABLED = {"type": "enabled", "budget_tokens": 1024}  # the least that Anthropic takes
ADAPTIVE = {"type": "adaptive"}  # what newer models take instead
BLOCKS = ("thinking", "redacted_thinking")


async def probe(model: Model) -> Result:
    if model.provider.kind != "anthropic":
        return Result(verdict=Verdict.SKIP, message="asked of providers of the Anthropic wire only")
    real = await _thinks(model)
    found = "thinks when it is asked to" if real else "does not think when it is asked to"
    if real == model.known.thinking:
        return Result(verdict=Verdict.OK, message=f"{found}, as declared")
    return Result(
        verdict=Verdict.NEEDS_TUNING,
        message=f"{found}; it is declared otherwise",
        patch={"capabilities": {"thinking": real}},
    )


async def _thinks(model: Model) -> bool:
    if (heard := await _asked(model, ENABLED)) is not None:
        blocks = heard.raw.get("content", [])
        return any(isinstance(block, dict) and block.get("type") in BLOCKS for block in blocks)
    # Whether to think is the model's own choice then: that it takes the field is all there is to know.
    return await _asked(model, ADAPTIVE) is not None


async def _asked(model: Model, thinking: dict[str, Any]) -> Heard | None:
    """Return the answer; None where the field is refused."""
    try:
        return await model.ask(QUESTION, thinking=thinking, max_tokens=MAX_TOKENS)
    except ProviderError as failure:
        if failure.error_type != "upstream_4xx":
            raise
        return None
