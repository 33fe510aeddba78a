"""Write deltas as an answer on the OpenAI wire."""

from typing import Any

import orjson

from coderouter_proxy.answer import Usage
from coderouter_proxy.request import Body
from coderouter_proxy.wires.answer_writer import AnswerWriter
from coderouter_proxy.wires.deltas import OPENAI_STOPS, Arguments, Delta, Stop, Text, Thinking, ToolCall
from coderouter_proxy.wires.openai.functions import finish_reason, with_function_call

DONE = b"data: [DONE]\n\n"


class OpenAIWriter(AnswerWriter):
    """Writes a chat completion; the chunk with the usage goes only to a client that requested it.

    With `function_call`, the client knows only that form of a call.
    """

    def __init__(
        self, completion_id: str, model: str, created: int, *, usage_chunk: bool, function_call: bool = False
    ) -> None:
        self._head: Body = {"id": completion_id, "created": created, "model": model}
        self._usage_chunk = usage_chunk
        self._function_call = function_call
        self._calls = -1
        head = orjson.dumps({**self._head, "object": "chat.completion.chunk"})
        self._before = b"data: " + head[:-1] + b',"choices":[{"index":0,"delta":'
        self._after = b',"logprobs":null,"finish_reason":null}]}\n\n'

    def begin(self) -> bytes:
        return self._chunk({"role": "assistant", "content": ""})

    def write(self, deltas: list[Delta]) -> bytes:
        return b"".join(
            [self._chunk(fields) for delta in deltas if (fields := self._in_form(self._fields(delta)))]
        )

    def end(self, stop: Stop, usage: Usage) -> bytes:
        choice = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": self._finish_reason(stop)}
        chunk = {**self._head, "object": "chat.completion.chunk", "choices": [choice]}
        parts = [_event(chunk)]
        if self._usage_chunk:
            parts.append(_event({**chunk, "choices": [], "usage": usage_body(usage)}))
        return b"".join([*parts, DONE])

    def whole(self, deltas: list[Delta], stop: Stop, usage: Usage) -> bytes:
        """Return the whole completion."""
        choice = {
            "index": 0,
            "message": self._in_form(self._message(deltas)),
            "logprobs": None,
            "finish_reason": self._finish_reason(stop),
        }
        return orjson.dumps(
            {**self._head, "object": "chat.completion", "choices": [choice], "usage": usage_body(usage)}
        )

    def _in_form(self, said: Body) -> Body:
        return with_function_call(said) if self._function_call else said

    def _finish_reason(self, stop: Stop) -> object:
        reason = OPENAI_STOPS.get(stop.reason or "end_turn", "stop")
        return finish_reason(reason) if self._function_call else reason

    def _fields(self, delta: Delta) -> Body:
        match delta:
            case Text():
                return {"content": delta.text}
            case Thinking():
                return {"reasoning_content": delta.text}
            case ToolCall():
                self._calls += 1
                function = {"name": delta.name, "arguments": ""}
                return {
                    "tool_calls": [
                        {"index": self._calls, "id": delta.id, "type": "function", "function": function}
                    ]
                }
            case Arguments():
                return {"tool_calls": [{"index": self._calls, "function": {"arguments": delta.text}}]}
            case _:
                return {}

    def _chunk(self, delta: Body) -> bytes:
        return self._before + orjson.dumps(delta) + self._after

    def _message(self, deltas: list[Delta]) -> Body:
        content: list[str] = []
        thinking: list[str] = []
        calls: list[dict[str, Any]] = []
        for delta in deltas:
            match delta:
                case Text():
                    content.append(delta.text)
                case Thinking():
                    thinking.append(delta.text)
                case ToolCall():
                    calls.append(
                        {
                            "id": delta.id,
                            "type": "function",
                            "function": {"name": delta.name, "arguments": ""},
                        }
                    )
                case Arguments():
                    calls[-1]["function"]["arguments"] += delta.text
        for call in calls:
            call["function"]["arguments"] = call["function"]["arguments"] or "{}"
        message: Body = {"role": "assistant", "content": "".join(content) or None, "refusal": None}
        if thinking:
            message["reasoning_content"] = "".join(thinking)
        if calls:
            message["tool_calls"] = calls
        elif message["content"] is None:
            message["content"] = ""
        return message


def usage_body(usage: Usage) -> Body:
    """Return the usage as this wire reports it, which counts cached tokens as input."""
    cached = usage.cache_read_tokens or 0
    prompt = (usage.input_tokens or 0) + cached + (usage.cache_creation_tokens or 0)
    completion = usage.output_tokens or 0
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    }


def _event(chunk: Body) -> bytes:
    return b"data: " + orjson.dumps(chunk) + b"\n\n"
