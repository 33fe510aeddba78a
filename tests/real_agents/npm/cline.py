"""Cline's CLI, headless. Its Anthropic provider takes no base URL."""

import json
from pathlib import Path

from real_agents.agent import Agent, Invocation, Shown, Workplace
from real_agents.install.npm import Npm
from real_agents.providers.conversation import Body
from real_agents.providers.kinds import OPENAI
from real_agents.providers.task import BYTES, FILE, MISSING, PROMPT, TEXT, Call, Task, steps


def task(folder: Path) -> Task:
    path = str(folder / FILE)
    return Task(
        steps(
            Call("editor", {"path": path, "new_text": TEXT}, "notes.txt"),
            Call("read_files", {"files": [{"path": path}]}, TEXT.strip()),
            Call("run_commands", {"commands": [f"wc -c < {path}"]}, BYTES),
            Call("read_files", {"files": [{"path": str(folder / MISSING)}]}, "no such file"),
        )
    )


def invocation(place: Workplace) -> Invocation:
    configured = ("cline", "auth", "-p", "openai", "-k", "unused", "-m", "any", "-b", place.v1)
    arguments = ("cline", "-P", "openai", "-m", "any", "--json", PROMPT)
    return Invocation(arguments, {"CLINE_TELEMETRY_DISABLED": "1"}, before=(configured,))


def shown(stdout: str) -> Shown:
    events: list[Body] = [json.loads(line) for line in stdout.splitlines()]
    return Shown([event["text"] for event in events if event.get("text")][-1])


AGENTS = (
    Agent(
        name="cline",
        source=Npm("cline", "3.0.65"),
        wire=OPENAI,
        task=task,
        invocation=invocation,
        shown=shown,
    ),
)
