"""codex, headless: its own model, a model that it does not know, and what sessions are made of."""

import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from real_agents.agent import Agent, Invocation, Shown, Workplace
from real_agents.install.npm import Npm
from real_agents.programs import calculator
from real_agents.providers.conversation import Body, Usage
from real_agents.providers.kinds import RESPONSES
from real_agents.providers.task import BYTES, FILE, MISSING, PROMPT, TEXT, Call, Task, Turns, steps

CONFIG = """\
model_provider = "coderouter"
web_search = "disabled"
{more}
[model_providers.coderouter]
name = "CodeRouter"
base_url = "{url}"
wire_api = "responses"

[mcp_servers.calc]
command = "{python}"
args = ["{calculator}"]
"""
COMPACTION = "CONTEXT CHECKPOINT COMPACTION"
COMPACTS = "model_auto_compact_token_limit = 1545"
SUM = Call("mcp__calc__add", {"a": 20, "b": 22}, "42")


def _shell(command: str, result: str) -> Call:
    return Call("exec_command", {"cmd": command}, result)


def _commands(folder: Path) -> Turns:
    path = folder / FILE
    write = f"printf '%s\\n' '{TEXT.strip()}' > {path} && echo written"
    return steps(
        _shell(write, "written"),
        _shell(f"cat {path}", TEXT.strip()),
        _shell(f"wc -c < {path}", BYTES),
        _shell(f"cat {folder / MISSING}", "No such file"),
    )


def any_model(folder: Path, compaction: str | None = None) -> Task:
    """A model that codex does not know gets functions, and the tools of a server in a namespace."""
    return Task((*_commands(folder), (SUM,)), compaction=compaction)


def _patch(folder: Path) -> str:
    return f"*** Begin Patch\n*** Add File: {folder / FILE}\n+{TEXT.strip()}\n*** End Patch\n"


def deferring(folder: Path) -> Task:
    """This model edits with a tool whose input is a text, and finds the tools of servers by a search."""
    edit = Call("apply_patch", {"input": _patch(folder)}, "notes.txt")
    _, *look = _commands(folder)
    search = Call("tool_search", {"query": "add two numbers"}, "add")
    return Task(((edit,), *look, (search,), (SUM,)))


def scripting(folder: Path) -> Task:
    """The default model runs all tools from scripts."""

    def script(text: str, result: str) -> Call:
        return Call("exec", {"input": text}, result)

    def command(text: str) -> str:
        return f"text(await tools.exec_command({json.dumps({'cmd': text})}));"

    path = folder / FILE
    edit = f"text(await tools.apply_patch({json.dumps(_patch(folder))}));"
    both = command(f"cat {path}") + command(f"wc -c < {path}")
    return Task(
        (
            (script(edit, "Script completed"),),
            (script(both, TEXT.strip()),),
            (script(command(f"cat {folder / MISSING}"), "No such file"),),
            (script("text(await tools.mcp__calc__add({a: 20, b: 22}));", "42"),),
        )
    )


def invocation(place: Workplace, model: str | None = None, more: str = "") -> Invocation:
    config = CONFIG.format(url=place.v1, more=more, python=sys.executable, calculator=calculator.__file__)
    place.write(".codex/config.toml", config)
    named = ("-m", model) if model else ()
    common = ("--json", "--dangerously-bypass-approvals-and-sandbox", "--skip-git-repo-check", *named)
    how = ("resume", *common, "--last") if place.resumes else common
    return Invocation(("codex", "exec", *how, PROMPT), {})


def shown(stdout: str) -> Shown:
    events: list[Body] = [json.loads(line) for line in stdout.splitlines()]
    said = [event["item"]["text"] for event in events if event.get("item", {}).get("type") == "agent_message"]
    [used] = [event["usage"] for event in events if event["type"] == "turn.completed"]
    cached = used["cached_input_tokens"]
    return Shown(said[-1], Usage(used["input_tokens"] - cached, used["output_tokens"], cached))


DEFAULT = Agent(
    name="codex",
    source=Npm("@openai/codex", "0.169.0"),
    wire=RESPONSES,
    task=scripting,
    invocation=invocation,
    shown=shown,
)
ANY = replace(DEFAULT, variant="-m any", task=any_model, invocation=partial(invocation, model="any"))
AGENTS = (
    DEFAULT,
    ANY,
    replace(DEFAULT, variant="-m gpt-5.5", task=deferring, invocation=partial(invocation, model="gpt-5.5")),
    replace(ANY, variant="-m any, resumes", prompts=2),
    replace(
        ANY,
        variant="-m any, compacts",
        task=partial(any_model, compaction=COMPACTION),
        invocation=partial(invocation, model="any", more=COMPACTS),
        shown=lambda stdout: replace(shown(stdout), usage=None),
    ),
)
