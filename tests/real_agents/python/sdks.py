"""The SDKs of the two vendors."""

from real_agents.install.pip import Pip
from real_agents.own_tools import Program
from real_agents.providers.kinds import ANTHROPIC, OPENAI, RESPONSES

ANTHROPIC_SDK = Program("anthropic_sdk", {"": ANTHROPIC})
OPENAI_SDK = Program("openai_sdk", {"chat": OPENAI, "responses": RESPONSES})
AGENTS = (
    *ANTHROPIC_SDK.rows("anthropic-sdk", Pip("anthropic", "2.12.0")),
    *OPENAI_SDK.rows("openai-sdk", Pip("openai", "3.54.0")),
)
