"""All agents: the rows of the table."""

from real_agents.agent import Agent
from real_agents.npm import claude_code, codex

AGENTS: tuple[Agent, ...] = (*claude_code.AGENTS, *codex.AGENTS)
