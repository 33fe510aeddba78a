"""The built-in provider: answers with the user's words, for a machine without a model, for demos and tests."""

import re
from collections.abc import AsyncGenerator
from typing import Any

from coderouter_proxy.answer import Answer, Usage
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.relay.choose import writer
from coderouter_proxy.request import Call
from coderouter_proxy.wires.deltas import Delta, Stop, Text
from coderouter_proxy.wires.provider import Drop


class Echo:
    """Repeats the newest user message, word by word when streamed; a word counts as a token."""

    key = ""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    async def open(self, call: Call, profile: Profile, drop: Drop) -> Answer:
        del profile, drop
        text = _newest_user_text(call.body["messages"])
        words = re.findall(r"\s*\S+|\s+$", text) or ["…"]
        prompt = sum(len(_text(message.get("content")).split()) for message in call.body["messages"])
        answer = Answer(usage=Usage(input_tokens=prompt, output_tokens=len(words)), stop_reason="stop")
        answer.pieces = _pieces(call, [Text(word) for word in words], answer)
        return answer


async def _pieces(call: Call, deltas: list[Delta], answer: Answer) -> AsyncGenerator[bytes]:
    write = writer(call)
    stop = Stop("end_turn")
    if call.stream:
        yield write.begin()
        for delta in deltas:
            yield write.write([delta])
        yield write.end(stop, answer.usage)
    else:
        yield write.whole(deltas, stop, answer.usage)
    answer.complete = True


def _newest_user_text(messages: list[dict[str, Any]]) -> str:
    return next((_text(m.get("content")) for m in reversed(messages) if m.get("role") == "user"), "")


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part["text"]) for part in parts if isinstance(part, dict) and "text" in part)
