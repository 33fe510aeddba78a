"""State that does not fit into an id is in a block of redacted thinking, for clients that asked for thinking."""

import base64
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderouter_proxy.wires import returned_state, state
from coderouter_proxy.wires.anthropic.request_reader import read
from coderouter_proxy.wires.conversation import Call, Result, parts_of
from coderouter_proxy.wires.losses import Vocabulary, losses
from coderouter_proxy.wires.state import ReturnedCalls, State
from proxy.conftest import serving_soundly
from support.proxy import anthropic_answers, openai_answers, process
from support.proxy.process import Proxy
from support.proxy.sdks import anthropic_sdk
from support.proxy.upstream import Provider, Script, Upstream, stream

Body = dict[str, Any]

MINE = "0a0a0a0a0a0a"
SIGNED: Body = {"extra_content": {"google": {"thought_signature": "x" * 100}}}
THINKING: Body = {"type": "enabled", "budget_tokens": 1024}
TOOLS: Body = {"tools": [{"name": "read", "input_schema": {"type": "object"}}]}


def noise(seed: int) -> str:
    return base64.b64encode(random.Random(seed).randbytes(1536)).decode()


own_ids = st.text(min_size=1, max_size=200) | st.from_regex(
    r"(_|c|r|s|_crs_|call_[0-9]|[.:]){1,40}", fullmatch=True
)
states = st.none() | st.builds(
    State,
    st.text("0123456789abcdef", min_size=12, max_size=12),
    st.dictionaries(st.text(max_size=10), st.text(max_size=60), max_size=3),
    st.dictionaries(st.text(max_size=10), st.text(max_size=60), max_size=3),
)


def returned(own: str, of_call: State | None) -> tuple[str, tuple[str, State | None], str]:
    """Return the client's id, and the call and the id of its result as they come back."""
    given_id, aside = state.set_aside(own, of_call)
    calls = ReturnedCalls()
    assert aside is None or calls.takes(aside)
    return given_id, calls.call(given_id), calls.result(given_id)


@given(own_ids, states)
def test_an_id_and_its_block_hold_the_own_id_and_the_state(own: str, of_call: State | None) -> None:
    given_id, call, result = returned(own, of_call)
    assert len(given_id) <= state.ID_CHARS_MAX
    assert call == (own, of_call)
    assert result == own


def test_state_that_fits_stays_in_the_id() -> None:
    given_id, aside = state.set_aside("call_1", State(MINE))
    assert aside is None
    assert state.decode_id(given_id) == ("call_1", State(MINE))


def test_calls_with_the_same_id_in_two_turns_keep_their_own_state() -> None:
    calls = ReturnedCalls()
    first, second = (State(MINE, {"n": noise(seed)}) for seed in range(2))
    for of_call in (first, second):
        given_id, aside = state.set_aside("call_0", of_call)
        assert calls.takes(aside)
        assert calls.call(given_id) == ("call_0", of_call)
    assert calls.call("call_0") == ("call_0", None)


@pytest.mark.parametrize("data", ["crs_", "crs_AAAA", "crs_" + "?" * 40, "crs_" + "A" * 100_000])
def test_a_damaged_block_is_still_ours_and_holds_nothing(data: str) -> None:
    calls = ReturnedCalls()
    assert calls.takes(data)
    assert calls.call("call_1") == ("call_1", None)


@pytest.mark.parametrize("data", ["EmwKAhgBEgy3va3pzix/LafPsn4a==", "", None, 3])
def test_a_block_of_others_is_not_ours(data: object) -> None:
    assert not ReturnedCalls().takes(data)


def test_a_block_is_never_a_loss() -> None:
    given_id, aside = state.set_aside("functions.read:0", State(MINE, SIGNED, {"x": noise(1)}))
    content = [
        {"type": "redacted_thinking", "data": aside},
        {"type": "tool_use", "id": given_id, "name": "read", "input": {}},
    ]
    results = [{"type": "tool_result", "tool_use_id": given_id, "content": "data"}]
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": content},
        {"role": "user", "content": results},
    ]
    conversation = read({"messages": messages})
    nothing = Vocabulary(knows_field=lambda _name, _value: True, knows_media=lambda _media: True)
    assert losses(conversation, nothing) == ()
    [call] = [part for part in parts_of(conversation) if isinstance(part, Call)]
    [result] = [part for part in parts_of(conversation) if isinstance(part, Result)]
    assert (call.id, result.call_id) == ("functions.read:0", "functions.read:0")
    assert call.state == State(MINE, SIGNED, {"x": noise(1)})


