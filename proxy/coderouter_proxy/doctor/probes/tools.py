"""The model calls tools: natively, as text that the proxy converts, or not at all."""

from typing import Any

import orjson

from coderouter_proxy.doctor.model_client import REPLY_TOKENS_MAX, ModelClient
from coderouter_proxy.doctor.reply import Reply
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
TRIES = 2  # small models do not call the tool every time


async def probe(model: ModelClient) -> Result:
    instead = ""
    for _ in range(TRIES):
        try:
            reply = await model.ask(QUESTION, tools=[TOOL], max_tokens=REPLY_TOKENS_MAX)
        except ProviderError as error:
            if error.error_type != "upstream_4xx" and "tool" not in error.message.lower():
                raise  # a model without tools gets 500 from llama.cpp and 404 from OpenRouter
            return _no_call(model, f"rejects a request with tools: {error.message}")
        if any(name == TOOL["name"] for name, _ in reply.calls):
            return _native_call(model, reply)
        if _has_textual_call(reply):
            return _textual_call(model)
        instead = "answers in words" if reply.text else "answers nothing"
    return _no_call(model, f"calls no tool, but {instead}")


def _native_call(model: ModelClient, reply: Reply) -> Result:
    message = "calls the tool" + ("" if _has_argument(reply) else ", but without its argument")
    if model.capabilities.tools:
        return Result(verdict=Verdict.OK, message=message)
    return Result(
        verdict=Verdict.NEEDS_TUNING,
        message=f"{message}; it is declared to have no tools",
        patch={"capabilities": {"tools": True}},
    )


def _textual_call(model: ModelClient) -> Result:
    if not model.wire.repairs_text_calls(model.provider):
        return _no_call(model, "writes its calls as text, which the proxy does not convert for this provider")
    return Result(
        verdict=Verdict.OK, message="writes its calls as text; the proxy converts them to tool calls"
    )


def _no_call(model: ModelClient, message: str) -> Result:
    if not model.capabilities.tools:
        return Result(verdict=Verdict.OK, message=f"{message}; as declared")
    return Result(
        verdict=Verdict.NEEDS_TUNING,
        message=message,
        patch={"capabilities": {"tools": False}},
    )


def _has_argument(reply: Reply) -> bool:
    for _, text in reply.calls:
        try:
            arguments = orjson.loads(text)
        except orjson.JSONDecodeError:
            continue
        if isinstance(arguments, dict) and arguments.get("text"):
            return True
    return False


def _has_textual_call(reply: Reply) -> bool:
    return any(isinstance(piece, TextualCall) for piece in repaired(reply.text))


def repaired(text: str) -> list[str | TextualCall]:
    """Return the text with the calls of the tool that are written in it."""
    repairer = Repairer({TOOL["name"]: TOOL["input_schema"]})
    return [*repairer.feed(text), *repairer.end()]
