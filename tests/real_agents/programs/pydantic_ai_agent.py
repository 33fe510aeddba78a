"""An agent on pydantic-ai, over each API; its answers are streamed."""

import asyncio
import functools
import sys
from collections.abc import AsyncIterable, Callable

from pydantic_ai import Agent, AgentStreamEvent, ModelRetry, RunContext
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from real_agents.programs import tools


def retryable(tool: Callable[..., str]) -> Callable[..., str]:
    """Return the tool with errors that the model gets to see."""

    @functools.wraps(tool)
    def run(**given: str) -> str:
        try:
            return tool(**given)
        except OSError as error:
            raise ModelRetry(str(error)) from None

    return run


def model(url: str, api: str) -> Model:
    if api == "anthropic":
        return AnthropicModel("any", provider=AnthropicProvider(base_url=url, api_key="unused"))
    provider = OpenAIProvider(base_url=url, api_key="unused")
    return (
        OpenAIChatModel("any", provider=provider)
        if api == "chat"
        else OpenAIResponsesModel("any", provider=provider)
    )


async def main(url: str, api: str, prompt: str) -> None:
    async def stream(_: RunContext[object], events: AsyncIterable[AgentStreamEvent]) -> None:
        async for _event in events:
            pass

    agent = Agent(model(url, api), instructions="Be brief.", tools=[retryable(tool) for tool in tools.TOOLS])
    async with agent:
        result = await agent.run(prompt, event_stream_handler=stream)
    usage = result.usage
    cached = usage.cache_read_tokens
    tools.show(result.output, usage.input_tokens - cached, usage.output_tokens, cached)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
