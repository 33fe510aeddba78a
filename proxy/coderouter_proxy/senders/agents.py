"""Which agent sends a request, by its `User-Agent`: a closed set, so that it can be a label.

Sources: requests of each agent in the version that `make agents` runs. Of cline and roo-code (extensions of VS Code),
crush, droid and zed: the headers in their public code.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from coderouter_events.closed_sets import Agent

USER_AGENT: Final = b"user-agent"
COPILOT_INITIATOR: Final = b"x-initiator"
PRODUCT_BYTES_MAX: Final = 64  # of what a User-Agent begins with

PRODUCTS: Final[tuple[tuple[str, Agent], ...]] = (
    (
        "claude-cli/0.",
        "qwen-code",
    ),  # which takes Claude Code's name on the wire of Messages, with its own version
    ("claude-cli/", "claude-code"),
    ("claude-code/", "claude-code"),  # of requests other than those to models
    ("codex", "codex"),  # codex_exec, codex_cli_rs, codex_vscode, codex-tui
    ("opencode/", "opencode"),
    ("kilo-code/", "kilo"),
    ("qwencode/", "qwen-code"),
    ("geminicli", "gemini-cli"),
    ("cline/", "cline"),
    ("roocode/", "roo-code"),
    ("charm-crush/", "crush"),
    ("factory-cli/", "droid"),
    ("zed/", "zed"),
    ("agents/python", "openai-agents"),
    ("agents/javascript", "openai-agents"),
    ("pydantic-ai/", "pydantic-ai"),
    ("langchain", "langchain"),  # langchain-anthropic
    ("litellm/", "litellm"),
    ("ai/", "ai-sdk"),
    ("ai-sdk/", "ai-sdk"),
    ("openai/", "openai-sdk"),
    ("asyncopenai/", "openai-sdk"),
    ("anthropic/", "anthropic-sdk"),
    ("asyncanthropic/", "anthropic-sdk"),
)
"""What the header begins with, in lower case; the first row that fits decides. Most agents on an SDK show only that."""

_SDKS: Final = frozenset({"openai-sdk", "anthropic-sdk"})


def of(headers: Mapping[bytes, bytes]) -> Agent:
    """Return the agent; `headers` has lower-case names."""
    agent = _named(headers.get(USER_AGENT, b"")[:PRODUCT_BYTES_MAX])
    # Copilot CLI sends the header of the SDK that it uses, and this one.
    return "copilot" if agent in _SDKS and COPILOT_INITIATOR in headers else agent


@lru_cache(maxsize=256)
def _named(product: bytes) -> Agent:
    name = product.decode("latin-1").lower()
    for begin, agent in PRODUCTS:
        if name.startswith(begin):
            return agent
    return "other"
