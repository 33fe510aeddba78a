"""Let a relay turn a model's text into what a client gets."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from coderouter_proxy.config.provider import OutputFilter
from coderouter_proxy.relay.choose import choose
from coderouter_proxy.relay.text import AnswerPolicy
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.wires.openai.provider import OpenAIProvider
from repair_corpus.case import Call, Case
from support.proxy import openai_answers as says
from support.proxy.client_view import AnthropicClient, Client, OpenAIClient
from support.proxy.drive_relay import request_of

HERE = Path(__file__).parent
WIRE = OpenAIProvider()
CLIENTS: dict[str, Client] = {"openai": OpenAIClient(), "anthropic": AnthropicClient()}


@dataclass(frozen=True)
class Got:
    """What a client has in the end."""

    text: str
    calls: tuple[Call, ...]


def whole(case: Case, ingress: str) -> Got:
    """Return what a client of this wire gets of a whole answer."""
    message = {"role": "assistant", "content": case.text}
    choice = {"index": 0, "message": message, "finish_reason": case.finish}
    body = json.dumps(says.completion(choices=[choice])).encode()
    decoded = WIRE.decoded(body)
    relayed = json.loads(choose(WIRE, _request(ingress, case.tools), _policy(case)).whole(body, decoded))
    return _of_message(relayed) if ingress == "anthropic" else _of_completion(relayed)


def streamed(case: Case, ingress: str, piece_chars: int) -> Got:
    """Return what a client of this wire gets of a stream of pieces of this size."""
    relay = choose(WIRE, _request(ingress, case.tools), _policy(case))
    relayed: list[bytes] = []
    for event in _events(case, piece_chars):
        part, error = relay.feed(event)
        relayed.append(part)
        if error is not None:
            raise error
    raw = b"".join([*relayed, relay.end()])
    client = CLIENTS[ingress]
    return Got(client.text(raw), tuple(client.calls(raw)))


def _events(case: Case, piece_chars: int) -> Iterator[bytes]:
    yield says.ROLE
    for at in range(0, len(case.text), piece_chars):
        yield says.text(case.text[at : at + piece_chars])
    yield says.chunk({}, case.finish)
    yield says.DONE


def _of_message(message: dict[str, Any]) -> Got:
    blocks = message["content"]
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    return Got(
        text, tuple((block["name"], block["input"]) for block in blocks if block["type"] == "tool_use")
    )


def _of_completion(completion: dict[str, Any]) -> Got:
    message = completion["choices"][0]["message"]
    functions = [call["function"] for call in message.get("tool_calls") or []]
    calls = [(function["name"], json.loads(function["arguments"])) for function in functions]
    return Got(message["content"] or "", tuple(calls))


def _policy(case: Case) -> AnswerPolicy:
    return AnswerPolicy(filters=cast("tuple[OutputFilter, ...]", case.filters))


@cache
def _request(ingress: str, tools: str) -> ClientRequest:
    """Return the request of an agent with these tools."""
    functions = _tools(tools)
    given = [{"type": "function", "function": function} for function in functions]
    if ingress == "anthropic":
        given = [{"name": each["name"], "input_schema": each["parameters"]} for each in functions]
    body = {
        "model": "default",
        "max_tokens": 4096,
        "stream": True,
        "messages": [{"role": "user", "content": "Fix the parser."}],
    }
    return request_of(ingress, {**body, "tools": given} if given else body)


@cache
def _tools(which: str) -> list[dict[str, Any]]:
    """Return name and JSON schema of each tool."""
    match which:
        case "own":
            tools = json.loads((HERE / "tools.json").read_text(encoding="utf-8"))
            return [{"name": each["name"], "parameters": each["input_schema"]} for each in tools]
        case "samples":
            return list(json.loads((HERE / "samples" / "tools.json").read_text(encoding="utf-8")).values())
        case _:
            return []
