"""What a model reads in a request and says in its answer, whatever the wire."""

import operator
from dataclasses import astuple, dataclass, field
from typing import Any, Protocol

from support.proxy.upstream import Script

Body = dict[str, Any]


class Refused(Exception):
    """The provider refuses the request with HTTP 400 and these words."""


@dataclass(frozen=True)
class Tool:
    """A tool that a request offers. Only the Responses API has tools in a `namespace`, and any but functions."""

    name: str
    namespace: str = ""
    kind: str = "function"

    def is_called(self, name: str) -> bool:
        """Return whether a model means this tool; a name may lack the namespace, which other wires put in front."""
        flat = f"{self.namespace}__{self.name}" if self.namespace else self.name
        return flat == name or flat.endswith(f"__{name}")


@dataclass(frozen=True)
class ToolCall:
    """`vendor` are fields of the call that only this vendor has."""

    id: str
    tool: Tool
    arguments: Body
    vendor: Body = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """What `request` says: `results` are the texts of all tool results so far, `asked` is the text of the last message.

    `schema` is the one that the answer has to follow.
    """

    request: Body
    tools: tuple[Tool, ...]
    results: tuple[str, ...]
    asked: str
    schema: Body | None

    @property
    def stream(self) -> bool:
        return bool(self.request.get("stream"))

    def tool(self, name: str) -> Tool | None:
        return next((tool for tool in self.tools if tool.is_called(name)), None)


@dataclass(frozen=True, kw_only=True)
class Reply:
    thought: str = ""
    text: str = ""
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True)
class Usage:
    """Tokens, each in one direction only: `input` is without those of the cache."""

    input: int = 0
    output: int = 0
    cache_read: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*map(operator.add, astuple(self), astuple(other)))


class Wire(Protocol):
    """How a provider is spoken to.

    `ingress` is the name of the wire in events, `kind` that of the provider in providers.yaml; `path` is below its
    base URL.
    """

    ingress: str
    kind: str
    path: str

    def read(self, body: Body) -> Prompt:
        """Return what the request says.

        Raises:
            Refused: a real provider would not accept it.
        """
        ...

    def answer(self, answer_id: str, prompt: Prompt, reply: Reply, usage: Usage) -> Script:
        """Return the answer; no two answers may have one id: Claude Code takes those for parts of one message."""
        ...

    def refusal(self, words: str) -> Script: ...


def check_results(called: list[str], answered: list[str]) -> None:
    """Check the ids of the tool results that follow the calls of one answer.

    Raises:
        Refused: they are not the ids of these calls, each once.
    """
    if sorted(called) != sorted(answered):
        raise Refused(f"tool results for {answered} follow the tool calls {called}")
