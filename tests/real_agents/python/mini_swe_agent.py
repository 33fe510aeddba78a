"""mini-swe-agent, which has one tool, a shell."""

from pathlib import Path

from real_agents.agent import Agent, Invocation, Shown, Workplace
from real_agents.install.pip import Pip
from real_agents.providers.kinds import OPENAI
from real_agents.providers.task import ANSWER, BYTES, FILE, MISSING, PROMPT, TEXT, Call, Task, steps

DONE = f"echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && echo {ANSWER!r}"


def task(folder: Path) -> Task:
    path = folder / FILE

    def shell(command: str, result: str) -> Call:
        return Call("bash", {"command": command}, result)

    write = f"printf '%s\\n' '{TEXT.strip()}' > {path} && echo written"
    turns = steps(
        shell(write, "written"),
        shell(f"cat {path}", TEXT.strip()),
        shell(f"wc -c < {path}", BYTES),
        shell(f"cat {folder / MISSING}", "No such file"),
    )
    return Task(turns, last=shell(DONE, ""))


def invocation(place: Workplace) -> Invocation:
    environment = {
        "OPENAI_API_KEY": "unused",
        "OPENAI_API_BASE": place.v1,
        "MSWEA_COST_TRACKING": "ignore_errors",
        "MSWEA_CONFIGURED": "true",
        "LITELLM_LOCAL_MODEL_COST_MAP": "true",
    }
    arguments = (
        "python",
        "-m",
        "minisweagent.run.mini",
        "-m",
        "openai/any",
        "-t",
        PROMPT,
        "-y",
        "--exit-immediately",
    )
    return Invocation(arguments, environment)


def shown(stdout: str) -> Shown:
    return Shown(ANSWER if ANSWER in stdout else stdout)


AGENTS = (
    Agent(
        name="mini-swe-agent",
        source=Pip("mini-swe-agent", "2.4.6"),
        wire=OPENAI,
        task=task,
        invocation=invocation,
        shown=shown,
    ),
)
