"""What leaks into answers: thinking in tags, markers of the prompt format, reasoning in a field of its own."""

from coderouter_proxy.config.schema import OutputFilter
from coderouter_proxy.doctor.model_client import ANSWER_TOKENS_MAX, Heard, Model
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.relay.output_filters import FILTERS, THINK_CLOSE, THINK_OPEN

QUESTION = "What is 17 times 3? Think first, then answer with the number."


async def probe(model: Model) -> Result:
    """Judge all that the model has answered by now, and an answer for which it has to think."""
    await model.ask(QUESTION, max_tokens=ANSWER_TOKENS_MAX)
    leaking = [name for name in FILTERS if any(_changes(name, heard) for heard in model.heard)]
    declared = model.provider.output_filters
    if missing := [name for name in leaking if name not in declared]:
        return Result(
            verdict=Verdict.NEEDS_TUNING,
            message=f"its answers hold what {' and '.join(missing)} would take out",
            patch={"output_filters": [*declared, *missing]},
        )
    if any(_closes_only(heard) for heard in model.heard):
        return Result(
            verdict=Verdict.NEEDS_TUNING,
            message=f"its answers hold {THINK_CLOSE} without {THINK_OPEN}, which no filter takes out",
            remedy="let the server part thinking from the answer (llama.cpp: --reasoning-format, "
            "vLLM: --reasoning-parser)",
        )
    return _reasoning(model) or Result(
        verdict=Verdict.OK,
        message=f"what leaks is taken out by {' and '.join(leaking)}" if leaking else "nothing leaks",
    )


def _changes(name: OutputFilter, heard: Heard) -> bool:
    each = FILTERS[name]()
    each.feed(heard.text)
    return each.changed


def _closes_only(heard: Heard) -> bool:
    return THINK_OPEN not in heard.text and THINK_CLOSE in heard.text


def _reasoning(model: Model) -> Result | None:
    """Return what it means for clients of the OpenAI wire that they do not get a field of reasoning."""
    if model.provider.kind != "openai_compat" or model.known.reasoning_passthrough:
        return None
    if any(_is_all_reasoning(heard) for heard in model.heard):
        return Result(
            verdict=Verdict.NEEDS_TUNING,
            message="gives whole answers in its reasoning field, which clients of the OpenAI wire do not get",
            patch={"capabilities": {"reasoning_passthrough": True}},
        )
    if any(heard.thinking for heard in model.heard):
        return Result(
            verdict=Verdict.OK,
            message="reasons in a field of its own, which clients of the OpenAI wire do not get",
        )
    return None


def _is_all_reasoning(heard: Heard) -> bool:
    said = heard.text or heard.calls
    return bool(heard.thinking) and not said and heard.stop_reason == "end_turn"
