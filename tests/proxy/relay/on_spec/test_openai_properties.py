"""Any mix of deviations of a sequence of calls gives the client exactly these calls."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderouter_proxy.relay.choose import choose
from proxy.relay.on_spec.test_openai import CALLED, VIEWS, WIRE, asked, ended
from support.proxy import openai_answers as says
from support.proxy.drive_relay import POLICY, fed

pytestmark = pytest.mark.slow

Body = dict[str, Any]

values = (
    st.text(max_size=6)
    | st.integers(-(2**53), 2**53)
    | st.lists(st.text('{}[]"\\,é', max_size=4), max_size=2)
)
calls = st.tuples(
    st.sampled_from(["ls", "rm"]), st.dictionaries(st.text("ab", max_size=2), values, max_size=2)
)


def pieces_of(draw: st.DrawFn, arguments: Body) -> list[Any]:
    """Return what the deltas of a call have as its arguments."""
    text = json.dumps(arguments)
    places = sorted(draw(st.sets(st.integers(1, len(text) - 1), max_size=3)))
    ends = [*places, len(text)]
    match draw(st.sampled_from(["object", "pieces", "all of it again and again"])):
        case "object":
            return [arguments]
        case "pieces":
            pieces = [text[start:end] for start, end in zip([0, *places], ends, strict=True)]
        case _:
            pieces = [text[:end] for end in ends]
    return ["", *pieces] if draw(st.booleans()) else pieces


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[tuple[str, Body]], list[bytes]]:
    """Return calls, and chunks of a server that is consistent in how it deviates."""
    meant = draw(st.lists(calls, min_size=1, max_size=4))
    # The number makes calls distinct: without index and id, two equal ones may be one that is repeated.
    meant = [(name, {"n": number, **arguments}) for number, (name, arguments) in enumerate(meant)]
    index = draw(st.sampled_from(["right", "from 1 on", "none", "always 0"]))
    has_ids, has_type = draw(st.booleans()), draw(st.booleans())
    repeats_name, repeats_id = draw(st.booleans()), draw(st.booleans())
    one_id, nulls = draw(st.booleans()), draw(st.booleans())
    parts: list[list[Body]] = []
    for number, (name, arguments) in enumerate(meant):
        parts.append([])
        for place, piece in enumerate(pieces_of(draw, arguments)):
            part: Body = {"function": {"arguments": piece}}
            if place == 0 or repeats_name:
                part["function"]["name"] = name
            elif nulls:
                part |= {"id": None, "type": None}
                part["function"]["name"] = ""
            if index != "none":
                part["index"] = {"right": number, "from 1 on": number + 1, "always 0": 0}[index]
            if has_ids and (place == 0 or repeats_id):
                part["id"] = "call" if one_id else f"call{number}"
            if has_type and place == 0:
                part["type"] = "function"
            parts[-1].append(part)
    if index in ("right", "from 1 on") and draw(st.booleans()):
        order = [part for call in parts for part in call[:1]]
        rest = [call[1:] for call in parts]
        while any(rest):
            order.append(rest[draw(st.sampled_from([n for n, call in enumerate(rest) if call]))].pop(0))
    else:
        order = [part for call in parts for part in call]
    deltas: list[Body] = []
    for part in order:
        shares_chunk: bool = draw(st.booleans())
        if deltas and shares_chunk:
            deltas[-1]["tool_calls"].append(part)
        else:
            deltas.append({"tool_calls": [part]})
    reason = draw(st.sampled_from(["stop", "tool_calls", "function_call"]))
    return meant, [says.ROLE, *map(says.chunk, deltas), *ended(reason)]


@pytest.mark.parametrize("tools", [True, False], ids=["tools", "no tools"])
@pytest.mark.parametrize("client", ["openai", "anthropic"])
@given(sample=streams())
def test_any_mix_of_deviations_gives_the_calls_that_were_meant(
    client: str, tools: bool, sample: tuple[list[tuple[str, Body]], list[bytes]]
) -> None:
    meant, events = sample
    for pieces in (events, [b"".join(events)]):
        raw = fed(choose(WIRE, asked(client, stream=True, tools=tools), POLICY), pieces)
        message = VIEWS[client](raw, streamed=True)
        found = [(name, arguments) for _, name, arguments in message["calls"]]
        assert sorted(found, key=str) == sorted(meant, key=str)
        assert len({call_id for call_id, _, _ in message["calls"]}) == len(meant)
        assert message["finish"] == CALLED[client]
        assert not message["content"]
