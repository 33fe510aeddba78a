"""Qwen Code, headless."""

import json
from functools import partial
from pathlib import Path

from real_agents.agent import Agent, Invocation, Shown, Workplace
from real_agents.install.npm import Npm
from real_agents.providers.conversation import Wire
from real_agents.providers.kinds import ANTHROPIC, OPENAI, RESPONSES
from real_agents.providers.task import BYTES, FILE, MISSING, PROMPT, TEXT, Call, Task, steps


def task(folder: Path) -> Task:
    path = str(folder / FILE)
    count = {"command": f"wc -c < {path}", "description": "Count the bytes", "is_background": False}
    return Task(
        steps(
            Call("write_file", {"file_path": path, "content": TEXT}, "created"),
            Call("read_file", {"file_path": path}, TEXT.strip()),
            Call("run_shell_command", count, BYTES),
            Call("read_file", {"file_path": str(folder / MISSING)}, "not found"),
        )
    )


def invocation(place: Workplace, auth: str) -> Invocation:
    openai = {"OPENAI_API_KEY": "unused", "OPENAI_BASE_URL": place.v1, "OPENAI_MODEL": "any"}
    anthropic = {"ANTHROPIC_API_KEY": "unused", "ANTHROPIC_BASE_URL": place.url, "ANTHROPIC_MODEL": "any"}
    settings = {
        "privacy": {"usageStatisticsEnabled": False},
        "general": {"enableAutoUpdate": False},
        # Without a terminal it now and then loses the output of a short command.
        "tools": {"shell": {"enableInteractiveShell": True}},
    }
    place.write(".qwen/settings.json", json.dumps(settings))
    resuming = ("--continue",) if place.resumes else ()
    arguments = ("qwen", "--auth-type", auth, "--yolo", "--output-format", "json", *resuming, PROMPT)
    return Invocation(arguments, anthropic if auth == "anthropic" else openai)


def shown(stdout: str) -> Shown:
    [result] = [message for message in json.loads(stdout) if message["type"] == "result"]
    return Shown(result["result"])


def _row(auth: str, wire: Wire) -> Agent:
    return Agent(
        name="qwen-code",
        variant=auth,
        source=Npm("@qwen-code/qwen-code", "0.24.4"),
        wire=wire,
        task=task,
        invocation=partial(invocation, auth=auth),
        shown=shown,
    )


AGENTS = (_row("openai", OPENAI), _row("anthropic", ANTHROPIC), _row("openai-responses", RESPONSES))
