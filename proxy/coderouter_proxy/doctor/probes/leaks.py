"""What leaks into replies: thinking in tags, markers of the prompt format, reasoning in a separate field."""

from coderouter_proxy.config.schema import OutputFilter
from coderouter_proxy.doctor.model_client import REPLY_TOKENS_MAX, ModelClient
from coderouter_proxy.doctor.reply import Reply
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.relay.output_filters import FILTERS, THINK_CLOSE, THINK_OPEN

QUESTION = "What is 17 times 3? Think first, then answer with the number."


async def probe(model: ModelClient) -> Result:
    """Judge all replies so far, and one for which the model has to think."""
    await model.ask(QUESTION, max_tokens=REPLY_TOKENS_MAX)
    needed = [name for name in FILTERS if any(_filter_changes(name, reply) for reply in model.replies)]
    declared = model.provider.output_filters
    if missing := [name for name in needed if name not in declared]:
        return Result(
            verdict=Verdict.NEEDS_TUNING,
            message=f"its replies contain what {' and '.join(missing)} would remove",
            patch={"output_filters": [*declared, *missing]},
        )
    if any(_only_closes_thinking(reply) for reply in model.replies):
        return Result(
            verdict=Verdict.NEEDS_TUNING,
            message=f"its replies contain {THINK_CLOSE} without {THINK_OPEN}, which no filter removes",
            remedy="let the server separate thinking from the answer (llama.cpp: --reasoning-format, "
            "vLLM: --reasoning-parser)",
        )
    return _reasoning_result(model) or Result(
        verdict=Verdict.OK,
        message=f"{' and '.join(needed)} removes what leaks" if needed else "nothing leaks",
    )


def _filter_changes(name: OutputFilter, reply: Reply) -> bool:
    output_filter = FILTERS[name]()
    output_filter.feed(reply.text)
    return output_filter.changed


def _only_closes_thinking(reply: Reply) -> bool:
    return THINK_OPEN not in reply.text and THINK_CLOSE in reply.text


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
