"""An agent on Anthropic's SDK; every second answer is streamed."""

import sys

from anthropic import Anthropic
from anthropic.types import Message, MessageParam, ToolParam, ToolResultBlockParam

from real_agents.programs import tools

TOOLS = [
    ToolParam(name=tool.__name__, description=tool.__doc__ or "", input_schema=tools.schema(tool.__name__))
    for tool in tools.TOOLS
]


def main(url: str, _api: str, prompt: str) -> None:
    with Anthropic(base_url=url, api_key="unused", max_retries=0) as client:
        run(client, prompt)


def run(client: Anthropic, prompt: str) -> None:
    messages: list[MessageParam] = [{"role": "user", "content": prompt}]
    used = [0, 0, 0]
    while True:
        message = asked(client, messages, streams=len(messages) % 4 == 1)
        usage = message.usage
        for index, tokens in enumerate(
            (usage.input_tokens, usage.output_tokens, usage.cache_read_input_tokens or 0)
        ):
            used[index] += tokens
        messages.append({"role": "assistant", "content": message.content})
        if message.stop_reason != "tool_use":
            break
        messages.append({"role": "user", "content": results(message)})
    tools.show("".join(block.text for block in message.content if block.type == "text"), *used)


def asked(client: Anthropic, messages: list[MessageParam], *, streams: bool) -> Message:
    if not streams:
        return client.messages.create(model="any", max_tokens=1000, messages=messages, tools=TOOLS)
    with client.messages.stream(model="any", max_tokens=1000, messages=messages, tools=TOOLS) as stream:
        return stream.get_final_message()


def results(message: Message) -> list[ToolResultBlockParam]:
    found: list[ToolResultBlockParam] = []
    for block in message.content:
        if block.type == "tool_use":
            text, is_error = tools.run(block.name, block.input)
            found.append(
                {"type": "tool_result", "tool_use_id": block.id, "content": text, "is_error": is_error}
            )
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
