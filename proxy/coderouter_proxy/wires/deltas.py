"""The pieces of an answer, on either wire, in the order in which the client gets them.

Consecutive pieces of one kind form a block. A tool call starts with `ToolCall`, and its arguments follow; calls are
never interleaved.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Final

from coderouter_proxy.request import Body


@dataclass(slots=True)
class Text:
    text: str


@dataclass(slots=True)
class Thinking:
    """`field` is the one that the reasoning was in, on a wire where it has several names."""

    text: str
    field: str = field(default="reasoning_content", compare=False)


@dataclass(slots=True)
class Signature:
    """Proves to its vendor that the thinking before it is genuine."""

    signature: str


@dataclass(slots=True)
class ToolCall:
    """`extra` has to come back with the call; only the vendor that made it can read it."""

    id: str
    name: str
    extra: Body | None = None


@dataclass(slots=True)
class Arguments:
    """A part of the JSON text of the newest call's arguments."""

    text: str


@dataclass(slots=True)
class Opaque:
    """State that has to come back, by its name on the wire that it is read from or written on."""

    name: str
    value: object


Delta = Text | Thinking | Signature | ToolCall | Arguments | Opaque


@dataclass(slots=True)
class Stop:
    """How the answer ended; `reason` is one of Anthropic's, which distinguish more cases, or `content_filter`."""

    reason: str | None = None
    sequence: str | None = None


class Reader(ABC):
    """Turns an answer, chunk by chunk or complete, into deltas."""

    stop: Stop

    @abstractmethod
    def read(self, chunk: Body) -> list[Delta]:
        """Return what the chunk adds to the answer."""

    @abstractmethod
    def end(self) -> list[Delta]:
        """Return what was held back until the end."""


ANTHROPIC_STOPS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "content_filter",
}
OPENAI_STOPS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "content_filter": "content_filter",
}