def test_a_message_of_nothing_but_blocks_of_ours_keeps_a_text() -> None:
    _, aside = state.set_aside("call_1", State(MINE, {"n": noise(1)}))
    theirs = {"type": "redacted_thinking", "data": "EmwKAhgBEgy3"}
    messages = [
        {"role": "assistant", "content": [{"type": "redacted_thinking", "data": aside}, *more]}
        for more in ([], [theirs])
    ]
    plain = returned_state.without_state(messages)
    assert [message["content"] for message in plain] == [[{"type": "text", "text": "…"}], [theirs]]


def config(upstream: Upstream) -> dict[str, object]:
    gemini = process.provider("gemini", upstream.provider("gemini").base_url, capabilities={"thinking": True})
    claude = process.provider("claude", upstream.provider("claude").base_url, kind="anthropic")
    return process.config(
        [gemini, claude], {"gemini": ["gemini"], "claude": ["claude"]}, default_profile="gemini"
    )


@pytest.fixture(scope="module")
def running(upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with serving_soundly(tmp_path_factory.mktemp("state"), config(upstream_server)) as started:
        yield started


@pytest.fixture
def proxy(running: Proxy, upstream_server: Upstream) -> Proxy:
    upstream_server.forget()
    return running


def call(number: int) -> Body:
    extra = {"google": {"thought_signature": noise(number)}}
    return {
        "index": number,
        "id": f"function-{number}",
        "type": "function",
        "function": {"name": "read", "arguments": "{}"},
        "extra_content": extra,
    }


def calls(*, streamed: bool) -> Script:
    message: Body = {"role": "assistant", "content": "I read both.", "tool_calls": [call(0), call(1)]}
    if not streamed:
        return openai_answers.answer(
            choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}]
        )
    return stream(
        openai_answers.ROLE,
        openai_answers.chunk({"content": "I read both."}),
        *(openai_answers.chunk({"tool_calls": [call(number)]}) for number in range(2)),
        openai_answers.chunk({}, "tool_calls"),
        openai_answers.DONE,
    )


def plays(provider: Provider, *, streamed: bool) -> None:
    last = openai_answers.streamed("fine") if streamed else openai_answers.answer("fine")
    provider.plays(calls(streamed=streamed), always=last)


def asked(proxy: Proxy, profile: str, messages: list[Body], *, streamed: bool, **fields: Any) -> list[Body]:
    """Return the blocks of an answer as the official SDK puts them together."""
    request: Any = {"model": "any", "max_tokens": 2048, "messages": messages, **TOOLS, **fields}
    with anthropic_sdk(proxy, profile) as sdk:
        if not streamed:
            message: Any = sdk.messages.create(**request)
        else:
            with sdk.messages.stream(**request) as events:
                message = events.get_final_message()
    return [block.model_dump(exclude_none=True) for block in message.content]


def with_results(messages: list[Body], answer: list[Body]) -> list[Body]:
    uses = [block["id"] for block in answer if block["type"] == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": use, "content": "data"} for use in uses]
    return [*messages, {"role": "assistant", "content": answer}, {"role": "user", "content": results}]


QUESTION: list[Body] = [{"role": "user", "content": "hi"}]
STREAMED = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])


@STREAMED
def test_each_call_gets_its_own_state_back_from_the_block_before_it(
    streamed: bool, proxy: Proxy, upstream_server: Upstream
) -> None:
    gemini = upstream_server.provider("gemini")
    plays(gemini, streamed=streamed)
    answer = asked(proxy, "gemini", QUESTION, streamed=streamed, thinking=THINKING)
    assert [block["type"] for block in answer] == [
        "text",
        "redacted_thinking",
        "tool_use",
        "redacted_thinking",
        "tool_use",
    ]
    assert [block["id"] for block in answer if "id" in block] == ["function-0_crs_", "function-1_crs_"]
    asked(proxy, "gemini", with_results(QUESTION, answer), streamed=streamed, thinking=THINKING)
    received = gemini.requests[-1]
    assert b"crs_" not in received.body
    [message] = [each for each in received.json["messages"] if each["role"] == "assistant"]
    extras = [each["extra_content"]["google"]["thought_signature"] for each in message["tool_calls"]]
    assert extras == [noise(0), noise(1)]
    results = [each["tool_call_id"] for each in received.json["messages"] if each["role"] == "tool"]
    assert results == ["function-0", "function-1"]


