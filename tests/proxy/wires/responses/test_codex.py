"""Requests of codex 0.169 with a provider of each wire: its two kinds of models, and a session that grows."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coderouter_proxy.config.traits import ProviderTraits
from proxy.wires.conftest import Side
from support.proxy import anthropic_answers, openai_answers, responses_answers
from support.proxy.drive_relay import PROFILE, PROVIDER, PROVIDER_WIRES, request_of
from support.proxy.process import Proxy
from support.proxy.responses_view import checked_stream
from support.proxy.upstream import Script, stream

Body = dict[str, Any]

DATA = Path(__file__).parent / "data"
HEADERS = {
    "accept": "text/event-stream",
    "originator": "codex_exec",
    "session-id": "01a213bd",
    "x-codex-beta-features": "remote_compaction_v2",
    "x-openai-internal-codex-responses-lite": "true",
}
TOOLS = {
    "codex-any": {
        "exec_command",
        "write_stdin",
        "request_user_input",
        "view_image",
        "get_goal",
        "create_goal",
    }
    | {"update_goal"}
    | {
        f"multi_agent_v1__{name}"
        for name in ("close_agent", "resume_agent", "send_input", "spawn_agent", "wait_agent")
    },
    "codex-default-model": {"functions__exec", "functions__wait", "functions__request_user_input"}
    | {"functions__request_user_input_async", "clock__sleep"}
    | {
        f"collaboration__{name}"
        for name in ("followup_task", "interrupt_agent", "list_agents", "send_message", "spawn_agent")
    }
    | {"collaboration__wait_agent"},
}


def request(model: str) -> Body:
    body: Body = json.loads((DATA / f"{model}.json").read_text(encoding="utf-8"))
    return body


def send(wires: Proxy, side: Side, body: Body) -> Body:
    raw = json.dumps(body, ensure_ascii=False).encode()
    response = wires.post(raw, {**HEADERS, **side.header}, "/v1/responses").rest()
    assert response.status == 200, response.body
    return checked_stream(response.body)


@pytest.mark.parametrize("model", TOOLS)
def test_a_provider_gets_a_request_that_it_understands(model: str, wires: Proxy, side: Side) -> None:
    side.provider.plays(side.says.streamed("Done."))
    body = request(model)

    response = send(wires, side, body)

    assert [item["type"] for item in response["output"]] == ["message"]
    sent = side.provider.request.json
    if side.name == "openai":
        assert {tool["function"]["name"] for tool in sent["tools"]} == TOOLS[model]
        roles = [message["role"] for message in sent["messages"]]
        assert roles == ["system", "user", "assistant", "tool"]
        known = {"model", "messages", "tools", "tool_choice", "parallel_tool_calls", "stream"}
        known |= {"stream_options", "prompt_cache_key", "reasoning_effort", "verbosity"}
        assert set(sent) <= known
        assert sent["messages"][0]["content"].startswith("You are")
    else:
        assert {tool["name"] for tool in sent["tools"]} == TOOLS[model]
        roles = [message["role"] for message in sent["messages"]]
        assert roles == ["user", "assistant", "user"]
        known = {"model", "system", "messages", "tools", "tool_choice", "max_tokens", "stream"}
        assert set(sent) <= known
        text, use = sent["messages"][1]["content"]
        assert (text["type"], use["type"]) == ("text", "tool_use")
    assert b"client_metadata" not in side.provider.request.body
    assert "codex" not in " ".join(side.provider.request.headers)


@pytest.mark.parametrize("model", TOOLS)
def test_a_provider_of_this_wire_gets_functions_and_codex_its_own_calls(
    model: str, wires: Proxy, r: Side
) -> None:
    r.provider.plays(responses_answers.streamed_calling(*CALLS[model]), always=r.says.streamed("Done."))
    body = request(model)

    output = send(wires, r, body)["output"]

    assert [(item["name"], item.get("namespace")) for item in output] == CALLED[model]
    sent = r.provider.request.json
    assert {(tool["type"], tool["name"]) for tool in sent["tools"]} == {
        ("function", name) for name in TOOLS[model]
    }
    assert b"client_metadata" not in r.provider.request.body

    send(wires, r, {**body, "input": [*body["input"], *output, *results(output)]})
    *_, call, other_call, result, other_result = r.provider.request.json["input"]
    ids = [item["call_id"] for item in (call, other_call, result, other_result)]
    assert ids == ["c1", "c2", "c1", "c2"]
    assert {each["type"] for each in (call, other_call)} == {"function_call"}
    assert not any(item.get("role") in ("developer", "system") for item in r.provider.request.json["input"])


def calling(side: Side, *calls: tuple[str, str, Body]) -> Script:
    """Return a turn with thoughts, words and calls."""
    if side.name == "anthropic":
        blocks = [anthropic_answers.thinking("Hm."), anthropic_answers.text("Look.")]
        uses = [anthropic_answers.tool_use(*call) for call in calls]
        return anthropic_answers.streamed_blocks(*blocks, *uses, stop_reason="tool_use")
    head, *chunks, end = openai_answers.streamed_calling(*calls)
    said = stream(
        openai_answers.chunk({"reasoning_content": "Hm."}), openai_answers.text("Look."), openai_answers.ROLE
    )
    return (head, *said[1:-1], *chunks, end)


CALLS: dict[str, list[tuple[str, str, Body]]] = {
    "codex-any": [("c1", "exec_command", {"cmd": "ls"}), ("c2", "multi_agent_v1__close_agent", {})],
    "codex-default-model": [("c1", "functions__exec", {"input": "text(1)"}), ("c2", "clock__sleep", {})],
}
CALLED = {
    "codex-any": [("exec_command", None), ("close_agent", "multi_agent_v1")],
    "codex-default-model": [("exec", "functions"), ("sleep", "clock")],
}


def results(output: list[Body]) -> list[Body]:
    """Return what the calls gave, as codex sends it."""
    found: list[Body] = []
    for item in output:
        if item["type"] == "function_call":
            found.append(
                {"type": "function_call_output", "call_id": item["call_id"], "output": "Exit code: 0"}
            )
        elif item["type"] == "custom_tool_call":
            parts = [{"type": "input_text", "text": "Script completed"}]
            found.append({"type": "custom_tool_call_output", "call_id": item["call_id"], "output": parts})
    return found


@pytest.mark.parametrize("model", TOOLS)
def test_a_session_grows_by_what_is_new(model: str, wires: Proxy, side: Side) -> None:
    side.provider.plays(
        calling(side, *CALLS[model]), calling(side, *CALLS[model]), side.says.streamed("Done.")
    )
    body = request(model)
    developer = {
        "type": "message",
        "role": "developer",
        "content": [{"type": "input_text", "text": "Mind the time."}],
    }
    for more in ([], [developer], []):
        response = send(wires, side, body)
        calls = [item for item in response["output"] if "call_id" in item]
        assert [(call["name"], call.get("namespace")) for call in calls] in (CALLED[model], [])
        body["input"] += [*response["output"], *results(response["output"]), *more]

    first, second, third = (received.json for received in side.provider.requests)
    for before, after in ((first, second), (second, third)):
        assert before["tools"] == after["tools"]
        assert before.get("system") == after.get("system")
        messages = before["messages"]
        assert after["messages"][: len(messages)] == messages
    assert "Mind the time." in json.dumps(third["messages"][-1])


texts = st.sampled_from(["one", "two\n", "é"])


@st.composite
def turns(draw: st.DrawFn) -> list[list[Body]]:
    """Return the items of a session, turn by turn: what the client sends before the model answers, and its answer."""
    rounds: list[list[Body]] = []
    waiting: list[Body] = []
    for number in range(draw(st.integers(1, 4))):
        sent: list[Body] = [
            {"type": "function_call_output", "call_id": call["call_id"], "output": draw(texts)}
            for call in waiting
        ]
        if draw(st.booleans()):
            sent.append({"role": "developer", "content": draw(texts)})
        if draw(st.booleans()) or not waiting:
            sent.append({"role": "user", "content": draw(texts)})
        answer: list[Body] = []
        if draw(st.booleans()):
            summary = [{"type": "summary_text", "text": draw(texts)}]
            answer.append({"type": "reasoning", "summary": summary})
        if says := draw(st.booleans()):
            text = {"type": "output_text", "text": draw(texts)}
            answer.append({"type": "message", "role": "assistant", "content": [text]})
        waiting = [
            {"type": "function_call", "call_id": f"c{number}_{each}", "name": "ls", "arguments": "{}"}
            for each in range(draw(st.integers(0 if says else 1, 2)))
        ]
        rounds += [sent, [*answer, *waiting]]
    return rounds


@pytest.mark.parametrize("provider", PROVIDER_WIRES)
@given(rounds=turns())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_turns_so_far_stay_the_exact_beginning_of_what_a_provider_gets(
    provider: str, rounds: list[list[Body]]
) -> None:
    seen: list[Body] = []
    items: list[Body] = []
    for number, more in enumerate(rounds):
        items += more
        if number % 2:
            continue
        call = request_of("responses", {"model": "m", "input": items, "instructions": "Be brief."})
        body = PROVIDER_WIRES[provider].request(call, PROVIDER, PROFILE, ProviderTraits(), len)
        assert body["messages"][: len(seen)] == seen
        seen = body["messages"]
