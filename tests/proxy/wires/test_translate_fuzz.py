"""Damaged requests and answers: the proxy forwards or rejects them, and never fails with an error of its own."""

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coderouter_proxy import token_estimate
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.errors import HttpError, ProviderError
from coderouter_proxy.wires.clients import CLIENT_WIRES
from support.proxy import anthropic_answers as anthropic
from support.proxy import claude_code, drive_relay
from support.proxy import openai_answers as openai
from support.proxy.client_view import event_data
from support.proxy.drive_relay import PROFILE, PROVIDER, PROVIDER_WIRES, request_from_bytes
from support.proxy.upstream import Script

pytestmark = pytest.mark.slow

ANY_LOAD = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])

Body = dict[str, Any]
Path = tuple[str | int, ...]

MESSAGES = claude_code.request(claude_code.ASKED, claude_code.CALLED, claude_code.ANSWERED)
MESSAGES["tools"] = [*MESSAGES["tools"][-2:], {"type": "web_search_20250305", "name": "web_search"}]
MESSAGES |= {"tool_choice": {"type": "tool", "name": "Read"}, "stop_sequences": ["END"], "profile": None}
DOCUMENT = {"type": "document", "source": {"type": "text", "data": "words"}, "title": "a"}
MESSAGES["messages"].append({"role": "user", "content": [DOCUMENT]})

COMPLETIONS: Body = {
    "model": "m",
    "messages": [
        {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,x"}}]},
        {"role": "user", "content": [{"type": "file", "file": {"file_data": "data:a/b;base64,x"}}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "1", "content": "ok"},
        {"role": "assistant", "function_call": {"name": "ls", "arguments": "{}"}},
    ],
    "tools": [{"type": "function", "function": {"name": "ls", "parameters": {"type": "object"}}}],
    "functions": [{"name": "ls"}],
    "tool_choice": {"type": "function", "function": {"name": "ls"}},
    "response_format": {"type": "json_schema", "json_schema": {"schema": {}}},
    "stream_options": {"include_usage": True},
    "metadata": {"user_id": "x"},
    "stop": ["x"],
    "user": "x",
    "temperature": 1,
    "max_tokens": 5,
    "parallel_tool_calls": False,
    "stream": True,
}
RESPONSES: Body = {
    "model": "m",
    "instructions": "Be brief.",
    "input": [
        {"type": "additional_tools", "role": "developer", "tools": [{"type": "custom", "name": "run"}]},
        {"role": "developer", "content": [{"type": "input_text", "text": "Now."}]},
        {"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,x"}]},
        {"role": "user", "content": [{"type": "input_file", "file_data": "x", "filename": "a.pdf"}]},
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "x"}],
            "encrypted_content": "crs_x",
        },
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "x"}]},
        {"type": "function_call", "call_id": "1", "name": "ls", "namespace": "ns", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": [{"type": "input_text", "text": "x"}]},
        {"type": "custom_tool_call", "call_id": "2", "name": "run", "input": "x"},
        {"type": "custom_tool_call_output", "call_id": "2", "output": "x"},
        {"type": "tool_search_call", "call_id": "3", "arguments": {"query": "x"}},
        {"type": "tool_search_output", "call_id": "3", "tools": [{"type": "function", "name": "late"}]},
        {"type": "web_search_call", "id": "ws_1"},
        {"type": "configuration_update", "reasoning": {"effort": "low"}},
    ],
    "tools": [
        {"type": "function", "name": "ls", "parameters": {"type": "object"}},
        {"type": "namespace", "name": "ns", "tools": [{"type": "function", "name": "ls"}]},
        {"type": "custom", "name": "p", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}},
        {"type": "tool_search", "execution": "client"},
        {"type": "web_search"},
    ],
    "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "ls"}]},
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}, "verbosity": "low"},
    "reasoning": {"effort": "low"},
    "include": ["reasoning.encrypted_content"],
    "store": False,
    "user": "x",
    "temperature": 1,
    "max_output_tokens": 5,
    "parallel_tool_calls": False,
    "stream": True,
}
# Of losses, where the request has another name for what is lost, or one that is not repeated.
OWN_NAMES = {"other", "tool", "effort", "reasoning_effort", "response_format"}
REQUESTS = {"anthropic": MESSAGES, "openai": COMPLETIONS, "responses": RESPONSES}

