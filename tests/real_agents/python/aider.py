"""aider, which calls no tools: the model says what a file is to hold."""

from pathlib import Path

from real_agents.agent import Agent, Invocation, Shown, Workplace
from real_agents.install.pip import Pip
from real_agents.providers.kinds import OPENAI
from real_agents.providers.task import ANSWER, FILE, PROMPT, TEXT, Task

FENCE = "```"
EDIT = f"{ANSWER}\n\n{FILE}\n{FENCE}\n{TEXT}{FENCE}\n"


def task(_: Path) -> Task:
    return Task((), answer=EDIT)


def invocation(place: Workplace) -> Invocation:
    arguments = (
        "python",
        "-m",
        "aider",
        "--model",
        "openai/any",
        "--edit-format",
        "whole",
        "--no-git",
        "--yes-always",
    )
    quiet = (
        "--no-show-model-warnings",
        "--no-check-update",
        "--analytics-disable",
        "--no-pretty",
        "--no-gitignore",
    )
    environment = {"OPENAI_API_KEY": "unused", "OPENAI_API_BASE": place.v1}
    return Invocation((*arguments, *quiet, "--message", PROMPT, FILE), environment)


def shown(stdout: str) -> Shown:
    return Shown(ANSWER if ANSWER in stdout else stdout)


AGENTS = (
    Agent(
        name="aider",
        source=Pip("aider-chat", "0.86.2"),
        wire=OPENAI,
        task=task,
        invocation=invocation,
        shown=shown,
    ),
)