@STREAMED
@pytest.mark.parametrize("fields", [{}, {"thinking": {"type": "disabled"}}], ids=["unset", "disabled"])
def test_a_client_that_did_not_ask_for_thinking_gets_state_in_ids(
    fields: Body, streamed: bool, proxy: Proxy, upstream_server: Upstream
) -> None:
    gemini = upstream_server.provider("gemini")
    plays(gemini, streamed=streamed)
    answer = asked(proxy, "gemini", QUESTION, streamed=streamed, **fields)
    assert [block["type"] for block in answer] == ["text", "tool_use", "tool_use"]
    assert all(len(block["id"]) > 1000 for block in answer[1:])


def test_a_client_that_lost_the_block_of_its_last_call_gets_state_in_ids(
    proxy: Proxy, upstream_server: Upstream
) -> None:
    gemini = upstream_server.provider("gemini")
    gemini.plays(calls(streamed=True), calls(streamed=True), always=openai_answers.streamed("fine"))
    answer = asked(proxy, "gemini", QUESTION, streamed=True, thinking=THINKING)
    left = [block for block in answer if block["type"] != "redacted_thinking"]
    messages = with_results(QUESTION, left)
    answer = asked(proxy, "gemini", messages, streamed=True, thinking=THINKING)
    assert [block["type"] for block in answer] == ["text", "tool_use", "tool_use"]
    assert all(len(block["id"]) > 1000 for block in answer[1:])
    asked(proxy, "gemini", with_results(messages, answer), streamed=True, thinking=THINKING)
    lost, kept = [each for each in gemini.requests[-1].json["messages"] if each["role"] == "assistant"]
    assert [(each["id"], "extra_content" in each) for each in lost["tool_calls"]] == [
        ("function-0", False),
        ("function-1", False),
    ]
    assert [each["extra_content"] for each in kept["tool_calls"]] == [
        call(number)["extra_content"] for number in range(2)
    ]


def test_only_the_newest_calls_say_whether_a_client_keeps_blocks() -> None:
    given_id, aside = state.set_aside("call_1", State(MINE, {"n": noise(1)}))
    use = {"type": "tool_use", "id": given_id}
    lost = {"role": "assistant", "content": [use]}
    kept = {"role": "assistant", "content": [{"type": "redacted_thinking", "data": aside}, use]}
    text: Body = {"role": "assistant", "content": [{"type": "text", "text": "x"}, "odd"]}
    user: Body = {"role": "user", "content": "x"}
    for messages, keeps in (
        ([user], True),
        ([user, text], True),
        ([user, kept, user, text], True),
        ([kept, user, lost, user, text], False),
        ([lost, user, kept, user], True),
    ):
        assert returned_state.keeps_blocks(messages) is keeps


def test_no_provider_gets_a_block(proxy: Proxy, upstream_server: Upstream) -> None:
    gemini, claude = upstream_server.provider("gemini"), upstream_server.provider("claude")
    plays(gemini, streamed=False)
    claude.plays(always=anthropic_answers.answer("fine"))
    answer = asked(proxy, "gemini", QUESTION, streamed=False, thinking=THINKING)
    asked(proxy, "claude", with_results(QUESTION, answer), streamed=False, thinking=THINKING)
    received = claude.requests[-1]
    assert b"crs_" not in received.body
    blocks = received.json["messages"][1]["content"]
    assert [block["type"] for block in blocks] == ["text", "tool_use", "tool_use"]
    # Anthropic refuses `enabled` for a turn that does not begin with thinking.
    assert "thinking" not in received.json
    assert json.loads(received.body)["messages"][2]["content"][0]["tool_use_id"] == "function-0"


@pytest.mark.slow
def test_blocks_come_back_after_a_restart_and_from_any_worker(
    tmp_path: Path, upstream_server: Upstream
) -> None:
    upstream_server.forget()
    gemini = upstream_server.provider("gemini")
    plays(gemini, streamed=True)
    answers: list[list[Body]] = []
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        with process.serving(tmp_path / name, config(upstream_server), "--workers", "2") as started:
            for _ in range(1 if name == "before" else 6):  # each worker gets some of them
                messages = with_results(QUESTION, answers[0]) if answers else QUESTION
                answers.append(asked(started, "gemini", messages, streamed=True, thinking=THINKING))
                if len(answers) > 1:
                    [message] = [
                        each for each in gemini.requests[-1].json["messages"] if each["role"] == "assistant"
                    ]
                    assert message["tool_calls"][1]["extra_content"] == call(1)["extra_content"]
            assert started.command.stop() == 0
    assert len(gemini.requests) == 7
