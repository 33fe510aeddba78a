"""`make agents`: run each agent in front of each kind of provider, and print a table of how it went.

Ends with 1 if a run failed, or else with 2 if an agent could not be installed.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from real_agents import by_class, rotation, table
from real_agents.agent import Agent
from real_agents.agents import AGENTS
from real_agents.install.cache import NotInstalled
from real_agents.providers.kinds import DIRECT, KINDS, Kind
from real_agents.real_model import checks as real_model
from real_agents.run import Cell, Installed, run

PROVIDERS = (DIRECT, *(kind.name for kind in KINDS), rotation.ROTATING, by_class.BY_CLASS)


def main() -> int:
    options = _options()
    cells: list[Cell] = []
    not_installed: dict[str, str] = {}
    for name, runs in _jobs(options):
        try:
            for cell in runs:
                print(f"{cell.agent}, {cell.provider}: {table.shown(cell)}", flush=True)
                cells.append(cell)
        except NotInstalled as error:
            not_installed[name] = str(error)
    if cells:
        print(f"\n{table.render(cells, [name for name in PROVIDERS if name in options.provider])}")
    for name, words in not_installed.items():
        print(f"{name} could not be installed, so it was not run: {words}")
    if options.json:
        results = {"cells": [dataclasses.asdict(cell) for cell in cells], "not_installed": not_installed}
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if any(cell.problems for cell in cells):
        return 1
    return 2 if not_installed else 0


def _jobs(options: argparse.Namespace) -> Iterator[tuple[str, Iterator[Cell]]]:
    """Yield each row with its runs, which raise NotInstalled where it cannot be installed."""
    for agent in AGENTS:
        if {agent.name, agent.title} & set(options.agent):
            yield agent.title, _runs(agent, options)
    if real_model.NAME in options.agent:
        yield real_model.NAME, real_model.run(options.provider)


def _runs(agent: Agent, options: argparse.Namespace) -> Iterator[Cell]:
    source = agent.source.latest() if options.latest else agent.source
    installed = Installed(agent, source.version, source.programs())
    for kind in (Kind(DIRECT, agent.wire), *KINDS):
        if kind.name in options.provider:
            yield run(installed, kind, options.captures)
    if rotation.ROTATING in options.provider and agent.large is not None:
        yield rotation.run(installed, agent.large, options.captures)
    if by_class.BY_CLASS in options.provider and agent.by_class is not None:
        yield by_class.run(installed, agent.by_class, options.captures)


def _options() -> argparse.Namespace:
    names = dict.fromkeys(name for agent in AGENTS for name in (agent.name, agent.title))
    names[real_model.NAME] = None
    parser = argparse.ArgumentParser(prog="python -m real_agents", description=__doc__)
    parser.add_argument("--agent", action="append", choices=names, help="run only this agent; repeatable")
    parser.add_argument(
        "--provider", action="append", choices=PROVIDERS, help="use only this provider; repeatable"
    )
    parser.add_argument("--latest", action="store_true", help="run the newest versions, not the pinned ones")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results to this file")
    parser.add_argument(
        "--captures", type=Path, metavar="FOLDER", help="save the requests that providers got"
    )
    options = parser.parse_args()
    options.agent = options.agent or names
    options.provider = options.provider or PROVIDERS
    return options


if __name__ == "__main__":
    sys.exit(main())
