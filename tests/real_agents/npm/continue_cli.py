"""Continue's CLI, headless."""

from functools import partial
from pathlib import Path

import yaml

from real_agents.agent import Agent, Invocation, Workplace
from real_agents.install.npm import Npm
from real_agents.providers.conversation import Wire
from real_agents.providers.kinds import ANTHROPIC, OPENAI
from real_agents.providers.task import BYTES, FILE, MISSING, PROMPT, TEXT, Call, Task, steps


def task(folder: Path) -> Task:
    path = str(folder / FILE)
    return Task(
        steps(
            Call("Write", {"filepath": path, "content": TEXT}, "created"),
            Call("Read", {"filepath": path}, TEXT.strip()),
            Call("Bash", {"command": f"wc -c < {path}"}, BYTES),
            Call("Read", {"filepath": str(folder / MISSING)}, "does not exist"),
        )
    )


def invocation(place: Workplace, provider: str) -> Invocation:
    model = {
        "name": "any",
        "provider": provider,
        "model": "any",
        "apiBase": place.v1,
        "apiKey": "unused",
        "capabilities": ["tool_use"],
    }
    config = {"name": "CodeRouter", "version": "1.0.0", "schema": "v1", "models": [model]}
    path = place.write(".continue/config.yaml", yaml.safe_dump(config))
    resuming = ("--resume",) if place.resumes else ()
    arguments = ("cn", "--config", str(path), "--auto", *resuming, "-p", PROMPT)
    return Invocation(arguments, {"CONTINUE_TELEMETRY_ENABLED": "0"})


def _row(provider: str, wire: Wire) -> Agent:
    source = Npm("@continuedev/cli", "1.5.47")
    invoked = partial(invocation, provider=provider)
    return Agent(name="continue", variant=provider, source=source, wire=wire, task=task, invocation=invoked)


AGENTS = (_row("openai", OPENAI), _row("anthropic", ANTHROPIC))
