"""GitHub Copilot CLI with a provider of the user's own, headless."""

from functools import partial
from pathlib import Path

from real_agents.agent import Agent, Invocation, Workplace
from real_agents.install.npm import Npm
from real_agents.providers.conversation import Wire
from real_agents.providers.kinds import ANTHROPIC, OPENAI
from real_agents.providers.task import BYTES, FILE, MISSING, PROMPT, TEXT, Call, Task, steps


def task(folder: Path) -> Task:
    path = str(folder / FILE)
    return Task(
        steps(
            Call("create", {"path": path, "file_text": TEXT}, "notes.txt"),
            Call("view", {"path": path}, TEXT.strip()),
            Call("bash", {"command": f"wc -c < {path}", "description": "Count the bytes"}, BYTES),
            Call("view", {"path": str(folder / MISSING)}, "does not exist"),
        )
    )


def invocation(place: Workplace, kind: str) -> Invocation:
    environment = {
        "COPILOT_PROVIDER_TYPE": kind,
        "COPILOT_PROVIDER_BASE_URL": place.url if kind == "anthropic" else place.v1,
        "COPILOT_PROVIDER_API_KEY": "unused",
        "COPILOT_MODEL": "any",
        "COPILOT_OFFLINE": "true",
    }
    resuming = ("--continue",) if place.resumes else ()
    return Invocation(
        ("copilot", "--allow-all-tools", "--allow-all-paths", "-s", *resuming, "-p", PROMPT), environment
    )


def _row(kind: str, wire: Wire) -> Agent:
    source = Npm("@github/copilot", "1.0.102")
    invoked = partial(invocation, kind=kind)
    return Agent(name="copilot", variant=kind, source=source, wire=wire, task=task, invocation=invoked)


AGENTS = (_row("openai", OPENAI), _row("anthropic", ANTHROPIC))
