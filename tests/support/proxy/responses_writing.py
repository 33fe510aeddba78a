"""Write answers on the Responses wire within the test."""

import json
from typing import Any

from hypothesis import strategies as st

from coderouter_proxy.answer import Usage
from coderouter_proxy.wires.deltas import Arguments, Delta, Signature, Stop, Text, Thinking, ToolCall
from coderouter_proxy.wires.responses.answer_writer import ResponsesWriter
from coderouter_proxy.wires.responses.client import ResponsesClient
from support.proxy.drive_relay import request_of

Body = dict[str, Any]

TOOLS: list[Body] = [
    {"type": "function", "name": "ls", "parameters": {"type": "object", "properties": {}}, "strict": True},
    {"type": "custom", "name": "apply_patch", "format": {"type": "text"}},
    {
        "type": "namespace",
        "name": "mcp__calc",
        "description": "Sums.",
        "tools": [{"type": "function", "name": "add"}, {"type": "custom", "name": "run"}],
    },
    {"type": "tool_search", "execution": "client"},
    {"type": "web_search"},
]
CALLED = ("ls", "apply_patch", "mcp__calc__add", "mcp__calc__run", "tool_search", "unknown")
USAGE = Usage(10, 5, 3, 1, 2)

words = st.sampled_from(["one", " two\n", "a\n\nb", "é☃𝄞", '"\\', "{}", " ", "\n", "</s>"])
stops = st.sampled_from(
    [None, "end_turn", "tool_use", "max_tokens", "content_filter", "refusal", "stop_sequence"]
).map(Stop)


def writer(client: ResponsesClient | None = None, **fields: object) -> ResponsesWriter:
    """Return the writer of the answer to a request with these fields."""
    body = {"model": "m", "input": "Hi.", "tools": TOOLS, **fields}
    written = (client or ResponsesClient()).writer(request_of("responses", body), "m")
    assert isinstance(written, ResponsesWriter)
    return written


def streamed(written: ResponsesWriter, pieces: list[list[Delta]], stop: Stop, usage: Usage = USAGE) -> bytes:
    parts = [written.begin(), *map(written.write, pieces), written.end(stop, usage)]
    return b"".join(parts)


@st.composite
def _call(draw: st.DrawFn, number: int) -> list[Delta]:
    text = draw(st.text(alphabet='a"\\\n{é𝄞', max_size=6))
    arguments = draw(st.sampled_from(['{"input": %s}', '{"path": %s}', "%s", '{"cut": %s', ""]))
    whole = arguments % json.dumps(text, ensure_ascii=draw(st.booleans())) if "%s" in arguments else ""
    cut = draw(st.integers(0, len(whole)))
    pieces: list[Delta] = [Arguments(piece) for piece in (whole[:cut], whole[cut:]) if piece]
    return [ToolCall(f"call_{number}", draw(st.sampled_from(CALLED))), *pieces]


@st.composite
def answers(draw: st.DrawFn) -> list[Delta]:
    """Return the deltas of an answer: text, thoughts and calls in any order."""
    deltas: list[Delta] = []
    for number in range(draw(st.integers(0, 6))):
        match draw(st.integers(0, 3)):
            case 0:
                deltas.append(Thinking(draw(words)))
            case 1:
                deltas += [Thinking(draw(words)), Signature(draw(st.sampled_from(["crs_x", "theirs"])))]
            case 2:
                deltas.append(Text(draw(words)))
            case _:
                deltas += draw(_call(number))
    return deltas
