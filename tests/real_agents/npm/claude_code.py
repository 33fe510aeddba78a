"""Claude Code, headless."""

import json
from pathlib import Path

from real_agents.agent import Agent, ByClass, Invocation, Shown, Workplace
from real_agents.install.npm import Npm
from real_agents.providers.conversation import Usage
from real_agents.providers.kinds import ANTHROPIC
from real_agents.providers.task import BYTES, FILE, MISSING, PROMPT, TEXT, Call, Task, steps

QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_TELEMETRY": "1",
}


HINTS = {"CLAUDE_CODE_GATEWAY_HINT_HEADERS": "1"}
SUBAGENT = Call("Agent", {"description": "Look", "prompt": "Look around.", "subagent_type": "Explore"}, "")
LARGE = Call("Bash", {"command": "seq 20000", "description": "Count to 20000"}, "1\n2\n3\n")


def task(folder: Path) -> Task:
    path = str(folder / FILE)
    count = {"command": f"wc -c < {path}", "description": "Count the bytes"}
    return Task(
        steps(
            Call("Write", {"file_path": path, "content": TEXT}, "created"),
            Call("Read", {"file_path": path}, TEXT.strip()),
            Call("Bash", count, BYTES),
            Call("Read", {"file_path": str(folder / MISSING)}, "does not exist"),
        )
    )


def invocation(place: Workplace, prompt: str = PROMPT, *options: str, **environment: str) -> Invocation:
    return Invocation(
        (
            "claude",
            *(("--continue",) if place.resumes else ()),
            *("-p", prompt, "--output-format", "json", "--dangerously-skip-permissions", *options),
        ),
        {
            "ANTHROPIC_BASE_URL": place.url,
            "ANTHROPIC_AUTH_TOKEN": "unused",
            "CLAUDE_CODE_TMPDIR": str(place.scratch),
            "IS_SANDBOX": "1",  # without it, root may not skip permissions
            **QUIET,
            **environment,
        },
    )


def _works(place: Workplace) -> Invocation:
    hook = {"type": "prompt", "prompt": "Is this all right? $ARGUMENTS"}  # which a model of its own answers
    settings = {"hooks": {"UserPromptSubmit": [{"hooks": [hook]}]}}
    return invocation(place, PROMPT, "--settings", json.dumps(settings), **HINTS)


def _compacts(place: Workplace) -> Invocation:
    return invocation(place, "/compact", **HINTS)


def shown(stdout: str) -> Shown:
    result = json.loads(stdout)
    used = Usage()
    for model in result["modelUsage"].values():
        used += Usage(model["inputTokens"], model["outputTokens"], model["cacheReadInputTokens"])
    return Shown(result["result"], used)


AGENTS = (
    Agent(
        name="claude-code",
        source=Npm("@anthropic-ai/claude-code", "2.1.332"),
        wire=ANTHROPIC,
        task=task,
        invocation=invocation,
        shown=shown,
        large=LARGE,
        by_class=ByClass(SUBAGENT, _works, _compacts),
    ),
)
