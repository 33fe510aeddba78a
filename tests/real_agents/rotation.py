"""Run one agent over vendors that take turns: each is busy until its own, and the proxy restarts between prompts."""

import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from real_agents import run as one
from real_agents.providers.conversation import Refused, Usage
from real_agents.providers.kinds import Kind
from real_agents.providers.model import Model
from real_agents.providers.task import Call, Task
from real_agents.providers.vendors import DeepSeek, Gemini, Mistral, Vendor
from real_agents.run import Cell, Installed
from support import events
from support.proxy import openai_answers, process, upstream
from support.proxy.upstream import Received, Script, Upstream

ROTATING = "rotating"
VENDORS: tuple[type[Vendor], ...] = (Gemini, DeepSeek, Mistral)
PROMPTS = 3
WORKERS = ("--workers", "2")
BUSY = openai_answers.error("busy", 503)


@dataclass
class Seat:
    """A vendor at the table. It refuses what it does not accept; else it is busy if the next answer is another's."""

    number: int
    model: Model

    def __call__(self, received: Received) -> Script:
        return BUSY if self._is_another_s(received) else self.model(received)

    def _is_another_s(self, received: Received) -> bool:
        if received.method != "POST":
            return False
        body = received.json
        try:
            prompt = self.model.kind.wire.read(body)
        except Refused:
            return False
        answers = sum(message["role"] == "assistant" for message in body["messages"])
        return self.model.task.is_asked(prompt) and answers % len(VENDORS) != self.number


def run(installed: Installed, large: Call, captures: Path | None = None, prompts: int = PROMPTS) -> Cell:
    """Return how it went; with `captures`, also write each request that a vendor got into a folder there."""
    agent = installed.agent
    cell = Cell(agent.title, installed.version, ROTATING)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coderouter-agents-")))
        server = stack.enter_context(upstream.serving())
        models = [Model(Kind(vendor.name, vendor()), Task(())) for vendor in VENDORS]
        entries = [_entry(server, number, model) for number, model in enumerate(models)]
        events_path = folder / "events.jsonl"
        started = time.monotonic()
        for number in range(prompts):
            part = folder / "project" / str(number)
            task = agent.task(part)
            for model in models:
                one.add_task(model, replace(task, turns=(*task.turns, (large,))))
            with process.serving(folder, process.config(entries), *WORKERS, events_path=events_path) as proxy:
                place = one.workplace(folder, proxy.url, installed)
                part.mkdir()
                ended = one.start(installed, replace(place, resumes=number > 0))
                proxy.command.stop()
            cell.problems += [*one.problems(agent, ended, _usage(models)), *one.differences(part)]
        cell.duration_s = round(time.monotonic() - started, 1)
        cell.answers = sum(model.answers for model in models)
        cell.problems += _problems(models, events_path)
        if captures is not None:
            for vendor in VENDORS:
                requests = server.provider(vendor.name).requests
                one.save(requests, captures / f"{agent.title.replace(' ', '-')}-{ROTATING}-{vendor.name}")
    return cell


def _entry(server: Upstream, number: int, model: Model) -> dict[str, object]:
    """Return the entry of providers.yaml for a vendor, which starts to answer."""
    vendor = VENDORS[number]
    provider = server.provider(vendor.name)
    provider.plays(always=Seat(number, model))
    return process.provider(vendor.name, provider.base_url, capabilities=one.THOUGHTFUL, traits=vendor.traits)


def _usage(models: list[Model]) -> Usage:
    """Return what all used; an agent that continues a session counts on from there."""
    return sum((model.usage for model in models), Usage())


def _problems(models: list[Model], events_path: Path) -> list[str]:
    found = max(models, key=lambda model: len(model.results)).missing()
    for model in models:
        found += [
            f"{model.kind.name} refused {count}: {words}" for words, count in Counter(model.refused).items()
        ]
        found += [f"{model.kind.name} does not know {request}" for request in dict.fromkeys(model.unknown)]
        if not model.results:
            found.append(f"{model.kind.name} had no turn")
    outcomes = Counter(event["outcome"] for event in events.read(events_path, "request-finished"))
    found += [
        f"{count} requests of the agent ended as {outcome}"
        for outcome, count in outcomes.items()
        if outcome != "ok"
    ]
    return found
