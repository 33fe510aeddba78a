"""A provider of the Anthropic wire thinks if and only if that is declared."""

from typing import Any

from coderouter_proxy.doctor.model_client import ModelClient
from coderouter_proxy.doctor.reply import Reply
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.errors import ProviderError

QUESTION = (
    "A farmer has 17 sheep, and all but 9 run away. He buys twice as many as are left. How many has he?"
)
MAX_TOKENS = 2048
ENABLED = {"type": "enabled", "budget_tokens": 1024}  # the minimum that Anthropic accepts
ADAPTIVE = {"type": "adaptive"}  # what newer models accept instead
BLOCKS = ("thinking", "redacted_thinking")


async def probe(model: ModelClient) -> Result:
    if not model.wire.thinks_on_request:
        return Result(verdict=Verdict.SKIP, message="applies only to providers of kind anthropic")
    thinks = await _thinks(model)
    found = "thinks on request" if thinks else "does not think on request"
    if thinks == model.capabilities.thinking:
        return Result(verdict=Verdict.OK, message=f"{found}, as declared")
    return Result(
        verdict=Verdict.NEEDS_TUNING,
        message=f"{found}, unlike declared",
        patch={"capabilities": {"thinking": thinks}},
    )


async def _thinks(model: ModelClient) -> bool:
    if (reply := await _ask(model, ENABLED)) is not None:
        blocks = reply.body.get("content", [])
        return any(isinstance(block, dict) and block.get("type") in BLOCKS for block in blocks)
    # With adaptive thinking the model itself decides whether to think, so accepting the field is all that shows.
    return await _ask(model, ADAPTIVE) is not None


async def _ask(model: ModelClient, thinking: dict[str, Any]) -> Reply | None:
    """Return the reply; None if the provider rejects the field."""
    try:
        return await model.ask(QUESTION, thinking=thinking, max_tokens=MAX_TOKENS)
    except ProviderError as error:
        if error.error_type != "upstream_4xx":
            raise
        return None
