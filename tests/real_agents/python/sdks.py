"""The SDKs of the two vendors."""

from real_agents import own_tools
from real_agents.install.pip import Pip
from real_agents.providers.kinds import ANTHROPIC, OPENAI, RESPONSES

ANTHROPIC_SDK = own_tools.rows("anthropic-sdk", Pip("anthropic", "2.12.0"), "anthropic_sdk", {"": ANTHROPIC})
OPENAI_SDK = own_tools.rows(
    "openai-sdk", Pip("openai", "3.54.0"), "openai_sdk", {"chat": OPENAI, "responses": RESPONSES}
)
AGENTS = (*ANTHROPIC_SDK, *OPENAI_SDK)
