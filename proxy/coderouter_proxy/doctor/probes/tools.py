"""Tools are called: really, as text that the proxy mends, or not at all."""

from typing import Any

import orjson

from coderouter_proxy.doctor.model_client import ANSWER_TOKENS_MAX, Heard, Model
from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.relay.tool_calls.repair import Repairer, TextualCall

TOOL: dict[str, Any] = {
    "name": "echo",
    "description": "Repeats the text. It changes nothing.",
    "input_schema": {
        "type": "object",
        "properties": {"text": {"type": "string", "description": "What to repeat."}},
        "required": ["text"],
    },
}
QUESTION = "Call the tool echo with the text 'ping'. Do not answer in words."
TRIES = 2  # small models do not call every time


async def probe(model: Model) -> Result:
    said = ""
    for _ in range(TRIES):
        try:
            heard = await model.ask(QUESTION, tools=[TOOL], max_tokens=ANSWER_TOKENS_MAX)
        except ProviderError as failure:
            if failure.error_type != "upstream_4xx" and "tool" not in failure.message.lower():
                raise  # llama.cpp answers 500 to tools, OpenRouter 404, where a model has none
            return _not_called(model, f"refuses a request with tools: {failure.message}")
        if any(name == TOOL["name"] for name, _ in heard.calls):
            return _called(model, heard)
        if _textual_calls(heard):
            return _called_in_text(model)
        said = "answers in words" if heard.text else "answers nothing"
    return _not_called(model, f"calls no tool, but {said}")


def _called(model: Model, heard: Heard) -> Result:
    message = "calls the tool" + ("" if _has_text(heard) else ", though without its argument")
    if model.known.tools:
        return Result(verdict=Verdict.OK, message=message)
    return Result(
        verdict=Verdict.NEEDS_TUNING,
        message=f"{message}; declared is that it has no tools",
        patch={"capabilities": {"tools": True}},
    )


def _called_in_text(model: Model) -> Result:
    """Clients of the Anthropic wire get the text of such a provider as it is."""
    if model.provider.kind == "anthropic":
        return _not_called(model, "writes its calls as text, which is passed on as it is on this wire")
    return Result(verdict=Verdict.OK, message="writes its calls as text; the proxy makes real ones of them")


def _not_called(model: Model, message: str) -> Result:
    if not model.known.tools:
        return Result(verdict=Verdict.OK, message=f"{message}; as declared")
    return Result(
        verdict=Verdict.NEEDS_TUNING,
        message=message,
        patch={"capabilities": {"tools": False}},
    )


def _has_text(heard: Heard) -> bool:
    for _, arguments in heard.calls:
        try:
            given = orjson.loads(arguments)
        except orjson.JSONDecodeError:
            continue
        if isinstance(given, dict) and given.get("text"):
            return True
    return False


def _textual_calls(heard: Heard) -> bool:
    repairer = Repairer([TOOL["name"]])
    pieces = [*repairer.feed(heard.text), *repairer.end()]
    return any(isinstance(piece, TextualCall) for piece in pieces)
