"""Chat templates that refuse what others render: a provider has one of them, or none."""

from collections.abc import Callable

from real_agents.providers.conversation import Body, Refused

Template = Callable[[Body], None]


def lenient(body: Body) -> None:
    """Render whatever the wire allows."""


def qwen(body: Body) -> None:
    """Render as the template of Qwen 3.5, which raises these words; vLLM answers with them as they are.

    Raises:
        Refused: there is a system message that is not the first message, or no user message.
    """
    roles = [message["role"] for message in body["messages"]]
    if "system" in roles[1:]:
        raise Refused("System message must be at the beginning.")
    if "user" not in roles:
        raise Refused("No user query found in messages.")
