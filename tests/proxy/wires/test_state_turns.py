"""State of a vendor comes back with the next turn, through a restart, other workers and other providers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coderouter_proxy.wires import state_payload
from proxy.conftest import serving_soundly
from support.proxy import anthropic_answers, openai_answers, process
from support.proxy.process import Proxy
from support.proxy.tool_sessions import EXTRA, Body, Session, assistant, call, plays, results, says
from support.proxy.upstream import Script, Upstream, stream, whole

pytestmark = pytest.mark.slow

DETAILS = [{"type": "reasoning.encrypted", "index": 0, "data": "opaque"}]
SHOWN = {"thinking": True, "reasoning_passthrough": True}
PROVIDERS: dict[str, dict[str, object]] = {
    "a": {},
    "b": {},
    "shown": {"capabilities": SHOWN},
    "wants": {"traits": {"returns_reasoning": True, "thought_signatures": True}},
    "refuses-reasoning_content": {"capabilities": SHOWN},
    "refuses-reasoning": {"capabilities": SHOWN},
    "claude": {"kind": "anthropic", "capabilities": {"thinking": True}},
}


def config(upstream: Upstream) -> dict[str, object]:
    providers = [
        process.provider(name, upstream.provider(name).base_url, **more) for name, more in PROVIDERS.items()
    ]
    return process.config(
        providers, {name: [name] for name in PROVIDERS} | {"chain": ["a", "b"]}, default_profile="a"
    )


@pytest.fixture(scope="module")
def running(upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with serving_soundly(tmp_path_factory.mktemp("state"), config(upstream_server)) as started:
        yield started


@pytest.fixture
def proxy(running: Proxy, upstream_server: Upstream) -> Proxy:
    upstream_server.forget()
    return running


@pytest.fixture(params=["whole", "streamed"])
def streamed(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "streamed")


WIRES = pytest.mark.parametrize("wire", ["openai", "anthropic"])


@WIRES
def test_a_signature_of_gemini_comes_back_with_its_call(
    wire: str, streamed: bool, proxy: Proxy, upstream_server: Upstream
) -> None:
    a = upstream_server.provider("a")
    calls = [call("call_1", extra=EXTRA), call("call_2")]
    plays(a, says({"tool_calls": calls}, streamed=streamed), streamed=streamed)
    session = Session(wire, streamed=streamed)
    session.turn(proxy, "a")
    session.turn(proxy, "a")
    [message] = assistant(a)
    assert [(each["id"], each.get("extra_content")) for each in message["tool_calls"]] == [
        ("call_1", EXTRA),
        ("call_2", None),
    ]
    assert results(a) == ["call_1", "call_2"]


@WIRES
@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_comes_back_with_a_turn_that_has_calls(
    wire: str, field: str, streamed: bool, proxy: Proxy, upstream_server: Upstream
) -> None:
    a = upstream_server.provider("a")
    answer = says({field: "need the file"}, {"tool_calls": [call("call_1")]}, streamed=streamed)
    plays(a, answer, streamed=streamed)
    session = Session(wire, streamed=streamed)
    session.turn(proxy, "a")
    assert "need the file" not in json.dumps(session.answer)
    session.turn(proxy, "a")
    [message] = assistant(a)
    assert message[field] == "need the file"
    assert results(a) == ["call_1"]


def test_reasoning_that_is_shown_comes_back_from_its_block(
    streamed: bool, proxy: Proxy, upstream_server: Upstream
) -> None:
    shown, wants = upstream_server.provider("shown"), upstream_server.provider("wants")
    answer = says(
        {"reasoning_content": "need "},
        {"reasoning_content": "the file", "reasoning_details": DETAILS},
        {"tool_calls": [call("call_1")]},
        streamed=streamed,
    )
    thought = "need the file" if streamed else "the file"
    plays(shown, answer, streamed=streamed)
    plays(wants, streamed=streamed)
    session = Session("anthropic", streamed=streamed, thinking={"type": "enabled", "budget_tokens": 1024})
    session.turn(proxy, "shown")
    assert session.answer["content"][0]["thinking"] == thought
    assert session.ids == ["call_1"]
    session.turn(proxy, "shown")
    [message] = assistant(shown)
    assert (message["reasoning_content"], message["reasoning_details"]) == (thought, DETAILS)

    session.turn(proxy, "wants")
    message, last = assistant(wants)
    assert (message["reasoning_content"], message.get("reasoning_details")) == (thought, None)
    assert last["reasoning_content"] == " "

    plays(upstream_server.provider("b"), streamed=streamed)
    session.turn(proxy, "b")
    assert not any("reasoning_content" in each for each in assistant(upstream_server.provider("b")))

    claude = upstream_server.provider("claude")
    claude.plays(always=anthropic_answers.streamed("fine") if streamed else anthropic_answers.answer("fine"))
    session.turn(proxy, "claude")
    first, *_ = assistant(claude)
    assert [block["type"] for block in first["content"]] == ["tool_use"]
    assert "thinking" in claude.requests[-1].json


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_a_provider_that_refuses_its_own_reasoning_is_not_sent_it_again(
    proxy: Proxy, upstream_server: Upstream, field: str
) -> None:
    provider = upstream_server.provider("refuses-" + field)
    reply = says({field: "Hm."}, {"tool_calls": [call("c1")]}, streamed=False)
    refusal = openai_answers.error(
        "'messages.1' : for 'role:assistant' the following must be satisfied[('messages.1' : property "
        f"'{field}' is unsupported)]",
        400,
    )
    provider.plays(reply, always=lambda received: refusal if field in received.json["messages"][1] else reply)
    session = Session("anthropic", streamed=False, thinking={"type": "enabled", "budget_tokens": 1024})
    for _ in range(3):
        session.turn(proxy, "refuses-" + field)
    assert [field in message for message in assistant(provider)] == [False, False]
    assert len(provider.requests) == 4


def test_reasoning_that_an_openai_client_gets_is_sent_back_by_itself(
    streamed: bool, proxy: Proxy, upstream_server: Upstream
) -> None:
    shown, b = upstream_server.provider("shown"), upstream_server.provider("b")
    answer = says({"reasoning_content": "need the file"}, {"tool_calls": [call("call_1")]}, streamed=streamed)
    plays(shown, answer, streamed=streamed)
    plays(b, streamed=streamed)
    session = Session("openai", streamed=streamed)
    session.turn(proxy, "shown")
    assert session.answer["reasoning_content"] == "need the file"
    assert len(session.ids[0]) < 80
    session.turn(proxy, "shown")
    [message] = assistant(shown)
    assert message["reasoning_content"] == "need the file"
    session.turn(proxy, "b")
    assert "reasoning_content" not in assistant(b)[0]


@WIRES
def test_details_of_openrouter_come_back_as_they_were(
    wire: str, streamed: bool, proxy: Proxy, upstream_server: Upstream
) -> None:
    a = upstream_server.provider("a")
    answer = says({"reasoning_details": DETAILS}, {"tool_calls": [call("call_1")]}, streamed=streamed)
    plays(a, answer, streamed=streamed)
    session = Session(wire, streamed=streamed)
    session.turn(proxy, "a")
    session.turn(proxy, "a")
    [message] = assistant(a)
    assert message["reasoning_details"] == DETAILS


@WIRES
def test_in_a_chain_each_provider_gets_its_own_state_only(
    wire: str, streamed: bool, proxy: Proxy, upstream_server: Upstream
) -> None:
    a, b = upstream_server.provider("a"), upstream_server.provider("b")
    of_a = says(
        {"reasoning": "A thinks"}, {"tool_calls": [call("functions.read:0", extra=EXTRA)]}, streamed=streamed
    )
    of_b = says({"reasoning_content": "B thinks"}, {"tool_calls": [call("call_b")]}, streamed=streamed)
    plays(a, of_a, whole({"error": "busy"}, 503), streamed=streamed)
    plays(b, of_b, streamed=streamed)
    session = Session(wire, streamed=streamed)
    session.turn(proxy, "chain")
    session.turn(proxy, "chain")

    [message] = assistant(b)
    assert message["tool_calls"] == [call("functions.read:0")]
    assert message.keys() <= {"role", "content", "tool_calls"}
    assert results(b) == ["functions.read:0"]

    session.turn(proxy, "chain")
    first, second = assistant(a)
    assert (first["reasoning"], first["tool_calls"]) == ("A thinks", [call("functions.read:0", extra=EXTRA)])
    assert second["tool_calls"] == [call("call_b")]
    assert second.keys() <= {"role", "content", "tool_calls"}
    assert results(a) == ["functions.read:0", "call_b"]


@WIRES
def test_without_state_in_the_history_what_the_vendor_offers_is_sent(
    wire: str, streamed: bool, proxy: Proxy, upstream_server: Upstream
) -> None:
    b, wants = upstream_server.provider("b"), upstream_server.provider("wants")
    plays(b, says({"tool_calls": [call("call_1")]}, streamed=streamed), streamed=streamed)
    plays(wants, streamed=streamed)
    session = Session(wire, streamed=streamed)
    session.turn(proxy, "b")
    assert session.ids == ["call_1"]
    session.turn(proxy, "wants")
    [message] = assistant(wants)
    assert message["reasoning_content"] == " "
    assert message["tool_calls"] == [
        call("call_1", extra={"google": {"thought_signature": "skip_thought_signature_validator"}})
    ]


def claude_calls(*, streamed: bool) -> Script:
    blocks = [
        anthropic_answers.thinking("Need it."),
        anthropic_answers.tool_use("toolu_1", "read", {"a": 1}),
    ]
    if streamed:
        return anthropic_answers.streamed_blocks(*blocks, stop_reason="tool_use")
    return whole(anthropic_answers.message(*blocks, stop_reason="tool_use"))


@pytest.mark.parametrize("thinking", [None, {"type": "enabled", "budget_tokens": 1024}, {"type": "disabled"}])
def test_signed_thinking_comes_back_where_the_request_still_has_thinking(
    thinking: Body | None, streamed: bool, proxy: Proxy, upstream_server: Upstream
) -> None:
    claude = upstream_server.provider("claude")
    last = anthropic_answers.streamed("fine") if streamed else anthropic_answers.answer("fine")
    claude.plays(claude_calls(streamed=streamed), always=last)
    session = Session("openai", streamed=streamed, **({"thinking": thinking} if thinking else {}))
    session.turn(proxy, "claude")
    session.turn(proxy, "claude")
    [message] = assistant(claude)
    use = anthropic_answers.tool_use("toolu_1", "read", {"a": 1})
    if thinking and thinking["type"] == "enabled":
        assert message["content"] == [anthropic_answers.thinking("Need it."), use]
        assert claude.requests[-1].json["thinking"] == thinking
    else:
        assert message["content"] == [use]


def test_thinking_is_turned_off_where_the_turn_cannot_begin_with_it(
    proxy: Proxy, upstream_server: Upstream
) -> None:
    a, claude = upstream_server.provider("a"), upstream_server.provider("claude")
    plays(a, says({"tool_calls": [call("call_1")]}, streamed=False), streamed=False)
    claude.plays(always=anthropic_answers.answer("fine"))
    session = Session("openai", streamed=False, thinking={"type": "enabled", "budget_tokens": 1024})
    session.turn(proxy, "a")
    session.turn(proxy, "claude")
    assert "thinking" not in claude.requests[-1].json


@WIRES
def test_state_over_the_limit_is_left_out(
    wire: str, streamed: bool, proxy: Proxy, upstream_server: Upstream
) -> None:
    a = upstream_server.provider("a")
    thought = "".join(chr(0x4E00 + i * 7919 % 20_000) for i in range(state_payload.BYTES_MAX))
    answer = says(
        {"reasoning_content": thought}, {"tool_calls": [call("call_1", extra=EXTRA)]}, streamed=streamed
    )
    plays(a, answer, streamed=streamed)
    session = Session(wire, streamed=streamed)
    session.turn(proxy, "a")
    assert len(session.ids[0]) < 200
    session.turn(proxy, "a")
    [message] = assistant(a)
    assert "reasoning_content" not in message
    assert message["tool_calls"] == [call("call_1", extra=EXTRA)]


@contextmanager
def restarted(folder: Path, upstream: Upstream, name: str) -> Iterator[Proxy]:
    path = folder / name
    path.mkdir()
    with process.serving(path, config(upstream), "--workers", "2") as started:
        yield started
        assert started.command.stop() == 0


@WIRES
def test_state_comes_back_after_a_restart_and_from_any_worker(
    wire: str, tmp_path: Path, upstream_server: Upstream
) -> None:
    upstream_server.forget()
    a = upstream_server.provider("a")
    answer = says({"reasoning_content": "Hm."}, {"tool_calls": [call("call_1", extra=EXTRA)]}, streamed=True)
    plays(a, answer, streamed=True)
    session = Session(wire, streamed=True)
    with restarted(tmp_path, upstream_server, "before") as first:
        session.turn(first, "a")
    asked = list(session.messages)
    with restarted(tmp_path, upstream_server, "after") as second:
        for _ in range(6):  # each worker gets some of them
            session.messages = list(asked)
            session.turn(second, "a")
            [message] = assistant(a)
            assert message["reasoning_content"] == "Hm."
            assert message["tool_calls"] == [call("call_1", extra=EXTRA)]


def test_chunks_without_state_pass_byte_for_byte(proxy: Proxy, upstream_server: Upstream) -> None:
    a = upstream_server.provider("a")
    envelope = b'"id":"c","object":"chat.completion.chunk","created":1,"model":"m"'
    odd = (
        b'data: {%b, "choices" : [ {"index":0,"delta":{"content":"x"},"finish_reason":null} ]}\n\n' % envelope
    )
    calls = openai_answers.call_chunk(0, "{}", "call_1", "read")
    a.plays(stream(openai_answers.ROLE, odd, calls, openai_answers.STOP, openai_answers.DONE))
    raw = proxy.chat({"X-CodeRouter-Profile": "a"}, stream=True).rest().body
    assert odd in raw
    assert calls in raw
