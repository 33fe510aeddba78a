"""What leaks into replies: thinking, markers of the prompt format, tags of tool calls, reasoning in another field."""

from collections.abc import Iterator

from coderouter_proxy.config.provider import OutputFilter
from coderouter_proxy.doctor.model_client import REPLY_TOKENS_MAX, ModelClient
from coderouter_proxy.doctor.probes.tools import repaired
from coderouter_proxy.doctor.reply import Reply
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.relay.output_filters.filters import FILTERS

QUESTION = "What is 17 times 3? Think first, then answer with the number."


async def probe(model: ModelClient) -> Result:
    """Judge all replies so far, and one for which the model has to think."""
    await model.ask(QUESTION, max_tokens=REPLY_TOKENS_MAX)
    changing = {name for reply in model.replies for name in _changing(reply)}
    needed = [name for name in FILTERS if name in changing]
    declared = model.provider.output_filters
    if missing := [name for name in needed if name not in declared]:
        return Result(
            verdict=Verdict.NEEDS_TUNING,
            message=f"its replies contain what {' and '.join(missing)} would remove",
            patch={"output_filters": [*declared, *missing]},
        )
    return _reasoning_result(model) or Result(
        verdict=Verdict.OK,
        message=f"{' and '.join(needed)} removes what leaks" if needed else "nothing leaks",
    )


def _changing(reply: Reply) -> Iterator[OutputFilter]:
    """Yield the filters that change the reply, each after those before it have changed what they would."""
    text = "".join(piece for piece in repaired(reply.text) if isinstance(piece, str))
    for name, create in FILTERS.items():
        output_filter = create()
        pieces = [*output_filter.feed(text), *output_filter.end()]
        text = "".join(piece for piece in pieces if isinstance(piece, str))
        if output_filter.changed:
            yield name


def _reasoning_result(model: ModelClient) -> Result | None:
    """Return what a reasoning field means for clients of the OpenAI wire, which do not get it; None without one."""
    if model.wire.thinks_on_request or model.capabilities.reasoning_passthrough:
        return None
    if any(_is_all_reasoning(reply) for reply in model.replies):
        return Result(
            verdict=Verdict.NEEDS_TUNING,
            message="puts whole answers into its reasoning field, which clients of the OpenAI wire do not get",
            patch={"capabilities": {"reasoning_passthrough": True}},
        )
    if any(reply.thinking for reply in model.replies):
        return Result(
            verdict=Verdict.OK,
            message="reasons in a separate field, which clients of the OpenAI wire do not get",
        )
    return None


def _is_all_reasoning(reply: Reply) -> bool:
    answers = reply.text or reply.calls
    return bool(reply.thinking) and not answers and reply.stop_reason == "end_turn"
