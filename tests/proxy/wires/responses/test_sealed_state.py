"""State of a provider that comes back in reasoning, so that ids of calls stay short."""

import json
from typing import Any

from coderouter_proxy.wires.state import ID_CHARS_MAX
from proxy.wires.conftest import Side
from support.proxy import openai_answers
from support.proxy.process import Proxy
from support.proxy.responses_view import checked_stream
from support.proxy.upstream import stream

Body = dict[str, Any]

EXTRA = {"google": {"thought_signature": "signature+of=google" * 40}}
TOOLS = [{"type": "function", "name": "ls"}]


def gemini_call(call_id: str, extra: Body) -> bytes:
    function = {"name": "ls", "arguments": "{}"}
    call = {"index": 0, "id": call_id, "type": "function", "function": function, "extra_content": extra}
    return openai_answers.chunk({"tool_calls": [call]})


def test_what_makes_an_id_too_long_is_sealed_in_reasoning_before_the_call(wires: Proxy, o: Side) -> None:
    thought = openai_answers.chunk({"reasoning_content": "Hm."})
    o.provider.plays(
        stream(thought, gemini_call("call_1", EXTRA), openai_answers.chunk({}, "tool_calls")),
        always=openai_answers.streamed("Done."),
    )
    hello = {"role": "user", "content": "Hi."}
    for_codex: Body = {"store": False, "include": ["reasoning.encrypted_content"], "stream": True}

    first = checked_stream(wires.responses(o.header, input=[hello], tools=TOOLS, **for_codex).rest().body)

    thoughts, aside, call = first["output"]
    assert [thoughts["summary"][0]["text"], aside["summary"]] == ["Hm.", []]
    assert len(call["call_id"]) <= ID_CHARS_MAX
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "ok"}
    wires.responses(o.header, input=[hello, *first["output"], result], tools=TOOLS, **for_codex).rest()
    _, assistant, tool = o.provider.request.json["messages"]
    assert assistant["reasoning_content"] == "Hm."
    assert assistant["tool_calls"][0]["id"] == tool["tool_call_id"] == "call_1"
    assert assistant["tool_calls"][0]["extra_content"] == EXTRA
    assert "crs_" not in json.dumps(o.provider.request.json)
