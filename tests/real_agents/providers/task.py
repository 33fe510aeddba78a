"""What an agent is asked to do, as the turns of the model that does it with the agent's tools."""

import json
from dataclasses import dataclass
from itertools import accumulate

from real_agents.providers.conversation import Body, Prompt, Reply, ToolCall

PROMPT = "Write notes.txt, then read it and count its bytes."
FILE = "notes.txt"
TEXT = "The heron stands in the shallow water.\n"
ANSWER = "notes.txt says where the heron stands."


@dataclass(frozen=True)
class Call:
    """One call of a tool; `result` has to be in the text that the agent sends back."""

    tool: str
    arguments: Body
    result: str


@dataclass(frozen=True)
class Task:
    """`turns` are the calls of each answer of the model; after them it says `ANSWER`."""

    turns: tuple[tuple[Call, ...], ...]

    @property
    def calls(self) -> list[Call]:
        return [call for turn in self.turns for call in turn]

    def is_asked(self, prompt: Prompt) -> bool:
        """Return whether the prompt is about the task: agents ask other things too, such as a title."""
        return {call.tool for call in self.calls} <= prompt.tools

    def reply(self, prompt: Prompt) -> Reply:
        """Return the turn that comes after the results that the prompt has."""
        if not self.is_asked(prompt):
            return Reply(text="Noted." if prompt.schema is None else json.dumps(_example(prompt.schema)))
        ends = accumulate(map(len, self.turns))
        number = sum(end <= len(prompt.results) for end in ends)
        if number == len(self.turns):
            return Reply(text=ANSWER)
        calls = tuple(
            ToolCall(f"call_{number}_{index}", call.tool, call.arguments)
            for index, call in enumerate(self.turns[number])
        )
        return Reply(thought="Let me see.", text=f"Step {number + 1}.", calls=calls)


def _example(schema: Body) -> object:
    """Return a value of the schema."""
    match schema.get("type"):
        case "object":
            return {name: _example(inner) for name, inner in schema.get("properties", {}).items()}
        case "array":
            return []
        case "boolean":
            return False
        case "integer" | "number":
            return 0
        case _:
            return schema["enum"][0] if "enum" in schema else "A file of notes"
