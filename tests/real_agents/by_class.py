"""Run one agent that says what each request is for, with a profile for each class of requests."""

import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from real_agents import run as one
from real_agents.agent import ByClass
from real_agents.providers.kinds import Kind
from real_agents.providers.model import Model
from real_agents.providers.task import Task
from real_agents.run import Cell, Installed
from support import events
from support.proxy import process, upstream

BY_CLASS = "by class"
CLASSES = ("main", "subagent", "compaction", "auxiliary")
OTHERS = "others"
"""The profile of a request that no rule matches, with a provider that fails."""


def run(installed: Installed, how: ByClass, captures: Path | None = None) -> Cell:
    """Return how it went; with `captures`, also write each request that a provider got into a folder there."""
    agent = installed.agent
    cell = Cell(agent.title, installed.version, BY_CLASS)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coderouter-agents-")))
        server = stack.enter_context(upstream.serving())
        models = {name: Model(Kind(name, agent.wire), Task(())) for name in CLASSES}
        for name, model in models.items():
            server.provider(name).plays(always=model)
        proxy = stack.enter_context(process.serving(folder, _config(server, agent.wire.kind)))
        place = one.workplace(folder, proxy.url, installed)
        task = agent.task(place.project)
        models["main"].task = replace(task, turns=((how.subagent,), *task.turns))

        started = time.monotonic()
        for invocation, resumes in ((how.works, False), (how.compacts, True)):
            started_so = replace(installed, agent=replace(agent, invocation=invocation))
            ended = one.start(started_so, replace(place, resumes=resumes))
            if ended.code != 0:
                words = ended.stderr[-one.OUTPUT_CHARS_MAX :]
                cell.problems.append(f"{invocation.__name__} ended with {ended.code}: {words}")
        cell.duration_s = round(time.monotonic() - started, 1)
        cell.answers = sum(model.answers for model in models.values())
        cell.problems += [*models["main"].missing(), *one.differences(place.project)]
        proxy.command.stop()
        cell.problems += _problems(proxy.events_path, agent.name)
        if captures is not None:
            for name in CLASSES:
                saved = captures / f"{agent.title.replace(' ', '-')}-{BY_CLASS.replace(' ', '-')}-{name}"
                one.save(server.provider(name).requests, saved)
    return cell


def _config(server: upstream.Upstream, kind: str) -> dict[str, object]:
    """Return a configuration with a provider, a profile and a rule for each class, and no other choice."""
    entries = [
        process.provider(name, server.provider(name).base_url, kind=kind, capabilities=one.THOUGHTFUL)
        for name in (*CLASSES, OTHERS)
    ]
    rules = [{"id": name, "profile": name, "match": {"request_class": name}} for name in CLASSES]
    return process.config(
        entries,
        {name: [name] for name in (*CLASSES, OTHERS)},
        default_profile="auto",
        auto_router={"rules": rules, "default_rule_profile": OTHERS},
    )


def _problems(path: Path, agent: str) -> list[str]:
    """Return what is wrong with the events: requests of each class have to go to the provider of that name."""
    finished = events.read(path, "request-finished")
    by_class = Counter(str(event["request_class"]) for event in finished)
    found = [f"no request says that it is of the class {name}" for name in CLASSES if not by_class[name]]
    for event in finished:
        expected: dict[str, Any] = {"agent": agent, "profile": event["request_class"], "outcome": "ok"}
        expected["provider"] = expected["profile"]
        wrong = {name: event[name] for name, value in expected.items() if event[name] != value}
        if wrong:
            found.append(f"a request of the class {event['request_class']} has {wrong}")
    return found
