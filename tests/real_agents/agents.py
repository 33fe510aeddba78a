"""All agents: the rows of the table."""

from real_agents.agent import Agent
from real_agents.npm import ai_sdk, claude_code, cline, codex, continue_cli, copilot, opencode, pi, qwen_code
from real_agents.python import aider, frameworks, mini_swe_agent, sdks

MODULES = (
    *(claude_code, codex, opencode, qwen_code, pi, copilot, continue_cli, cline),
    *(aider, mini_swe_agent, frameworks, ai_sdk, sdks),
)
AGENTS: tuple[Agent, ...] = tuple(agent for module in MODULES for agent in module.AGENTS)
