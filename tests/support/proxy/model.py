"""A model for the tests that follows instructions on either wire, with any flaw on demand."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from support.proxy import anthropic_answers, openai_answers
from support.proxy.upstream import HANG, Received, Script, stream, whole

CHARS_PER_TOKEN = 3.7
COUNT_CHARS_PER_TOKEN = 1.6


@dataclass
class Model:
    """The flaws of a model; the defaults have none.

    It reads only the last `context_tokens` of a prompt, unless a request has a `num_ctx` and it `takes_options`. It
    answers at most `answer_tokens`, unless a request sets another limit.
    """

    wire: Literal["openai", "anthropic"] = "openai"
    context_tokens: int = 100_000
    takes_options: bool = True
    takes_max_tokens: bool = True
    rejects_over_tokens: int = 100_000
    answer_tokens: int = 100_000
    counts_to: int = 100
    sends_stop_reason: bool = True
    tools: Literal["native", "text", "words", "rejected", "crash"] = "native"
    thinking: Literal["enabled", "adaptive", "ignored", "rejected"] = "ignored"
    leak: str = ""
    reasoning: str = ""
    only_reasons: bool = False  # puts everything into its reasoning field
    reports_usage: bool = True
    recalls: bool = True
    hangs_at: str = ""  # a word of the question

    def __call__(self, request: Received) -> Script:
        body = request.json
        prompt = _prompt(body)
        if self.hangs_at and self.hangs_at in prompt:
            return (HANG,)
        rejection = self._rejection(body, prompt)
        if rejection is not None:
            return rejection
        if body.get("tools") and self.tools == "native":
            call = ("call_1", "echo", {"text": "ping"})
            return openai_answers.calling(call) if self.wire == "openai" else anthropic_answers.calling(call)
        return self._answer(body, prompt)

    def _rejection(self, body: dict[str, Any], prompt: str) -> Script | None:
        if len(prompt) > self.rejects_over_tokens * CHARS_PER_TOKEN:
            return whole({"error": {"message": "the request exceeds the context size"}}, status=400)
        if body.get("tools") and self.tools == "rejected":
            return whole({"error": {"message": "registry/tiny does not support tools"}}, status=400)
        if body.get("tools") and self.tools == "crash":
            return whole({"error": {"message": "tools param requires --jinja flag"}}, status=500)
        kind = body.get("thinking", {}).get("type", "")
        if kind and (self.thinking == "rejected" or (self.thinking == "adaptive" and kind == "enabled")):
            return whole({"error": {"message": "thinking is not supported"}}, status=400)
        return None

    def _answer(self, body: dict[str, Any], prompt: str) -> Script:
        seen = prompt[-int(self._context(body) * CHARS_PER_TOKEN) :]
        words = self.leak + self._words(body, seen)
        limit = int(self._limit(body) * COUNT_CHARS_PER_TOKEN)
        stop = "length" if len(words) > limit else "stop"
        words = words[:limit]
        read_tokens = int(len(seen) / CHARS_PER_TOKEN)
        if self.wire == "anthropic":
            return self._anthropic(body, words, stop, read_tokens)
        return self._openai(body, words, stop, read_tokens)

    def _context(self, body: dict[str, Any]) -> int:
        requested = body.get("options", {}).get("num_ctx") if self.takes_options else None
        return int(requested or self.context_tokens)

    def _limit(self, body: dict[str, Any]) -> int:
        options = body.get("options", {}) if self.takes_options else {}
        requested = body.get("max_tokens") if self.takes_max_tokens else None
        return int(requested or options.get("num_predict") or self.answer_tokens)

    def _words(self, body: dict[str, Any], seen: str) -> str:
        if body.get("tools"):
            call = '{"name": "echo", "arguments": {"text": "ping"}}'
            return f"<tool_call>{call}</tool_call>" if self.tools == "text" else "I cannot do that."
        if "Count from" in seen:
            return ", ".join(map(str, range(1, self.counts_to + 1)))
        if "remembered" in seen and self.recalls:
            found = re.search(r"HERON-\d+", seen)
            return found[0] if found else "There was no word."
        return "ready"

    def _openai(self, body: dict[str, Any], words: str, stop: str, read_tokens: int) -> Script:
        reasoning = self.reasoning + (words if self.only_reasons else "")
        message: dict[str, Any] = {"role": "assistant", "content": "" if self.only_reasons else words}
        if reasoning:
            message["reasoning_content"] = reasoning
        usage = {"prompt_tokens": read_tokens, "completion_tokens": 1} if self.reports_usage else None
        if not body.get("stream"):
            choices = [{"index": 0, "message": message, "finish_reason": stop}]
            return openai_answers.answer(choices=choices, usage=usage)
        pieces = [openai_answers.chunk({"content": piece}) for piece in _pieces(message["content"])]
        if reasoning:
            pieces.insert(0, openai_answers.chunk({"reasoning_content": reasoning}))
        ends = [openai_answers.chunk({}, stop), openai_answers.DONE] if self.sends_stop_reason else []
        return stream(openai_answers.ROLE, *pieces, *ends)

    def _anthropic(self, body: dict[str, Any], words: str, stop: str, read_tokens: int) -> Script:
        blocks = [anthropic_answers.text(words)]
        if body.get("thinking", {}).get("type") == self.thinking:
            blocks.insert(0, anthropic_answers.thinking("Hm."))
        reason = {"stop": "end_turn", "length": "max_tokens"}[stop]
        if body.get("stream"):
            return anthropic_answers.streamed_blocks(*blocks, stop_reason=reason)
        usage = {"input_tokens": read_tokens, "output_tokens": 1}
        return whole(anthropic_answers.message(*blocks, stop_reason=reason, usage=usage))


def _pieces(words: str) -> Iterator[str]:
    return (words[at : at + 7] for at in range(0, len(words), 7))


def _prompt(body: dict[str, Any]) -> str:
    contents = [message["content"] for message in body["messages"]]
    return "\n".join(
        content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
        for content in contents
    )
