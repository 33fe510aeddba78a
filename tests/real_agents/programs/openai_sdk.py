"""An agent on OpenAI's SDK, over either of its APIs; every second answer is streamed."""

import json
import sys
from typing import Any

from openai import OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionFunctionToolParam, ChatCompletionMessageParam
from openai.types.responses import FunctionToolParam, Response, ResponseInputParam

from real_agents.programs import tools

CHAT_TOOLS: list[ChatCompletionFunctionToolParam] = [
    {
        "type": "function",
        "function": {
            "name": tool.__name__,
            "description": tool.__doc__ or "",
            "parameters": tools.schema(tool.__name__),
            "strict": True,
        },
    }
    for tool in tools.TOOLS
]
TOOLS: list[FunctionToolParam] = [
    {
        "type": "function",
        "name": tool.__name__,
        "description": tool.__doc__ or "",
        "parameters": tools.schema(tool.__name__),
        "strict": True,
    }
    for tool in tools.TOOLS
]


def chat(client: OpenAI, prompt: str) -> None:
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": prompt}]
    used = [0, 0, 0]
    while True:
        completion = completed(client, messages, streams=len(messages) % 4 == 1)
        usage = completion.usage
        assert usage is not None
        details = usage.prompt_tokens_details
        add(used, usage.prompt_tokens, usage.completion_tokens, details.cached_tokens if details else 0)
        message = completion.choices[0].message
        messages.append(message.model_dump(exclude_none=True, include={"role", "content", "tool_calls"}))  # type: ignore[arg-type]
        calls = [call for call in message.tool_calls or () if call.type == "function"]
        if not calls:
            return tools.show(message.content or "", *used)
        for call in calls:
            text, _ = tools.run(call.function.name, json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": text})


def completed(client: OpenAI, messages: list[ChatCompletionMessageParam], *, streams: bool) -> ChatCompletion:
    if not streams:
        return client.chat.completions.create(model="any", messages=messages, tools=CHAT_TOOLS)
    options: Any = {"stream_options": {"include_usage": True}}
    with client.chat.completions.stream(
        model="any", messages=messages, tools=CHAT_TOOLS, **options
    ) as stream:
        return stream.get_final_completion()


def responses(client: OpenAI, prompt: str) -> None:
    """Sends only what is new, with the id of the last response."""
    given: ResponseInputParam = [{"role": "user", "content": prompt}]
    previous: str | None = None
    used = [0, 0, 0]
    while True:
        response = responded(client, given, previous, streams=len(given) > 1)
        usage = response.usage
        assert usage is not None
        add(used, usage.input_tokens, usage.output_tokens, usage.input_tokens_details.cached_tokens)
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            return tools.show(response.output_text, *used)
        given = []
        for call in calls:
            text, _ = tools.run(call.name, json.loads(call.arguments))
            given.append({"type": "function_call_output", "call_id": call.call_id, "output": text})
        previous = response.id


def responded(client: OpenAI, given: ResponseInputParam, previous: str | None, *, streams: bool) -> Response:
    if not streams:
        return client.responses.create(model="any", input=given, tools=TOOLS, previous_response_id=previous)
    with client.responses.stream(
        model="any", input=given, tools=TOOLS, previous_response_id=previous
    ) as stream:
        return stream.get_final_response()


def add(used: list[int], input_tokens: int, output_tokens: int, cached_tokens: int | None) -> None:
    cached = cached_tokens or 0
    for index, tokens in enumerate((input_tokens - cached, output_tokens, cached)):
        used[index] += tokens


def main(url: str, api: str, prompt: str) -> None:
    with OpenAI(base_url=url, api_key="unused", max_retries=0) as client:
        (chat if api == "chat" else responses)(client, prompt)


if __name__ == "__main__":
    main(*sys.argv[1:])
