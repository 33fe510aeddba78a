"""An agent on LangChain, over each API; its answers are streamed."""

import sys
from typing import Any

from langchain.agents import create_agent  # pyright: ignore[reportMissingImports]
from langchain_anthropic import ChatAnthropic  # pyright: ignore[reportMissingImports]
from langchain_core.tools import StructuredTool, ToolException  # pyright: ignore[reportMissingImports]
from langchain_openai import ChatOpenAI  # pyright: ignore[reportMissingImports]

from real_agents.programs import tools


def tool(function: Any) -> StructuredTool:
    """Return the tool with errors that the model gets to see."""

    def run(**given: str) -> str:
        try:
            return str(function(**given))
        except OSError as error:
            raise ToolException(str(error)) from None

    return StructuredTool(
        name=function.__name__,
        description=function.__doc__,
        args_schema=tools.schema(function.__name__),
        func=run,
        handle_tool_error=True,
    )


def model(url: str, api: str) -> Any:
    if api == "anthropic":
        return ChatAnthropic(model="any", base_url=url, api_key="unused", max_retries=0)
    return ChatOpenAI(
        model="any",
        base_url=url,
        api_key="unused",
        max_retries=0,
        stream_usage=True,
        use_responses_api=api == "responses",
    )


def main(url: str, api: str, prompt: str) -> None:
    agent = create_agent(model(url, api), [tool(each) for each in tools.TOOLS])
    messages: list[Any] = []
    for mode, part in agent.stream({"messages": [("user", prompt)]}, stream_mode=["messages", "values"]):
        if mode == "values":
            messages = part["messages"]
    used = [message.usage_metadata for message in messages if message.type == "ai"]
    cached = sum(usage["input_token_details"].get("cache_read", 0) for usage in used)
    tokens_in, tokens_out = (sum(usage[f"{way}_tokens"] for usage in used) for way in ("input", "output"))
    tools.show(messages[-1].text, tokens_in - cached, tokens_out, cached)


if __name__ == "__main__":
    main(*sys.argv[1:])
