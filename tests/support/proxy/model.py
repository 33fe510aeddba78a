"""A model of the tests that does what a request says, with every flaw on demand; it speaks either wire."""

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
    """Its flaws; without any it is a good one.

    `context_tokens` of a prompt's end are all that it reads, unless a request brings a `num_ctx` and it
    `takes_options`. `answer_tokens` are all that it says, unless a request brings another limit.
    """

    wire: Literal["openai", "anthropic"] = "openai"
    context_tokens: int = 100_000
    takes_options: bool = True
    takes_max_tokens: bool = True
    refuses_over_tokens: int = 100_000
    answer_tokens: int = 100_000
    counts_to: int = 100
    says_stop: bool = True
    tools: Literal["real", "text", "words", "refused", "crash"] = "real"
    thinking: Literal["enabled", "adaptive", "ignored", "refused"] = "ignored"
    leak: str = ""
    reasoning: str = ""
    is_mute: bool = False  # says all in its reasoning field
    tells_usage: bool = True
    repeats: bool = True
    hangs_at: str = ""  # a word of the question

    def __call__(self, request: Received) -> Script:
        body = request.json
        prompt = _prompt(body)
        if self.hangs_at and self.hangs_at in prompt:
            return (HANG,)
        refused = self._refusal(body, prompt)
        if refused is not None:
            return refused
        if body.get("tools") and self.tools == "real":
            call = ("call_1", "echo", {"text": "ping"})
            return openai_answers.calling(call) if self.wire == "openai" else anthropic_answers.calling(call)
        return self._says(body, prompt)

    def _refusal(self, body: dict[str, Any], prompt: str) -> Script | None:
        if len(prompt) > self.refuses_over_tokens * CHARS_PER_TOKEN:
            return whole({"error": {"message": "the request exceeds the context size"}}, status=400)
        if body.get("tools") and self.tools == "refused":
            return whole({"error": {"message": "registry/tiny does not support tools"}}, status=400)
        if body.get("tools") and self.tools == "crash":
            return whole({"error": {"message": "tools param requires --jinja flag"}}, status=500)
        kind = body.get("thinking", {}).get("type", "")
        if kind and (self.thinking == "refused" or (self.thinking == "adaptive" and kind == "enabled")):
            return whole({"error": {"message": "thinking is not supported"}}, status=400)
        return None

    def _says(self, body: dict[str, Any], prompt: str) -> Script:
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
        asked = body.get("options", {}).get("num_ctx") if self.takes_options else None
        return int(asked or self.context_tokens)

    def _limit(self, body: dict[str, Any]) -> int:
        options = body.get("options", {}) if self.takes_options else {}
        asked = body.get("max_tokens") if self.takes_max_tokens else None
        return int(asked or options.get("num_predict") or self.answer_tokens)

    def _words(self, body: dict[str, Any], seen: str) -> str:
        if body.get("tools"):
            call = '{"name": "echo", "arguments": {"text": "ping"}}'
            return f"<tool_call>{call}</tool_call>" if self.tools == "text" else "I cannot do that."
        if "Count from" in seen:
            return ", ".join(map(str, range(1, self.counts_to + 1)))
        if "remembered" in seen and self.repeats:
            found = re.search(r"HERON-\d+", seen)
            return found[0] if found else "There was no word."
        return "ready"

    def _openai(self, body: dict[str, Any], words: str, stop: str, read_tokens: int) -> Script:
        reasoning = self.reasoning + (words if self.is_mute else "")
        said: dict[str, Any] = {"role": "assistant", "content": "" if self.is_mute else words}
        if reasoning:
            said["reasoning_content"] = reasoning
        usage = {"prompt_tokens": read_tokens, "completion_tokens": 1} if self.tells_usage else None
        if not body.get("stream"):
            choices = [{"index": 0, "message": said, "finish_reason": stop}]
            return openai_answers.answer(choices=choices, usage=usage)
        pieces = [openai_answers.chunk({"content": piece}) for piece in _pieces(said["content"])]
        if reasoning:
            pieces.insert(0, openai_answers.chunk({"reasoning_content": reasoning}))
        ends = [openai_answers.chunk({}, stop), openai_answers.DONE] if self.says_stop else []
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
