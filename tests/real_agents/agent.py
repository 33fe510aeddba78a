"""An agent: a row of the table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from real_agents.providers.conversation import Usage, Wire
from real_agents.providers.task import Call, Task


class Source(Protocol):
    """Where an agent is installed from."""

    @property
    def version(self) -> str: ...

    def programs(self) -> list[Path]:
        """Install what is missing, and return the folders with the agent's programs and with those that they run on.

        Raises:
            NotInstalled
        """
        ...

    def latest(self) -> Self:
        """Return the newest version.

        Raises:
            NotInstalled
        """
        ...


@dataclass(frozen=True)
class Workplace:
    """The folders of one run, all empty at its start, and the base URL of the API, without `/v1`.

    `programs` is the folder of the agent's own programs. `resumes`: the agent has to continue its last session.
    """

    home: Path
    project: Path
    scratch: Path
    url: str
    programs: Path
    resumes: bool = False

    @property
    def v1(self) -> str:
        return f"{self.url}/v1"

    def write(self, path: str, text: str) -> Path:
        """Write a file of the agent's configuration, below its home."""
        whole = self.home / path
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_text(text, encoding="utf-8")
        return whole


@dataclass(frozen=True)
class Invocation:
    """`environment` is all that the agent gets beside PATH, HOME, TMPDIR and LANG.

    The program is the first of `arguments`. Those of `before` run first, and each has to end with 0.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    before: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Shown:
    """What the agent shows at its end: the model's last words, and the usage that it counted if it shows that."""

    answer: str
    usage: Usage | None = None


@dataclass(frozen=True)
class ByClass:
    """How an agent is made to say of each request what it is for.

    `subagent` is a call that starts one; `works` also sends an auxiliary request, and `compacts` ends the session that
    it began with a summary.
    """

    subagent: Call
    works: Callable[[Workplace], Invocation]
    compacts: Callable[[Workplace], Invocation]


def words(stdout: str) -> Shown:
    """Read the output of an agent that prints text, the answer last."""
    return Shown(stdout.strip().rpartition("\n")[2])


@dataclass(frozen=True, kw_only=True)
class Agent:
    """`variant` says how the agent is configured, where it is in several ways; `wire` is the one that it speaks then.

    `task` is what the model does in a folder. `shown` reads stdout, and raises ValueError, LookupError or TypeError
    where it cannot. It gets so many `prompts`, each with a task; all but the first resume the session.
    `large` is a call with a longer result than agents keep as it is, for those that also run over rotating vendors.
    `by_class` is for those that also run with a profile for each class of requests.
    """

    name: str
    source: Source
    wire: Wire
    task: Callable[[Path], Task]
    invocation: Callable[[Workplace], Invocation]
    shown: Callable[[str], Shown] = words
    variant: str = ""
    prompts: int = 1
    large: Call | None = None
    by_class: ByClass | None = None

    @property
    def title(self) -> str:
        """The agent's name with its variant."""
        return f"{self.name} {self.variant}".strip()
