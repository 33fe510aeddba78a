"""What an agent is asked to do, as the turns of the model that does it with the agent's tools."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from real_agents.providers.conversation import Body, Prompt, Reply, ToolCall

PROMPT = "Write notes.txt, then read it and count its bytes, and look for more.txt."
FILE = "notes.txt"
MISSING = "more.txt"
TEXT = "The heron stands in the shallow water.\n"
BYTES = str(len(TEXT))
ANSWER = "notes.txt says where the heron stands."
SUMMARY = re.compile(r"(\d+) tool calls are done")


@dataclass(frozen=True)
class Call:
    """One call of a tool; `result` has to be in the text that the agent sends back."""

    tool: str
    arguments: Body
    result: str


Turns = tuple[tuple[Call, ...], ...]


def steps(write: Call, read: Call, count: Call, look: Call) -> Turns:
    """Return the usual turns: one call, two in parallel, and one that fails."""
    return ((write,), (read, count), (look,))


@dataclass(frozen=True)
class Task:
    """`turns` are the calls of each answer of the model; after them it says `answer`.

    `last` is a call in that answer with which the agent ends, so that its result never comes.
    `compaction` are words of the prompt with which the agent asks for a summary of the conversation, if it may do that.
    """

    turns: Turns
    answer: str = ANSWER
    last: Call | None = None
    compaction: str | None = None

    @property
    def calls(self) -> list[Call]:
        return [call for turn in self.turns for call in turn]

    def is_asked(self, prompt: Prompt) -> bool:
        """Return whether the prompt is about the task: agents ask other things too, such as a title."""
        if self._is_compaction(prompt) or not self.turns:
            return True
        return all(prompt.tool(call.tool) for call in self.turns[0])

    def results(self, prompt: Prompt, earlier: Sequence[str]) -> tuple[str, ...]:
        """Return all results so far: those of the prompt, and of the `earlier` ones those that it summarises."""
        return (*earlier[: self._summarised(prompt)], *prompt.results)

    def reply(self, prompt: Prompt) -> Reply:
        """Return the turn that comes after the results that the prompt has."""
        if not self.is_asked(prompt):
            return Reply(text="Noted." if prompt.schema is None else json.dumps(_example(prompt.schema)))
        done = self._summarised(prompt) + len(prompt.results)
        if self._is_compaction(prompt):
            return Reply(text=f"{done} tool calls are done.")
        number = sum(end <= done for end in accumulate(map(len, self.turns)))
        is_over = number == len(self.turns)
        turn = self.turns[number] if not is_over else (self.last,) if self.last else ()
        calls: list[ToolCall] = []
        for index, call in enumerate(turn):
            tool = prompt.tool(call.tool)
            if tool is None:
                return Reply(text=f"There is no tool {call.tool} for step {number + 1}.")
            calls.append(ToolCall(f"call_{number}_{index}", tool, call.arguments))
        if is_over:
            return Reply(text=self.answer, calls=tuple(calls))
        return Reply(thought="Let me see.", text=f"Step {number + 1}.", calls=tuple(calls))

    def _is_compaction(self, prompt: Prompt) -> bool:
        return self.compaction is not None and self.compaction in prompt.asked

    def _summarised(self, prompt: Prompt) -> int:
        """Return how many calls the summary names that stands for the beginning of the conversation."""
        if self.compaction is None:
            return 0
        found = SUMMARY.findall(json.dumps(prompt.request))
        return int(found[-1]) if found else 0


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
