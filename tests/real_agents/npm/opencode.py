"""opencode and Kilo, which is made from it, headless: over each SDK of theirs that speaks a wire of ours."""

import json
from functools import partial
from pathlib import Path

from real_agents.agent import Agent, Invocation, Shown, Workplace
from real_agents.install.npm import Npm
from real_agents.providers.conversation import Body, Wire
from real_agents.providers.kinds import ANTHROPIC, OPENAI, RESPONSES
from real_agents.providers.task import BYTES, FILE, MISSING, PROMPT, TEXT, Call, Task, steps

OPENCODE = Npm("opencode-ai", "1.18.33")
KILO = Npm("@kilocode/cli", "7.7.7")  # of newer ones npm lacks the package with the program
QUIET = {
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "KILO_DISABLE_MODELS_FETCH": "1",
    "KILO_TELEMETRY_LEVEL": "off",
}


def task(folder: Path) -> Task:
    path = str(folder / FILE)
    return Task(
        steps(
            Call("write", {"filePath": path, "content": TEXT}, "Wrote file"),
            Call("read", {"filePath": path}, TEXT.strip()),
            Call("bash", {"command": f"wc -c < {path}", "description": "Count the bytes"}, BYTES),
            Call("read", {"filePath": str(folder / MISSING)}, "not found"),
        )
    )


def invocation(place: Workplace, program: str, sdk: str) -> Invocation:
    options = {"baseURL": place.v1, "apiKey": "unused"}
    provider = {"npm": sdk, "name": "CodeRouter", "options": options, "models": {"any": {"name": "any"}}}
    config = {"provider": {"coderouter": provider}, "model": "coderouter/any", "permission": "allow"}
    place.write(f".config/{program}/{program}.json", json.dumps(config))
    resuming = ("--continue",) if place.resumes else ()
    return Invocation((program, "run", "--format", "json", *resuming, PROMPT), QUIET)


def shown(stdout: str) -> Shown:
    events: list[Body] = [json.loads(line) for line in stdout.splitlines()]
    return Shown([event["part"]["text"] for event in events if event["type"] == "text"][-1])


def _row(name: str, source: Npm, program: str, sdk: str, wire: Wire) -> Agent:
    invoked = partial(invocation, program=program, sdk=f"@ai-sdk/{sdk}")
    return Agent(name=name, variant=sdk, source=source, wire=wire, task=task, invocation=invoked, shown=shown)


AGENTS = (
    _row("opencode", OPENCODE, "opencode", "openai-compatible", OPENAI),
    _row("opencode", OPENCODE, "opencode", "anthropic", ANTHROPIC),
    _row("opencode", OPENCODE, "opencode", "openai", RESPONSES),
    _row("kilo", KILO, "kilo", "openai-compatible", OPENAI),
    _row("kilo", KILO, "kilo", "anthropic", ANTHROPIC),
)
