"""Any JSON is read, and written on any wire, or refused."""

import copy
import json
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coderouter_events.closed_sets import Ingress
from coderouter_proxy.errors import HttpError, ProviderError
from coderouter_proxy.wires.clients import CLIENT_WIRES
from coderouter_proxy.wires.losses import KNOWN, OTHER, losses
from proxy.wires.test_translate_fuzz import COMPLETIONS, MESSAGES, paths
from support.proxy.conversations import WIRES, WRITERS, written
from support.proxy.drive_relay import request_from_bytes

pytestmark = pytest.mark.slow

Body = dict[str, Any]

ANY_LOAD = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DEPTH_MAX = 200
MORE: dict[str, list[Body]] = {
    "anthropic": [
        {
            "role": "system",
            "content": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                {"type": "tool_use", "id": "t1", "name": "find", "input": {"a": {"b": [1]}}},
                {"type": "server_tool_use", "id": "t2", "name": "web_search", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "t1",
                    "is_error": True,
                    "content": [
                        {"type": "tool_reference", "tool_name": "Read"},
                        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
                        {"type": "search_result", "content": [{"type": "text", "text": "found"}]},
                        {"type": "document", "source": {"type": "content", "content": "words"}},
                    ],
                }
            ],
        },
    ],
    "openai": [
        {"role": "developer", "content": "Be brief."},
        {
            "role": "assistant",
            "content": [{"type": "refusal", "refusal": "No."}],
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "ls", "arguments": '{"a":[1]}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "ok"}]},
        {"role": "assistant", "function_call": {"name": "ls", "arguments": "{cut o"}},
        {"role": "function", "name": "ls", "content": "ok"},
    ],
}
SOUND: dict[str, Body] = {
    "anthropic": {
        **MESSAGES,
        "messages": [*MESSAGES["messages"], *MORE["anthropic"]],
        "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {}}},
    },
    "openai": {**COMPLETIONS, "messages": [*COMPLETIONS["messages"], *MORE["openai"]]},
}
PATHS = {wire: sorted(paths(body), key=str) for wire, body in SOUND.items()}

# Wrong where something else belongs; some strings look like the JSON that arguments are.
ODD_STRINGS = [
    "",
    " ",
    "\x00",
    "\ud800",
    "é\udfff",
    "system",
    "tool",
    "tool_use",
    "data:;base64,",
    "data:" + ";" * 50,
]
ODD_JSON = [
    "{",
    '{"a":NaN}',
    '"\\ud800"',
    "1e999",
    "9" * 400,
    "null",
    "[" * 200,
    '{"a":' * 300 + "1" + "}" * 300,
]
ODD_NUMBERS = [0, -1, 2**63, 2**64, -(2**70), 10**400, 1.5e308]
ODD_VALUES: list[Any] = [
    None,
    True,
    False,
    [],
    {},
    [[]],
    [{}],
    {"type": "text"},
    {"type": []},
    {"text": {"text": 1}},
]
odd: st.SearchStrategy[Any] = st.sampled_from([*ODD_STRINGS, *ODD_JSON, *ODD_NUMBERS, *ODD_VALUES])
scalars: st.SearchStrategy[Any] = (
    odd | st.integers() | st.text(st.characters(), max_size=5) | st.floats(allow_nan=False)
)
anything: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "content", "name", "id", "function", "x"]), inner, max_size=3
        )
    ),
    max_leaves=4,
)


@st.composite
def nested(draw: st.DrawFn) -> Any:
    """Return a value as deep as may still be written on either wire, with some room for what is around it."""
    value = draw(scalars)
    for level in range(draw(st.integers(1, DEPTH_MAX))):
        value = [value] if level % 2 else {"content": value}
    return value


@st.composite
def damaged(draw: st.DrawFn, wire: str) -> bytes:
    """Return a request of the wire with some of its values replaced by anything, or gone."""
    body = copy.deepcopy(SOUND[wire])
    for path in draw(st.lists(st.sampled_from(PATHS[wire]), min_size=1, max_size=4)):
        holder: Any = body
        with suppress(KeyError, IndexError, TypeError):  # an earlier damage took it away
            for key in path[:-1]:
                holder = holder[key]
            if draw(st.integers(0, 3)):
                holder[path[-1]] = draw(anything | nested())
            else:
                del holder[path[-1]]
    return json.dumps(body).encode()


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
@given(data=st.data())
@ANY_LOAD
def test_any_json_is_read_and_written_or_refused(wire: Ingress, data: st.DataObject) -> None:
    raw = data.draw(damaged(wire))
    try:
        request = request_from_bytes(wire, raw)
    except HttpError:
        return
    body, sent = request.body, copy.deepcopy(request.body)
    CLIENT_WIRES[wire].tools(request)
    CLIENT_WIRES[wire].hosted_tools(body)
    dropped: list[str] = []
    try:
        conversation = CLIENT_WIRES[wire].conversation(body, dropped.append)
    except ProviderError as refusal:
        if refusal.retryable:
            raise
        return
    assert body == sent
    for other in WIRES:
        named = {*dropped, *losses(conversation, WRITERS[other].VOCABULARY)}
        assert named <= {*KNOWN, OTHER}
        again = orjson.loads(orjson.dumps(written(conversation, other)))
        client = next(client for client in CLIENT_WIRES.values() if client.ingress == other)
        written(client.conversation(again, dropped.append), wire)


@pytest.mark.parametrize(
    "tool", [{"type": "web_search_20250305"}, {"input_schema": {}, "defer_loading": False}]
)
def test_tools_with_names_nested_deeply_are_read_or_refused(tool: Body) -> None:
    deep = orjson.loads("[" * 1_000 + "]" * 1_000)
    again = orjson.loads("[" * 1_000 + "]" * 1_000)
    body = {
        "messages": [{}],
        "tools": [{**tool, "name": deep}],
        "tool_choice": {"type": "tool", "name": again},
    }
    with suppress(ProviderError):
        CLIENT_WIRES["anthropic"].hosted_tools(body)
        CLIENT_WIRES["anthropic"].conversation(body, len)
