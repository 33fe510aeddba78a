"""The AI SDK, with its packages for each wire."""

from functools import partial

from real_agents import own_tools
from real_agents.agent import Agent, Invocation, Workplace
from real_agents.install.npm import Npm
from real_agents.providers.conversation import Wire
from real_agents.providers.kinds import ANTHROPIC, OPENAI, RESPONSES
from real_agents.providers.task import PROMPT

PROGRAM = own_tools.PROGRAMS / "ai_sdk.mjs"
SOURCE = Npm(
    "ai",
    "7.0.173",
    ("@ai-sdk/openai@4.0.118", "@ai-sdk/anthropic@4.0.105", "@ai-sdk/openai-compatible@3.0.92"),
)


def invocation(place: Workplace, api: str) -> Invocation:
    # Node looks for packages beside the program.
    program = place.scratch / PROGRAM.name
    program.write_bytes(PROGRAM.read_bytes())
    (place.scratch / "node_modules").symlink_to(place.programs.parent)
    return Invocation(("node", str(program), place.v1, api, PROMPT), {})


def _row(api: str, wire: Wire) -> Agent:
    return Agent(
        name="ai-sdk",
        variant=api,
        source=SOURCE,
        wire=wire,
        task=own_tools.task,
        invocation=partial(invocation, api=api),
        shown=own_tools.shown,
    )


AGENTS = (_row("openai", RESPONSES), _row("anthropic", ANTHROPIC), _row("openai-compatible", OPENAI))
