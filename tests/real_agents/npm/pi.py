"""pi, headless."""

import json
from functools import partial
from pathlib import Path

from real_agents.agent import Agent, Invocation, Workplace
from real_agents.install.npm import Npm
from real_agents.providers.conversation import Body, Wire
from real_agents.providers.kinds import ANTHROPIC, OPENAI, RESPONSES
from real_agents.providers.task import BYTES, FILE, MISSING, PROMPT, TEXT, Call, Task, steps


def task(folder: Path) -> Task:
    path = str(folder / FILE)
    return Task(
        steps(
            Call("write", {"path": path, "content": TEXT}, "wrote"),
            Call("read", {"path": path}, TEXT.strip()),
            Call("bash", {"command": f"wc -c < {path}"}, BYTES),
            Call("bash", {"command": f"cat {folder / MISSING}"}, "No such file"),
        )
    )


def invocation(place: Workplace, api: str, max_tokens: int | None = None) -> Invocation:
    url = place.url if api == "anthropic-messages" else place.v1
    # A model that is not said to reason gets its reasoning back over the Responses API in a form that OpenAI refuses.
    model: Body = {"id": "any", "reasoning": api == "openai-responses"}
    if max_tokens is not None:
        model["maxTokens"] = max_tokens
    provider = {"baseUrl": url, "api": api, "apiKey": "unused", "models": [model]}
    place.write(".pi/agent/models.json", json.dumps({"providers": {"coderouter": provider}}))
    resuming = ("--continue",) if place.resumes else ()
    return Invocation(
        ("pi", "--provider", "coderouter", "--model", "any", *resuming, "-p", PROMPT), {"PI_OFFLINE": "1"}
    )


def row(api: str, wire: Wire, max_tokens: int | None = None) -> Agent:
    source = Npm("@mariozechner/pi-coding-agent", "0.73.1")
    invoked = partial(invocation, api=api, max_tokens=max_tokens)
    return Agent(name="pi", variant=api, source=source, wire=wire, task=task, invocation=invoked)


APIS: dict[str, Wire] = {
    "openai-completions": OPENAI,
    "anthropic-messages": ANTHROPIC,
    "openai-responses": RESPONSES,
}
AGENTS = tuple(row(api, wire) for api, wire in APIS.items())
