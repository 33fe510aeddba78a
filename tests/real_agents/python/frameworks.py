"""Frameworks for agents."""

from real_agents import own_tools
from real_agents.install.pip import Pip
from real_agents.providers.kinds import ANTHROPIC, OPENAI, RESPONSES

OPENAI_WIRES = {"responses": RESPONSES, "chat": OPENAI}
ALL_WIRES = {**OPENAI_WIRES, "anthropic": ANTHROPIC}
OPENAI_AGENTS = own_tools.rows("openai-agents", Pip("openai-agents", "0.24.0"), "openai_agents", OPENAI_WIRES)
PYDANTIC_AI = own_tools.rows(
    "pydantic-ai", Pip("pydantic-ai-slim[openai,anthropic]", "2.68.0"), "pydantic_ai_agent", ALL_WIRES
)
LANGCHAIN = own_tools.rows(
    "langchain",
    Pip("langchain", "1.5.0", ("langchain-openai==1.7.4", "langchain-anthropic==1.7.10")),
    "langchain_agent",
    ALL_WIRES,
)
AGENTS = (*OPENAI_AGENTS, *PYDANTIC_AI, *LANGCHAIN)
