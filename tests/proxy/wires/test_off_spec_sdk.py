"""The official OpenAI SDK's `.stream()` reads the calls of servers that deviate, through the real proxy."""

from typing import Any

import pytest

from proxy.relay.on_spec.samples import LS, RM, STREAMED
from proxy.wires.conftest import Side
from support.proxy import openai_answers as says
from support.proxy.process import Proxy
from support.proxy.sdks import OPENAI_HELLO, openai_sdk
from support.proxy.upstream import stream

KINDS = [
    "without index, in whole",
    "both with index 0",
    "name and id in each",
    "arguments as objects",
    "without type",
]


@pytest.mark.parametrize("kind", KINDS)
def test_the_stream_helper_reads_calls_of_any_server(kind: str, wires: Proxy, o: Side) -> None:
    parts = [says.chunk({"tool_calls": [part]}) for part in STREAMED[kind]]
    o.provider.plays(stream(says.ROLE, *parts, says.STOP, says.USAGE_CHUNK, says.DONE))
    tools: Any = [
        {"type": "function", "function": {"name": name, "strict": True, "parameters": {"type": "object"}}}
        for name in ("ls", "rm")
    ]
    with openai_sdk(wires, "openai").chat.completions.stream(
        model="any", messages=OPENAI_HELLO, tools=tools
    ) as events:
        done = [event for event in events if event.type == "tool_calls.function.arguments.done"]
        choice = events.get_final_completion().choices[0]
    assert [(event.name, event.parsed_arguments) for event in done] == [LS, RM]
    assert choice.finish_reason == "tool_calls"
