"""The SDKs and small frameworks do a task with tools through the proxy, over each kind of provider.

They run in the process of the tests: most of their time is imports.
"""

import asyncio
import importlib
import inspect
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from real_agents import own_tools, totals
from real_agents.own_tools import Program
from real_agents.providers.kinds import KINDS
from real_agents.providers.model import Model
from real_agents.providers.task import ANSWER, FILE, PROMPT, Task
from real_agents.python import frameworks, sdks
from real_agents.run import THOUGHTFUL, differences
from support.exporter.process import Exporter, running_exporter
from support.processes import eventually
from support.proxy import process, upstream

PROGRAMS = (sdks.ANTHROPIC_SDK, sdks.OPENAI_SDK, frameworks.OPENAI_AGENTS, frameworks.PYDANTIC_AI)


@dataclass(frozen=True)
class Servers:
    """A proxy in front of each kind of provider, by its URL, and one exporter for all of them."""

    models: dict[str, Model]
    exporter: Exporter


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    events = tmp_path_factory.mktemp("events") / "events.jsonl"
    with ExitStack() as stack:
        server = stack.enter_context(upstream.serving())
        models: dict[str, Model] = {}
        for kind in KINDS:
            provider = server.provider(kind.name)
            entry = process.provider(
                kind.name, provider.base_url, kind=kind.wire.kind, capabilities=THOUGHTFUL, cost=totals.COST
            )
            config, folder = process.config([entry]), tmp_path_factory.mktemp("proxy")
            proxy = stack.enter_context(process.serving(folder, config, events_path=events))
            model = models[proxy.url.removesuffix("/v1")] = Model(kind, Task(()))
            provider.plays(always=model)
        exporter = running_exporter(events, state=events.with_name("state"))
        yield Servers(models, stack.enter_context(exporter))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "api"),
    [
        pytest.param(program, api, id=f"{program.module} {api}")
        for program in PROGRAMS
        for api in program.wires
    ],
)
def test_an_agent_does_the_task_and_all_counts_agree(
    program: Program, api: str, servers: Servers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main = importlib.import_module(f"real_agents.programs.{program.module}").main
    for url, model in servers.models.items():
        (tmp_path / FILE).unlink(missing_ok=True)
        model.task, before = own_tools.task(tmp_path), model.usage
        ending = main(program.base_url(api, url), api, PROMPT)
        if inspect.iscoroutine(ending):
            asyncio.run(ending)
        shown = own_tools.shown(capsys.readouterr().out)
        found = [*model.missing(), *model.refused, *model.unknown, *differences(tmp_path)]

        def miscounted(model: Model = model) -> list[str]:
            return totals.compare(servers.exporter.scrape(), totals.of_provider(model.kind.name, model))

        with suppress(
            AssertionError
        ):  # the agent may read the end of its answer before the proxy has counted it
            eventually(lambda: not miscounted())
        found += miscounted()
        assert (shown.answer, found) == (ANSWER, []), model.kind.name
        assert shown.usage is not None
        assert before + shown.usage == model.usage
