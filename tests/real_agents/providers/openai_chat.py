"""A provider that speaks Chat Completions."""

import json

from real_agents.providers.conversation import (
    Body,
    Prompt,
    Refused,
    Reply,
    Tool,
    ToolCall,
    Usage,
    check_results,
)
from support.proxy import openai_answers as answers
from support.proxy.upstream import Script, stream

ROLES = {"system", "user", "assistant", "tool"}
PIECE_CHARS = 7


class OpenAIChat:
    ingress = "openai"
    kind = "openai_compat"
    path = "/chat/completions"

    def read(self, body: Body) -> Prompt:
        messages = body["messages"]
        if unknown := {message["role"] for message in messages} - ROLES:
            raise Refused(f"unknown roles: {sorted(unknown)}")
        _check_tool_messages(messages)
        response_format = body.get("response_format") or {}
        return Prompt(
            request=body,
            tools=tuple(Tool(tool["function"]["name"]) for tool in body.get("tools") or ()),
            results=tuple(_text(message["content"]) for message in messages if message["role"] == "tool"),
            asked=_text(messages[-1].get("content") or ""),
            schema=response_format.get("json_schema", {}).get("schema"),
        )

    def answer(self, answer_id: str, prompt: Prompt, reply: Reply, usage: Usage) -> Script:
        counted = {
            "prompt_tokens": usage.input + usage.cache_read,
            "completion_tokens": usage.output,
            "total_tokens": usage.input + usage.cache_read + usage.output,
            "prompt_tokens_details": {"cached_tokens": usage.cache_read},
        }
        if not prompt.stream:
            return _whole(answer_id, reply, counted)
        shows_usage = (prompt.request.get("stream_options") or {}).get("include_usage") is True
        return _streamed(answer_id, reply, counted if shows_usage else None)

    def refusal(self, words: str) -> Script:
        return answers.error(words, 400)


def _check_tool_messages(messages: list[Body]) -> None:
    """Check that the calls of each message are answered by the messages right after it."""
    called: list[str] = []
    answered: list[str] = []
    for message in [*messages, {"role": "end"}]:
        if message["role"] == "tool":
            answered.append(message["tool_call_id"])
        else:
            check_results(called, answered)
            called, answered = [call["id"] for call in message.get("tool_calls") or ()], []


def _text(content: str | list[Body]) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _whole(answer_id: str, reply: Reply, usage: Body) -> Script:
    message: Body = {"role": "assistant", "content": reply.text or None}
    if reply.thought:
        message["reasoning_content"] = reply.thought
    if reply.calls:
        message["tool_calls"] = [_call(call) for call in reply.calls]
    choice = {"index": 0, "message": message, "finish_reason": _finish_reason(reply)}
    return answers.answer(id=answer_id, choices=[choice], usage=usage)


def _call(call: ToolCall) -> Body:
    function = {"name": call.tool.name, "arguments": json.dumps(call.arguments)}
    return {"id": call.id, "type": "function", "function": function, **call.vendor}


def _streamed(answer_id: str, reply: Reply, usage: Body | None) -> Script:
    deltas: list[Body] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": piece} for piece in _pieces(reply.thought)]
    deltas += [{"content": piece} for piece in _pieces(reply.text)]
    for index, call in enumerate(reply.calls):
        function = {"name": call.tool.name, "arguments": ""}
        begun = {"index": index, "id": call.id, "type": "function", "function": function, **call.vendor}
        pieces = _pieces(json.dumps(call.arguments))
        rest = [{"index": index, "function": {"arguments": piece}} for piece in pieces]
        deltas += [{"tool_calls": [piece]} for piece in (begun, *rest)]
    choices: list[Body] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": _finish_reason(reply)})
    head = {"id": answer_id, "object": "chat.completion.chunk", "created": 1, "model": answers.MODEL}
    chunks = [answers.event({**head, "choices": [choice]}) for choice in choices]
    if usage is not None:
        chunks.append(answers.event({**head, "choices": [], "usage": usage}))
    return stream(*chunks, answers.DONE)


def _pieces(text: str) -> list[str]:
    return [text[cut : cut + PIECE_CHARS] for cut in range(0, len(text), PIECE_CHARS)]


def _finish_reason(reply: Reply) -> str:
    return "tool_calls" if reply.calls else "stop"
