"""A request that ends with the same tool call again and again is reported, noted for the model, or refused."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from coderouter_proxy.config.schema import Profile
from coderouter_proxy.request import Body, ClientRequest
from coderouter_proxy.routing import loops
from coderouter_proxy.wires.clients import CLIENT_WIRES
from proxy.conftest import serving_soundly
from support.events import read
from support.proxy import anthropic_answers, process, responses_answers
from support.proxy import openai_answers as says
from support.proxy.client import Exchange
from support.proxy.process import Proxy
from support.proxy.upstream import Provider, Upstream
from support.run_command import coderouter

ASK = {"role": "user", "content": "Fix it."}
READ: tuple[str, Any] = ("read", {"path": "a"})
OTHER: tuple[str, Any] = ("read", {"path": "b"})
Calls = Sequence[tuple[str, Any]]


@pytest.fixture(autouse=True)
def _fresh(upstream_server: Upstream) -> None:
    upstream_server.forget()


def openai(*turns: Calls) -> list[Body]:
    messages: list[Body] = [ASK]
    for number, calls in enumerate(turns):
        made = [says.call(f"c{number}.{at}", *call) for at, call in enumerate(calls)]
        messages.append({"role": "assistant", "content": None, "tool_calls": made})
        messages += [{"role": "tool", "tool_call_id": each["id"], "content": "no"} for each in made]
    return messages


def anthropic(*turns: Calls) -> list[Body]:
    messages: list[Body] = [ASK]
    for number, calls in enumerate(turns):
        made: list[Body] = [
            {"type": "tool_use", "id": f"c{number}_{at}", "name": name, "input": arguments}
            for at, (name, arguments) in enumerate(calls)
        ]
        results = [{"type": "tool_result", "tool_use_id": each["id"], "content": "no"} for each in made]
        reminder = {"type": "text", "text": "<system-reminder>…</system-reminder>"}
        messages.append({"role": "assistant", "content": [{"type": "text", "text": f"Try {number}."}, *made]})
        messages.append({"role": "user", "content": [*results, reminder]})
    return messages


def responses(*turns: Calls) -> list[Body]:
    items: list[Body] = [{"type": "message", **ASK}]
    for number, calls in enumerate(turns):
        items.append({"type": "reasoning", "id": f"rs_{number}", "summary": []})
        ids = [f"c{number}_{at}" for at, _ in enumerate(calls)]
        for call_id, (name, arguments) in zip(ids, calls, strict=True):
            written = json.dumps(arguments)
            items.append({"type": "function_call", "call_id": call_id, "name": name, "arguments": written})
        items += [{"type": "function_call_output", "call_id": each, "output": "no"} for each in ids]
    return items


WRITE = {"openai": openai, "anthropic": anthropic, "responses": responses}
FIELD = {"openai": "messages", "anthropic": "messages", "responses": "input"}
SEND: dict[str, Callable[..., Exchange]] = {
    "openai": Proxy.chat,
    "anthropic": Proxy.messages,
    "responses": Proxy.responses,
}


def request_of(wire: str, conversation: list[Body]) -> ClientRequest:
    body = {"model": "m", "max_tokens": 9, FIELD[wire]: conversation}
    client = next(each for each in CLIENT_WIRES.values() if each.ingress == wire)
    return client.decode("r", json.dumps(body).encode(), {})


def repeats(wire: str, *turns: Calls, after: tuple[Body, ...] = (), enough: int = 2) -> int:
    profile = Profile(name="p", providers=["a"], tool_loop_repeats=enough)
    return loops.repeats(request_of(wire, [*WRITE[wire](*turns), *after]), profile)


@pytest.mark.parametrize("wire", WRITE)
def test_the_same_call_in_a_row_is_a_loop(wire: str) -> None:
    assert repeats(wire, [READ], [READ], [READ]) == 3
    assert repeats(wire, [OTHER], [READ], [READ]) == 2
    assert repeats(wire, [READ], [READ], enough=3) == 0
    assert repeats(wire, [READ], [OTHER], [READ]) == 0
    assert repeats(wire, [READ], [("write", READ[1])]) == 0
    assert repeats(wire, [READ, OTHER], [READ, OTHER], [READ, OTHER]) == 3
    assert repeats(wire, [READ, READ], [READ]) == 3
    assert repeats(wire, [READ, OTHER], [READ]) == 0
    assert repeats(wire, [READ], [READ, OTHER]) == 0
    assert repeats(wire, [READ], [READ], after=({"role": "user", "content": "Stop."},)) == 0
    assert repeats(wire) == 0


def test_arguments_are_compared_as_json() -> None:
    written = ['{"a": 1, "b": 2}', '{"b":2,"a":1}', "{"]
    calls = [says.call("c", "t", {}) for _ in written]
    for call, arguments in zip(calls, written, strict=True):
        call["function"]["arguments"] = arguments
    turns: list[list[Body]] = [
        [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "content": ""}] for call in calls
    ]
    profile = Profile(name="p", providers=["a"], tool_loop_repeats=2)
    same = [message for turn in turns[:2] for message in turn]
    assert loops.repeats(request_of("openai", [ASK, *same]), profile) == 2
    assert loops.repeats(request_of("openai", [ASK, *same, *turns[2]]), profile) == 0


def test_a_user_who_speaks_ends_a_loop() -> None:
    turns = [*openai([READ], [READ]), ASK, *openai([READ])[1:]]
    profile = Profile(name="p", providers=["a"], tool_loop_repeats=2)
    assert loops.repeats(request_of("openai", turns), profile) == 0


@pytest.mark.parametrize(
    ("broken", "times"),
    [
        ({"role": "assistant", "tool_calls": [3, {"function": 4}, {"function": {"name": []}}]}, 3),
        ({"role": "assistant", "content": [5, {"type": "tool_use", "name": {}, "input": None}]}, 3),
        ({"role": "assistant", "function_call": {"arguments": {}}}, 3),
        ({"role": ["assistant"]}, 0),
        ({"role": "assistant", "tool_calls": 3, "content": 4}, 0),
    ],
)
def test_broken_calls_are_compared_too(broken: Body, times: int) -> None:
    result = {"role": "tool", "content": "no"}
    request = ClientRequest(
        request_id="r",
        ingress="openai",
        body={"messages": [broken, result] * 3},
        raw=b"",
        headers={},
        stream=False,
    )
    assert loops.repeats(request, Profile(name="p", providers=["a"])) == times


def test_arguments_that_are_nested_too_deeply_are_no_loop() -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = {"a": deep}
    same: Any = {}
    for _ in range(100_000):
        same = {"a": same}
    conversation = anthropic([("t", deep)], [("t", same)])
    request = ClientRequest(
        request_id="r",
        ingress="anthropic",
        body={"messages": conversation},
        raw=b"",
        headers={},
        stream=False,
    )
    assert loops.repeats(request, Profile(name="p", providers=["a"], tool_loop_repeats=2)) == 0


PROVIDERS = {
    "openai": ("openai_compat", says.answer()),
    "anthropic": ("anthropic", anthropic_answers.answer()),
    "responses": ("openai_responses", responses_answers.answer()),
}


def config(provider: Provider, kind: str, **profile: object) -> dict[str, object]:
    return {
        "providers": [process.provider("a", provider.base_url, kind=kind)],
        "profiles": [{"name": "default", "providers": ["a"], **profile}],
    }


@pytest.mark.parametrize("wire", WRITE)
@pytest.mark.parametrize("provider_wire", PROVIDERS)
def test_the_model_gets_a_note_at_the_end(wire: str, provider_wire: str, tmp_path: Path, a: Provider) -> None:
    kind, answer = PROVIDERS[provider_wire]
    a.plays(answer, answer)
    conversation = WRITE[wire]([READ], [READ], [READ])
    with serving_soundly(tmp_path, config(a, kind, tool_loop="inject")) as served:
        assert SEND[wire](served, **{FIELD[wire]: conversation}).rest().status == 200
        sent = a.request.json
        assert SEND[wire](served, **{FIELD[wire]: WRITE[wire]([READ], [READ])}).rest().status == 200
        [event] = read(served.events_path, "tool-loop-detected")
    assert (event["provider"], event["repeats"], event["action"]) == ("a", 3, "inject")
    last = json.dumps(sent[FIELD[provider_wire]][-1])
    assert "3 times in a row" in last
    assert "times in a row" not in a.request.body.decode()


def test_a_loop_is_only_reported_by_default(tmp_path: Path, a: Provider) -> None:
    a.plays(says.answer())
    with serving_soundly(tmp_path, config(a, "openai_compat")) as served:
        served.chat(messages=openai(*[[READ]] * 5)).rest()
        [event] = read(served.events_path, "tool-loop-detected")
    assert (event["level"], event["repeats"], event["action"]) == ("WARNING", 5, "warn")
    assert a.request.json["messages"] == openai(*[[READ]] * 5)


@pytest.mark.parametrize("wire", WRITE)
def test_a_loop_is_refused_where_the_profile_says_so(wire: str, tmp_path: Path, a: Provider) -> None:
    conversation = WRITE[wire](*[[READ]] * 4)
    with serving_soundly(
        tmp_path, config(a, "openai_compat", tool_loop="refuse", tool_loop_repeats=4)
    ) as served:
        refused = SEND[wire](served, **{FIELD[wire]: conversation}).rest()
        finished = served.finished(refused.request_id)
        (tmp_path / "request").write_text(json.dumps({"model": "m", FIELD[wire]: conversation}))
        explained = coderouter(tmp_path, "explain-route", "request", "--wire", wire, "--json")
    assert (refused.status, finished["outcome"], finished["attempts"]) == (400, "client_error", 0)
    assert "4 times in a row" in refused.json["error"]["message"]
    assert refused.headers["x-should-retry"] == "false"
    assert json.loads(explained.stdout)["tool_loop"] == {"repeats": 4, "action": "refuse"}
