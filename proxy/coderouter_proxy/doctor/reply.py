"""What a model replied, as its provider sent it: nothing filtered, repaired or translated back."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from coderouter_proxy.answer import Usage
from coderouter_proxy.request import Body
from coderouter_proxy.wires.deltas import Arguments, Delta, Text, Thinking, ToolCall


@dataclass(kw_only=True)
class Reply:
    """One reply. `calls` has the name and the JSON text of the arguments of each tool call.

    `stop_reason` is in Anthropic's terms; a stream that broke off has none and is not `complete`. `body` is the JSON
    object of a reply that was not streamed.
    """

    text: str = ""
    thinking: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    stop_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    complete: bool = False
    body: Body = field(default_factory=dict)
    duration_s: float = 0.0

    @property
    def input_tokens(self) -> int | None:
        """Tokens of the prompt that the provider reports, cached or not; None if it reports none."""
        usage = self.usage
        if usage.input_tokens is None:
            return None
        return usage.input_tokens + (usage.cache_read_tokens or 0) + (usage.cache_creation_tokens or 0)

    def add(self, deltas: Iterable[Delta]) -> None:
        for delta in deltas:
            match delta:
                case Text():
                    self.text += delta.text
                case Thinking():
                    self.thinking += delta.text
                case ToolCall():
                    self.calls.append((delta.name, ""))
                case Arguments() if self.calls:
                    name, arguments = self.calls[-1]
                    self.calls[-1] = (name, arguments + delta.text)
