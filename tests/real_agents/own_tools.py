"""Rows of SDKs and frameworks: programs of ours that have three tools of ours."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from real_agents.agent import Agent, Invocation, Shown, Source, Workplace
from real_agents.providers.conversation import Usage, Wire
from real_agents.providers.task import BYTES, FILE, MISSING, PROMPT, TEXT, Call, Task, steps

TESTS = Path(__file__).parents[1]
PROGRAMS = TESTS / "real_agents/programs"


def task(folder: Path) -> Task:
    path = str(folder / FILE)
    return Task(
        steps(
            Call("write_file", {"path": path, "text": TEXT}, "written"),
            Call("read_file", {"path": path}, TEXT.strip()),
            Call("count_bytes", {"path": path}, BYTES),
            Call("read_file", {"path": str(folder / MISSING)}, "No such file"),
        )
    )


def shown(stdout: str) -> Shown:
    output = json.loads(stdout.strip().rpartition("\n")[2])
    return Shown(output["answer"], Usage(*output["usage"]))


def rows(name: str, source: Source, program: str, wires: Mapping[str, Wire]) -> tuple[Agent, ...]:
    """Return a row for each API that the program of this name speaks; it gets the base URL, the API and the prompt."""

    def invocation(place: Workplace, api: str) -> Invocation:
        url = place.url if wires[api].ingress == "anthropic" else place.v1
        arguments = ("python", str(PROGRAMS / f"{program}.py"), url, api, PROMPT)
        return Invocation(arguments, {"PYTHONPATH": str(TESTS), "PYTHONDONTWRITEBYTECODE": "1"})

    return tuple(
        Agent(
            name=name,
            variant=api,
            source=source,
            wire=wire,
            task=task,
            invocation=partial(invocation, api=api),
            shown=shown,
        )
        for api, wire in wires.items()
    )