fields = st.sampled_from(["type", "text", "role", "content", "function", "name", "id", "x"])
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(fields | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


def paths(value: object, before: Path = ()) -> Iterator[Path]:
    """Yield the path of each value inside, at any depth."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*before, key)
        yield from paths(inner, (*before, key))


def damaged(sound: Body) -> st.SearchStrategy[Body]:
    """Return bodies like this one, with some of its values replaced by anything, or gone."""
    places = st.lists(st.sampled_from(sorted(paths(sound), key=str)), min_size=1, max_size=4)

    @st.composite
    def bodies(draw: st.DrawFn) -> Body:
        body = copy.deepcopy(sound)
        for path in draw(places):
            holder: Any = body
            with suppress(KeyError, IndexError, TypeError):  # an earlier damage took it away
                for key in path[:-1]:
                    holder = holder[key]
                if draw(st.booleans()):
                    holder[path[-1]] = draw(anything)
                else:
                    del holder[path[-1]]
        return body

    return bodies()


DAMAGED_REQUESTS = {client: damaged(body) for client, body in REQUESTS.items()}


def deep(levels: int, kind: str) -> str:
    return '{"a":' * levels + "1" + "}" * levels if kind == "object" else "[" * levels + "]" * levels


def forward(client: str, provider: str, raw: bytes) -> None:
    """Translate a client's bytes for a provider of the wire; the only errors allowed are those for the client."""
    try:
        call = request_from_bytes(client, raw)
        token_estimate.estimate(call.outline)
        CLIENT_WIRES[call.ingress].writer(call, "m").begin()
        lost: list[str] = []
        body = PROVIDER_WIRES[provider].request(call, PROVIDER, PROFILE, ProviderTraits(), lost.append)
    except HttpError:
        return
    except ProviderError as failure:
        if failure.retryable:
            raise
        return
    assert body["model"] == "m"
    assert all(name in raw.decode() or name in OWN_NAMES for name in lost)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("client", REQUESTS)
@given(data=st.data())
@ANY_LOAD
def test_a_damaged_request_is_forwarded_or_rejected(client: str, provider: str, data: st.DataObject) -> None:
    forward(client, provider, json.dumps(data.draw(DAMAGED_REQUESTS[client])).encode())


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("client", REQUESTS)
@given(
    messages=st.lists(st.dictionaries(fields, anything), max_size=3), more=st.dictionaries(fields, anything)
)
def test_a_request_of_anything_is_forwarded_or_rejected(
    client: str, provider: str, messages: list[Body], more: Body
) -> None:
    name = "input" if client == "responses" else "messages"
    forward(client, provider, json.dumps({**more, name: messages}).encode())


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("client", ["openai", "anthropic"])
@pytest.mark.parametrize("kind", ["object", "list"])
@pytest.mark.parametrize(
    "place",
    [
        '{"messages":[{"role":"user","content":%s}]}',
        '{"messages":[{"role":"user","content":[%s]}]}',
        '{"messages":[{"role":"user","content":[{"type":"tool_result","content":%s}]}]}',
        '{"messages":[{"role":"assistant","content":[{"type":"tool_use","input":%s}]}]}',
        '{"messages":[{"role":"assistant","tool_calls":[{"function":{"arguments":%s}}]}]}',
        '{"messages":[{}],"system":%s}',
        '{"messages":[{"role":%s,"content":[{"type":%s}]}]}',
        '{"messages":[{"role":"user","content":[{"type":"text","text":%s}]}]}',
        '{"messages":[{"role":"system","content":%s}]}',
        '{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":%s}}]}]}',
        '{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","data":%s}}]}]}',
        '{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":%s}}]}]}',
        '{"messages":[{"role":"assistant","content":[{"type":"tool_use","name":%s,"id":%s}]}]}',
        '{"messages":[{}],"tools":%s}',
        '{"messages":[{}],"tools":[{"type":%s}],"tool_choice":%s}',
        '{"messages":[{}],"tools":[{"name":%s,"input_schema":{}}],"tool_choice":{"type":"tool","name":%s}}',
        '{"messages":[{}],"tools":[{"name":"x","input_schema":%s}]}',
        '{"messages":[{}],"metadata":%s,"thinking":%s,"stop":%s}',
    ],
)
def test_a_deeply_nested_request_is_forwarded_or_rejected(
    place: str, kind: str, client: str, provider: str
) -> None:
    for levels in (100, 300, 1000, 5000):
        forward(client, provider, place.replace("%s", deep(levels, kind)).encode())


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("kind", ["object", "list"])
@pytest.mark.parametrize(
    "place",
    [
        '{"input":%s}',
        '{"input":[{"role":"user","content":%s}]}',
        '{"input":[{"type":%s,"role":%s}]}',
        '{"input":[{"type":"function_call","name":%s,"arguments":%s}]}',
        '{"input":[{"type":"function_call_output","call_id":%s,"output":[%s]}]}',
        '{"input":[{"type":"tool_search_call","arguments":%s}]}',
        '{"input":[{"type":"local_shell_call","action":%s}]}',
        '{"input":[{"type":"reasoning","summary":[%s],"content":[%s]}]}',
        '{"input":[{"type":"additional_tools","tools":[{"type":"function","name":"x","parameters":%s}]}]}',
        '{"input":"x","tools":[%s]}',
        '{"input":"x","tools":[{"type":"namespace","name":"n","tools":[{"type":"namespace","tools":%s}]}]}',
        '{"input":"x","tools":[{"type":"web_search","filters":%s}],"tool_choice":{"type":"mcp","x":%s}}',
        '{"input":"x","text":{"format":{"type":"json_schema","schema":%s}},"reasoning":%s,"metadata":%s}',
    ],
)
def test_a_deeply_nested_response_is_forwarded_or_rejected(place: str, kind: str, provider: str) -> None:
    for levels in (100, 300, 1000, 5000):
        forward("responses", provider, place.replace("%s", deep(levels, kind)).encode())


ANSWERS: dict[str, list[Script]] = {
    "openai": [
        openai.streamed(),
        openai.streamed_calling(("1", "ls", {"a": 1}), ("2", "rm", {})),
        openai.streamed_thoughtful("Hm.", "Hi"),
    ],
    "anthropic": [
        anthropic.streamed(),
        anthropic.streamed_calling(("1", "ls", {"a": 1}), ("2", "rm", {})),
        anthropic.streamed_thoughtful("Hm.", "Hi"),
    ],
}
WHOLE: dict[str, list[Body]] = {
    "openai": [
        openai.completion(),
        openai.completion(
            choices=[{"message": {"tool_calls": [{"function": {"name": "ls"}}], "content": [{}]}}]
        ),
    ],
    "anthropic": [
        anthropic.message(
            anthropic.thinking("Hm."), anthropic.text("Hi"), anthropic.tool_use("1", "ls", {"a": 1})
        )
    ],
}


def events_of(script: Script) -> list[Body]:
    chunks = [step.split(b"\r\n", 1)[1] for step in script[1:-1] if isinstance(step, bytes)]
    return [event for event in event_data(b"".join(chunks)) if event != "[DONE]"]


DAMAGED_STREAMS = {
    provider: st.one_of([damaged({"events": events_of(script)}) for script in scripts])
    for provider, scripts in ANSWERS.items()
}
DAMAGED_ANSWERS = {provider: st.one_of(list(map(damaged, answers))) for provider, answers in WHOLE.items()}
TOOL = {"name": "ls", "input_schema": {}, "type": "function", "function": {"name": "ls"}}


def request_from(client: str, *, stream: bool) -> Any:
    body = {
        "model": "m",
        "messages": [{}],
        "tools": [TOOL],
        "thinking": {"type": "adaptive"},
        "stream": stream,
    }
    return drive_relay.request_of(client, body)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("client", ["openai", "anthropic"])
@given(data=st.data())
@ANY_LOAD
def test_a_damaged_stream_is_relayed_or_fails(client: str, provider: str, data: st.DataObject) -> None:
    events = data.draw(DAMAGED_STREAMS[provider]).get("events")
    sent = events if isinstance(events, list) else []
    raw = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in sent]
    wire = PROVIDER_WIRES[provider]
    with suppress(ProviderError):
        for event in sent:
            if isinstance(event, dict):
                wire.has_content(event)
        drive_relay.streamed(wire, request_from(client, stream=True), raw)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("client", ["openai", "anthropic"])
@given(data=st.data())
@ANY_LOAD
def test_a_damaged_answer_is_relayed_or_fails(client: str, provider: str, data: st.DataObject) -> None:
    body = data.draw(DAMAGED_ANSWERS[provider])
    with suppress(ProviderError):
        drive_relay.whole(
            PROVIDER_WIRES[provider], request_from(client, stream=False), json.dumps(body).encode()
        )
