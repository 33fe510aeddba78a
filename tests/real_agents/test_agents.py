"""A run passes where the agent did the task and all counts agree, and fails whatever part of that went wrong."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from real_agents import rotation, table, totals
from real_agents.agent import Agent, Invocation, Shown, Workplace
from real_agents.install.npm import Npm
from real_agents.programs import mini_agent
from real_agents.providers.conversation import Usage
from real_agents.providers.kinds import ANTHROPIC, DIRECT, KINDS, Kind
from real_agents.providers.model import Model
from real_agents.providers.task import FILE, TEXT, Call, Task
from real_agents.providers.templates import qwen
from real_agents.run import Cell, Installed, run
from support.exporter.process import append, line

WITHOUT_PROXY = Kind(DIRECT, ANTHROPIC)
Install = Callable[[str], Installed]


LARGE = Call("shell", {"command": "seq 20000"}, "1\n2\n3\n")


def task(folder: Path) -> Task:
    path = str(folder / FILE)
    read, count = {"command": f"cat {path}"}, {"command": f"wc -c < {path}"}
    return Task(
        (
            (Call("write", {"path": path, "text": TEXT}, "written"),),
            (Call("shell", read, TEXT), Call("shell", count, str(len(TEXT)))),
        )
    )


def shown(stdout: str) -> Shown:
    output = json.loads(stdout)
    return Shown(output["answer"], Usage(*output["usage"]))


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Return a function that installs the small agent with a flaw, or with none."""

    def installed(flaw: str = "") -> Installed:
        def invocation(place: Workplace) -> Invocation:
            resuming = ("--continue",) if place.resumes else ()
            return Invocation(("mini", *resuming, place.url, flaw), {})

        program = tmp_path / "mini"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {mini_agent.__file__} "$@"\n')
        program.chmod(0o755)
        agent = Agent(
            name="mini",
            source=Npm("mini", "1.0"),
            wire=ANTHROPIC,
            task=task,
            invocation=invocation,
            shown=shown,
        )
        return Installed(agent, "1.0", [tmp_path])

    return installed


@pytest.mark.parametrize("kind", [WITHOUT_PROXY, *KINDS], ids=lambda kind: kind.name)
def test_an_agent_that_does_the_task_passes(kind: Kind, install: Install, tmp_path: Path) -> None:
    cell = run(install(""), kind, captures=tmp_path)
    assert (cell.problems, cell.notes, cell.answers) == ([], [], 3)
    captured = [json.loads(path.read_text()) for path in sorted(tmp_path.glob(f"mini-{kind.name}/*.json"))]
    assert [request["method"] for request in captured] == ["POST"] * 3


@pytest.mark.parametrize(
    ("flaw", "words"),
    [
        ("forgets", "tool results for ['call_1_0'] follow the tool calls ['call_1_0', 'call_1_1']"),
        ("mumbles", "it shows the answer 'mumble'"),
        ("miscounts", "the provider counted Usage(input=3036, output=44, cache_read=1506)"),
        ("spoils", "notes.txt holds ''"),
        ("sees nothing", "the result of shell is '', without 'The heron"),
        ("fails", "it ended with 3"),
        ("is silent", "its output cannot be read"),
    ],
)
def test_an_agent_with_a_flaw_fails(flaw: str, words: str, install: Install) -> None:
    cell = run(install(flaw), WITHOUT_PROXY)
    assert words in "\n".join([*cell.problems, *cell.notes])
    assert cell.problems


def test_a_conversation_over_rotating_vendors_continues_after_restarts(
    install: Install, tmp_path: Path
) -> None:
    cell = rotation.run(install(""), LARGE, captures=tmp_path)
    assert (cell.problems, cell.notes, cell.answers) == ([], [], 12)
    captured = {path.parent.name for path in tmp_path.glob("mini-*/*.json")}
    assert captured == {"mini-rotating-gemini", "mini-rotating-deepseek", "mini-rotating-mistral"}


def test_a_vendor_refuses_a_history_without_its_state(install: Install) -> None:
    cell = rotation.run(install("cuts ids"), LARGE, prompts=1)
    assert "gemini refused" in "\n".join(cell.problems)
    assert "is missing a thought_signature" in "\n".join(cell.problems)


def test_the_strict_template_refuses_a_system_message_after_the_first_message(install: Install) -> None:
    cell = run(install("system"), Kind(DIRECT, ANTHROPIC, qwen))
    assert "the provider refused 1: System message must be at the beginning." in cell.notes
    assert cell.problems


def test_totals_that_differ_are_problems(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    fields = {"provider": "model", "model": "model-model", "input_tokens": 7, "output_tokens": 5}
    for seq, outcome in enumerate(("ok", "client_error"), 1):
        append(events, line("request-finished", writer="w", seq=seq, ingress="anthropic", profile="default",
                            outcome=outcome, cache_read_tokens=None, cost_usd=0.0001, **fields))  # fmt: skip
    model = Model(WITHOUT_PROXY, task(tmp_path), answers=1, usage=Usage(14, 9))

    found = totals.differences(events, "model", ANTHROPIC, model)

    assert found == [
        "the exporter counts 0 as ('coderouter_provider_outcomes_total', ('ok', 'model')), the provider 1",
        "the exporter counts 10 as ('coderouter_tokens_total', ('output', 'model-model', 'model')), the provider 9",
        "the exporter counts 0.0002 as ('coderouter_cost_usd_total', ('model-model', 'model')), the provider 0.000177",
        "1 requests of the agent ended as client_error",
    ]


def test_the_table_has_a_row_for_each_agent_and_says_what_failed() -> None:
    cells = [
        Cell("mini", "1.0", "direct", duration_s=1.5),
        Cell("mini", "1.0", "openai", ["it ended with 3"], ["stderr: oh"], duration_s=2),
        Cell("other", "7", "openai", duration_s=3),
    ]
    assert table.render(cells, ["direct", "openai"]).splitlines() == [
        "agent     direct     openai",
        "mini 1.0  ok, 1.5 s  FAILED, 2 s",
        "other 7   -          ok, 3 s",
        "mini, openai: problem: it ended with 3",
        "mini, openai: note: stderr: oh",
    ]
