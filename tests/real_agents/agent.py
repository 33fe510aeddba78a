"""An agent: a row of the table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from real_agents.providers.conversation import Usage, Wire
from real_agents.providers.task import Call, Task


@dataclass(frozen=True)
class Workplace:
    """The folders of one run, all empty at its start, and the base URL of the API, without `/v1`."""

    home: Path
    project: Path
    scratch: Path
    url: str


@dataclass(frozen=True)
class Invocation:
    """`environment` is all that the agent gets beside PATH, HOME, TMPDIR and LANG."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Shown:
    """What the agent shows at its end: the model's last words, and the usage that it counted if it shows that."""

    answer: str
    usage: Usage | None = None


@dataclass(frozen=True)
class Agent:
    """`package` is the npm package, `program` the command in it, `wire` the one that it speaks.

    `task` is what the model does in a folder, `large` a call with a longer result than agents keep as it is. `resuming`
    are the arguments that continue the last session; they go before the others. `shown` reads stdout, and raises
    ValueError, KeyError or TypeError where it cannot.
    """

    name: str
    package: str
    version: str
    program: str
    wire: Wire
    task: Callable[[Path], Task]
    large: Call
    invocation: Callable[[Workplace], Invocation]
    resuming: tuple[str, ...]
    shown: Callable[[str], Shown]
