"""The kinds of providers: the columns of the table."""

from dataclasses import dataclass

from real_agents.providers.anthropic_messages import AnthropicMessages
from real_agents.providers.conversation import Wire
from real_agents.providers.openai_chat import OpenAIChat
from real_agents.providers.openai_responses import OpenAIResponses
from real_agents.providers.templates import Template, lenient, qwen

DIRECT = "direct"
"""The column without the proxy, over the agent's own wire: it shows that the agent can do the task at all."""


@dataclass(frozen=True)
class Kind:
    name: str
    wire: Wire
    template: Template = lenient


ANTHROPIC = AnthropicMessages()
OPENAI = OpenAIChat()
RESPONSES = OpenAIResponses()
KINDS = (
    Kind("anthropic", ANTHROPIC),
    Kind("openai", OPENAI),
    Kind("openai-qwen", OPENAI, qwen),
    Kind("responses", RESPONSES),
)
