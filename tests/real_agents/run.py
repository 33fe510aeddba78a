"""Run one agent in front of one provider, with the proxy between them or without it, and check how it went."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from real_agents import totals
from real_agents.agent import Agent, Workplace
from real_agents.providers.conversation import Usage
from real_agents.providers.kinds import DIRECT, Kind
from real_agents.providers.model import Model
from real_agents.providers.task import ANSWER, FILE, TEXT, Task
from support.proxy import process, upstream
from support.proxy.upstream import Received

AGENT_S_MAX = 180
OUTPUT_CHARS_MAX = 2000
PROVIDER = "model"
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
THOUGHTFUL = {"thinking": True, "reasoning_passthrough": True}


@dataclass(frozen=True)
class Installed:
    """An agent, and the folders with its programs and those that it runs on."""

    agent: Agent
    version: str
    programs: list[Path]


@dataclass
class Cell:
    """How a run went. It passed if there are no problems; notes are worth reading either way."""

    agent: str
    version: str
    provider: str
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    duration_s: float = 0.0
    answers: int = 0


@dataclass(frozen=True)
class Ended:
    """`code` is None where the agent had to be killed."""

    code: int | None
    stdout: str
    stderr: str


def run(installed: Installed, kind: Kind, captures: Path | None = None) -> Cell:
    """Return how it went; with `captures`, also write each request that the provider got into a folder there."""
    agent = installed.agent
    cell = Cell(agent.title, installed.version, kind.name)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="coderouter-agents-")))
        provider = stack.enter_context(upstream.serving()).provider(PROVIDER)
        model = Model(kind, Task(()))
        provider.plays(always=model)
        url, proxy = provider.base_url, None
        if kind.name != DIRECT:
            entry = process.provider(
                PROVIDER, url, kind=kind.wire.kind, capabilities=THOUGHTFUL, cost=totals.COST
            )
            proxy = stack.enter_context(process.serving(folder, process.config([entry])))
            url = proxy.url
        place = workplace(folder, url, installed)

        started = time.monotonic()
        for number in range(agent.prompts):
            part = place.project / str(number) if number else place.project
            part.mkdir(exist_ok=True)
            add_task(model, agent.task(part))
            ended = start(installed, replace(place, resumes=number > 0))
            cell.problems += [*problems(agent, ended, model.usage), *differences(part)]
        cell.duration_s = round(time.monotonic() - started, 1)
        cell.answers = model.answers
        cell.problems += model.missing()
        cell.notes += _refusals(model)
        if proxy is not None:
            proxy.command.stop()
            cell.problems += totals.differences(proxy.events_path, PROVIDER, agent.wire, model)
        if captures is not None:
            save(provider.requests, captures / f"{agent.title.replace(' ', '-')}-{kind.name}")
    return cell


def workplace(folder: Path, url: str, installed: Installed) -> Workplace:
    """Create the folders of a workplace below this folder."""
    made = (folder / "home", folder / "project", folder / "tmp")
    for each in made:
        each.mkdir(mode=0o700, exist_ok=True)
    return Workplace(*made, url.removesuffix("/v1"), installed.programs[0])


def add_task(model: Model, task: Task) -> None:
    """Let the model do another task after those that it did."""
    model.task = replace(task, turns=(*model.task.turns, *task.turns))


def start(installed: Installed, place: Workplace) -> Ended:
    """Run the agent to its end."""
    invocation = installed.agent.invocation(place)
    path = ":".join([*map(str, installed.programs), SYSTEM_PATH])
    usual = {"PATH": path, "HOME": str(place.home), "TMPDIR": str(place.scratch), "LANG": "C.UTF-8"}
    environment = {**usual, **invocation.environment}
    for command in invocation.before:
        before = _ended(command, place, environment)
        if before.code:
            return before
    return _ended(invocation.arguments, place, environment)


def _ended(command: Sequence[str], place: Workplace, environment: Mapping[str, str]) -> Ended:
    program, *arguments = command
    process = subprocess.Popen(
        [shutil.which(program, path=environment["PATH"]) or program, *arguments],
        cwd=place.project,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        stdout, stderr = process.communicate(timeout=AGENT_S_MAX)
        return Ended(process.returncode, stdout, stderr)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return Ended(None, *process.communicate())
    finally:
        with suppress(ProcessLookupError):  # what it left running
            os.killpg(process.pid, signal.SIGKILL)


def problems(agent: Agent, ended: Ended, usage: Usage) -> list[str]:
    """Return what is wrong with how the agent ended and with what it shows; `usage` is what it used."""
    found = []
    if ended.code is None:
        found.append(f"it did not end within {AGENT_S_MAX} s")
    elif ended.code:
        found.append(f"it ended with {ended.code}")
    try:
        shown = agent.shown(ended.stdout)
    except (ValueError, LookupError, TypeError) as error:
        shown = None
        found.append(f"its output cannot be read ({error!r}): {ended.stdout[-OUTPUT_CHARS_MAX:]}")
    if shown is not None and shown.answer != ANSWER:
        found.append(f"it shows the answer {shown.answer!r}, not {ANSWER!r}")
    if shown is not None and shown.usage not in (None, usage):
        found.append(f"it shows {shown.usage}, the provider counted {usage}")
    if found and (stderr := ended.stderr.strip()):
        found.append(f"stderr: {stderr[-OUTPUT_CHARS_MAX:]}")
    return found


def differences(project: Path) -> list[str]:
    path = project / FILE
    written = path.read_text(encoding="utf-8") if path.exists() else None
    return [] if written == TEXT else [f"{FILE} holds {written!r}, not {TEXT!r}"]


def _refusals(model: Model) -> list[str]:
    found = [f"the provider refused {count}: {words}" for words, count in Counter(model.refused).items()]
    return [*found, *(f"the provider does not know {request}" for request in dict.fromkeys(model.unknown))]


def save(requests: list[Received], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, request in enumerate(requests, 1):
        head = {"method": request.method, "path": request.path, "headers": request.headers}
        body = request.json if request.body else None
        text = json.dumps({**head, "body": body}, indent=1, ensure_ascii=False)
        (folder / f"{number:02}.json").write_text(text + "\n", encoding="utf-8")
