"""All agents: the rows of the table."""

from real_agents.agent import Agent
from real_agents.npm import claude_code, cline, codex, continue_cli, copilot, opencode, pi, qwen_code

MODULES = (claude_code, codex, opencode, qwen_code, pi, copilot, continue_cli, cline)
AGENTS: tuple[Agent, ...] = tuple(agent for module in MODULES for agent in module.AGENTS)
