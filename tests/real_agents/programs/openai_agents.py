"""An agent on openai-agents, over either API of OpenAI's; its answers are streamed."""

import asyncio
import sys
from typing import Any

from openai import AsyncOpenAI

from agents import (
    Agent,
    ModelSettings,
    RunContextWrapper,
    Runner,
    function_tool,
    set_default_openai_api,
    set_default_openai_client,
    set_tracing_disabled,
)
from real_agents.programs import tools


def words(_: RunContextWrapper[Any], error: Exception) -> str:
    return str(error)


async def main(url: str, api: str, prompt: str) -> None:
    set_tracing_disabled(disabled=True)
    client = AsyncOpenAI(base_url=url, api_key="unused", max_retries=0)
    set_default_openai_client(client)
    if api == "chat":
        set_default_openai_api("chat_completions")
    agent = Agent(
        name="writer",
        instructions="Be brief.",
        model="any",
        model_settings=ModelSettings(include_usage=True),
        tools=[function_tool(tool, failure_error_function=words) for tool in tools.TOOLS],
    )
    result = Runner.run_streamed(agent, prompt)
    async for _ in result.stream_events():
        pass
    await client.close()
    usage = result.context_wrapper.usage
    cached = usage.input_tokens_details.cached_tokens or 0
    tools.show(str(result.final_output), usage.input_tokens - cached, usage.output_tokens, cached)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
