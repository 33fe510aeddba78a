"""A provider that speaks the Messages API."""

from real_agents.providers.conversation import Body, Prompt, Refused, Reply, Tool, Usage, check_results
from support.proxy import anthropic_answers as answers
from support.proxy.upstream import Script, stream, whole


class AnthropicMessages:
    ingress = "anthropic"
    kind = "anthropic"
    path = "/messages"

    def read(self, body: Body) -> Prompt:
        messages = [{**message, "content": _blocks(message["content"])} for message in body["messages"]]
        _check_tool_results(messages)
        results = [block for message in messages for block in _of_type("tool_result", message["content"])]
        output_format = body.get("output_config", {}).get("format") or {}
        return Prompt(
            request=body,
            tools=tuple(Tool(tool["name"]) for tool in body.get("tools") or ()),
            results=tuple(_text(result.get("content") or "") for result in results),
            asked=_text(messages[-1]["content"]),
            schema=output_format.get("schema"),
        )

    def answer(self, answer_id: str, prompt: Prompt, reply: Reply, usage: Usage) -> Script:
        blocks = [answers.thinking(reply.thought)] if reply.thought else []
        blocks += [answers.text(reply.text)] if reply.text else []
        blocks += [answers.tool_use(call.id, call.tool.name, call.arguments) for call in reply.calls]
        stop_reason = "tool_use" if reply.calls else "end_turn"
        counted = {
            "input_tokens": usage.input,
            "output_tokens": usage.output,
            "cache_read_input_tokens": usage.cache_read,
            "cache_creation_input_tokens": 0,
        }
        message = answers.message(*blocks, id=answer_id, stop_reason=stop_reason, usage=counted)
        return _streamed(message) if prompt.stream else whole(message)

    def refusal(self, words: str) -> Script:
        return answers.error(words, 400)


def _check_tool_results(messages: list[Body]) -> None:
    """Check that the calls of each assistant message are answered in the user message after it.

    System messages may stand between the two: Claude Code sends such, under a beta flag.
    """
    called: list[str] = []
    for message in messages:
        if message["role"] == "user":
            results = _of_type("tool_result", message["content"])
            check_results(called, [result["tool_use_id"] for result in results])
            called = []
        elif message["role"] == "assistant":
            check_results(called, [])
            called = [use["id"] for use in _of_type("tool_use", message["content"])]
        elif message["role"] != "system":
            raise Refused(f"unknown role: {message['role']}")
    check_results(called, [])


def _blocks(content: str | list[Body]) -> list[Body]:
    return [answers.text(content)] if isinstance(content, str) else content


def _of_type(kind: str, blocks: list[Body]) -> list[Body]:
    return [block for block in blocks if block["type"] == kind]


def _text(content: str | list[Body]) -> str:
    return "".join(block["text"] for block in _of_type("text", _blocks(content)))


def _streamed(message: Body) -> Script:
    usage = message["usage"]
    begun = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    said = [
        event
        for index, block in enumerate(message["content"])
        for event in answers.block_events(block, index)
    ]
    stopped = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    return stream(
        answers.event("message_start", message=begun),
        answers.PING,
        *said,
        answers.event("message_delta", delta=stopped, usage=usage),
        answers.MESSAGE_STOP,
    )
