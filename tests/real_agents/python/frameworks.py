"""Frameworks for agents."""

from real_agents.install.pip import Pip
from real_agents.own_tools import Program
from real_agents.providers.conversation import Wire
from real_agents.providers.kinds import ANTHROPIC, OPENAI, RESPONSES

OPENAI_WIRES: dict[str, Wire] = {"responses": RESPONSES, "chat": OPENAI}
ALL_WIRES: dict[str, Wire] = {**OPENAI_WIRES, "anthropic": ANTHROPIC}
LANGCHAIN_PACKAGES = ("langchain-openai==1.7.4", "langchain-anthropic==1.7.10")

OPENAI_AGENTS = Program("openai_agents", OPENAI_WIRES)
PYDANTIC_AI = Program("pydantic_ai_agent", ALL_WIRES)
LANGCHAIN = Program("langchain_agent", ALL_WIRES)
AGENTS = (
    *OPENAI_AGENTS.rows("openai-agents", Pip("openai-agents", "0.24.0")),
    *PYDANTIC_AI.rows("pydantic-ai", Pip("pydantic-ai-slim[openai,anthropic]", "2.68.0")),
    *LANGCHAIN.rows("langchain", Pip("langchain", "1.5.0", LANGCHAIN_PACKAGES)),
)
