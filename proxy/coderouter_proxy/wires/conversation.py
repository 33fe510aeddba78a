"""A request in a form of its own: each wire has a reader that returns it and a writer that takes it.

Turns may come in any order; `sequence` puts them in the order that wires require. What only one vendor knows is kept
separately, by the wire it came on, so that it is never sent to another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import is_
from typing import Any, Literal, TypeAlias

from coderouter_proxy.wires.state import State

Body = dict[str, Any]
Role: TypeAlias = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """`cache` is the prompt cache breakpoint after this part, as Anthropic's `cache_control`; None without one."""

    cache: object = None


@dataclass(frozen=True, slots=True)
class Text(Part):
    text: str


@dataclass(frozen=True, slots=True)
class Media(Part):
    """An image or a document: Base64 `data` of a media type, or a `url`, or the `text` of a document."""

    kind: Literal["image", "document"]
    media_type: str = ""
    data: str | None = None
    url: str | None = None
    text: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Call(Part):
    """A tool call of the model; `arguments` is JSON text, of an object if the model wrote a sound call.

    `id` is the provider's own, `state` what the provider has to get back with it.
    """

    id: str
    name: str
    arguments: str
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Result(Part):
    """What a tool returned for a call."""

    call_id: str
    parts: tuple[Part, ...] = ()
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Thinking(Part):
    """Thoughts of the model; `proof` is opaque to all but the vendor that made it.

    `state` is what a provider of another wire has to get back, the thoughts included.
    """

    text: str
    proof: str = ""
    state: State | None = None


@dataclass(frozen=True, slots=True)
class VendorPart(Part):
    """A part that only the wire it came on has, under its name there."""

    wire: str
    name: object
    value: object


ON_ALL_WIRES = (Text, Call, Result)


@dataclass(frozen=True, slots=True)
class Turn:
    role: Role
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function that the client runs. A hosted tool runs at the vendor, and only the vendor's wire has it."""

    name: str
    description: str = ""
    parameters: object = None
    strict: object = None
    cache: object = None
    hosted: object = None


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether the model calls tools: as it sees fit, at least one, none, or the one with this name."""

    mode: Literal["auto", "required", "none", "tool"]
    name: str = ""


@dataclass(frozen=True, slots=True)
class OutputSchema:
    """The JSON schema of the answer; OpenAI's wires have a name for it, and do not enforce one that is not strict."""

    schema: object
    name: str = "answer"
    strict: object = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """None or empty: the client left it to the provider."""

    system: tuple[Text, ...] = ()
    turns: tuple[Turn, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_calls: bool | None = None
    max_tokens: object = None
    stop: tuple[str, ...] = ()
    temperature: object = None
    top_p: object = None
    top_k: object = None
    stream: object = None
    output_schema: OutputSchema | None = None
    user: str | None = None
    effort: str | None = None
    """How much the model is to think: a level, "none" for not at all."""
    vendor: Mapping[str, Body] = field(default_factory=dict)
    """By wire, the fields that only this wire has."""
    effort_fields: tuple[str, ...] = ()
    """Those of them that say the effort."""


def with_parts(turn: Turn, parts: Sequence[Part]) -> Turn:
    """Return the turn with these parts; the same object if they are its own."""
    same = len(parts) == len(turn.parts) and all(map(is_, parts, turn.parts))
    return turn if same else Turn(turn.role, tuple(parts))


def parts_of(conversation: Conversation) -> list[Part]:
    """Return all parts of all turns and of the system text, including those inside results."""
    found: list[Part] = list(conversation.system)
    for turn in conversation.turns:
        for part in turn.parts:
            found.append(part)
            if isinstance(part, Result):
                found += part.parts
    return found
