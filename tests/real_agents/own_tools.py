"""Rows of SDKs and frameworks: programs of ours that have three tools of ours."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Program:
    """A Python program of ours: a module of `programs`, and the wire of each API that it speaks.

    Its `main` takes the base URL, the API and the prompt.
    """

    module: str
    wires: Mapping[str, Wire]

    def base_url(self, api: str, url: str) -> str:
        """Return the base URL that the SDK of this API takes; `url` is without `/v1`."""
        return url if self.wires[api].ingress == "anthropic" else f"{url}/v1"

    def rows(self, name: str, source: Source) -> tuple[Agent, ...]:
        def invocation(place: Workplace, api: str) -> Invocation:
            module = f"real_agents.programs.{self.module}"
            arguments = ("python", "-m", module, self.base_url(api, place.url), api, PROMPT)
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
            for api, wire in self.wires.items()
        )
