"""One case: who asks, which provider answers, and what it sends; all of it follows from the case's number."""

import json
import random
from dataclasses import dataclass
from typing import Any

from fuzz import answers, mutations
from fuzz.upstream import Played, RawPlayed

SCHEMA = {"type": "object", "properties": {"path": {"type": "string"}, "limit": {"type": "integer"}}}
TOOLS = ("read_file", "list_dir")
PROVIDERS = {
    "plain": "openai",
    "filtered": "openai",
    "messages": "anthropic",
    "messages-filtered": "anthropic",
    "responses": "responses",
    "responses-filtered": "responses",
}
"""Names of the providers, with the wire that each speaks."""


@dataclass(frozen=True)
class Case:
    name: str
    client: str
    provider: str
    stream: bool | None
    """Whether the client asked for a stream; None where it may have asked for anything."""
    body: bytes
    played: Played | RawPlayed


def case(number: int, seed: str) -> Case:
    dice = random.Random(f"{seed}-{number}")
    name = f"case-{number}"
    client = dice.choice(("openai", "anthropic", "responses"))
    provider = dice.choice(list(PROVIDERS))
    stream = dice.random() < 0.75
    asked = request(name, client, provider, dice, stream=stream)
    return Case(
        name, client, provider, stream, json.dumps(asked).encode(), _played(provider, dice, stream=stream)
    )


def _played(provider: str, dice: random.Random, *, stream: bool) -> Played:
    wire = PROVIDERS[provider]
    if stream != (dice.random() < 0.05):  # a few providers ignore what was asked for
        data = b"".join(mutations.events(answers.events(wire, dice), dice))
        content_type = "text/event-stream"
    else:
        data = mutations.body(answers.whole(wire, dice), dice)
        content_type = "application/json"
    return Played(content_type, mutations.cut(data, dice), broken_off=dice.random() < 0.05)


def request(name: str, client: str, provider: str, dice: random.Random, *, stream: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": "any",
        "profile": provider,
        "stream": stream,
        "messages": [{"role": "user", "content": name}],
    }
    tools = dice.random() < 0.7
    if client == "responses":
        body["input"] = body.pop("messages")
        body["store"] = dice.random() < 0.5
        if tools:
            body["tools"] = [{"type": "function", "name": tool, "parameters": SCHEMA} for tool in TOOLS]
    elif client == "anthropic":
        body["max_tokens"] = 1000
        if tools:
            body["tools"] = [{"name": tool, "input_schema": SCHEMA} for tool in TOOLS]
        if dice.random() < 0.3:
            body["thinking"] = {"type": "enabled", "budget_tokens": 500}
    else:
        if tools:
            functions = [{"name": tool, "parameters": SCHEMA} for tool in TOOLS]
            body["tools"] = [{"type": "function", "function": function} for function in functions]
        if dice.random() < 0.5:
            body["stream_options"] = {"include_usage": True}
    return body
