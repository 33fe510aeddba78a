"""A session of Claude Code with a provider of each wire."""

import json
from typing import Any

import pytest

from coderouter_proxy.wires import state
from proxy.wires.conftest import Side
from support.proxy import anthropic_answers as anthropic
from support.proxy import claude_code, openai_answers
from support.proxy.client import Response
from support.proxy.client_view import event_data, ordered_blocks
from support.proxy.process import Proxy
from support.proxy.upstream import Script, stream, whole

Body = dict[str, Any]
CALLS: list[tuple[str, str, Body]] = [
    ("toolu_01", "Read", {"file_path": "/w/notes.txt"}),
    ("toolu_02", claude_code.LONG_TOOL, {"file_path": "é", "limit": 2}),
    ("toolu_03", "TaskList", {}),
]


def send(wires: Proxy, side: Side, body: Body, path: str = claude_code.PATH) -> Response:
    raw = json.dumps(body, ensure_ascii=False).encode()
    return wires.post(raw, {**claude_code.HEADERS, **side.header}, path).rest()


def calls_of(side: Side, thought: str = "I read it.", words: str = "I read it.") -> Script:
    """Return a turn with thinking, text and three calls, in the format of the provider's wire."""
    if side.name == "anthropic":
        uses = [anthropic.tool_use(*call) for call in CALLS]
        return anthropic.streamed_blocks(
            anthropic.thinking(thought), anthropic.text(words), *uses, stop_reason="tool_use"
        )
    short = side.provider.request.json["tools"][-1]["function"]["name"] if side.provider.requests else ""
    names = {claude_code.LONG_TOOL: short or "cut"}
    renamed = [(call_id, names.get(name, name), given) for call_id, name, given in CALLS]
    head, *calls, end = openai_answers.streamed_calling(*renamed)
    text_stream = stream(
        openai_answers.ROLE, openai_answers.chunk({"reasoning_content": thought}), openai_answers.text(words)
    )
    return (head, *text_stream[1:-1], *calls, end)


def test_a_turn_with_calls_and_the_turn_that_answers_them(wires: Proxy, side: Side) -> None:
    side.provider.plays(side.says.streamed("Hello."))
    first = send(wires, side, claude_code.request(claude_code.ASKED))
    assert ordered_blocks(event_data(first.body))[0]["text"] == "Hello."

    script = calls_of(side)
    side.provider.plays(script, side.says.streamed("It says hello."))
    called = send(wires, side, claude_code.request(claude_code.ASKED))

    assert called.status == 200
    assert called.headers["content-type"].startswith("text/event-stream")
    thought, words, *uses = ordered_blocks(event_data(called.body))
    assert (thought["type"], thought["thinking"]) == ("thinking", "I read it.")
    assert side.name == "openai" or thought["signature"] == anthropic.SIGNATURE
    assert state.is_ours(thought["signature"]) == (side.name == "openai")
    assert words["text"] == "I read it."
    assert [(use["id"], use["name"], use["input"]) for use in uses] == CALLS
    message_delta = event_data(called.body)[-2]
    assert message_delta["delta"]["stop_reason"] == "tool_use"
    assert message_delta["usage"]["output_tokens"] == 3

    answer: Body = {"role": "assistant", "content": [thought, words, *uses]}
    answered = send(wires, side, claude_code.request(claude_code.ASKED, answer, claude_code.ANSWERED))
    assert ordered_blocks(event_data(answered.body))[0]["text"] == "It says hello."
    finished = wires.finished(answered.headers["request-id"])
    assert (finished["outcome"], finished["ingress"]) == ("ok", "anthropic")


def test_an_anthropic_provider_gets_the_conversation_unchanged(wires: Proxy, n: Side) -> None:
    n.provider.plays(n.says.streamed("Hello."))
    body = claude_code.request(claude_code.ASKED, claude_code.CALLED, claude_code.ANSWERED)

    send(wires, n, body)

    received = n.provider.request
    _, *system = body["system"]  # all but the billing header, which is for Anthropic itself
    assert received.json == {**body, "model": "claude-n", "system": system}
    compact = json.dumps(body["messages"], ensure_ascii=False, separators=(",", ":")).encode()
    assert compact in received.body  # the order of fields too: a cache is of bytes
    assert received.headers["anthropic-beta"] == claude_code.BETAS
    assert received.headers["anthropic-version"] == "2023-06-01"
    assert "x-claude-code-session-id" not in received.headers


def test_the_stream_of_an_anthropic_provider_is_relayed_byte_for_byte(wires: Proxy, n: Side) -> None:
    blocks = [
        anthropic.thinking("Hm."),
        {"type": "redacted_thinking", "data": "EmwKAhgB=="},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        anthropic.text("Hello."),
        anthropic.tool_use("toolu_1", "Read", {"file_path": "/w"}),
    ]
    head, *chunks, end = script = anthropic.streamed_blocks(*blocks, stop_reason="tool_use")
    n.provider.plays(script)

    response = send(wires, n, claude_code.request(claude_code.ASKED))

    assert isinstance(head, bytes)
    assert end == b"0\r\n\r\n"
    sent = b"".join(
        chunk.split(b"\r\n", 1)[1].removesuffix(b"\r\n") for chunk in chunks if isinstance(chunk, bytes)
    )
    assert response.body == sent


def test_an_openai_provider_gets_a_request_that_it_understands(wires: Proxy, o: Side) -> None:
    o.provider.plays(o.says.streamed("Hello."))
    body = claude_code.request(claude_code.ASKED, claude_code.CALLED, claude_code.ANSWERED)

    response = send(wires, o, body)

    sent = o.provider.request.json
    assert (sent["model"], sent["stream"], sent["stream_options"]) == (
        "o-model",
        True,
        {"include_usage": True},
    )
    assert set(sent) == {"model", "stream", "stream_options", "messages", "tools", "max_tokens", "user"}
    assert len(sent["user"]) == 64
    system, user, assistant, *results, last = sent["messages"]
    assert system["content"].split("\n\n")[0] == "You are a coding agent."
    assert user["content"].endswith("What is in notes.txt?")
    assert assistant["content"] == "I read it."
    names = [call["function"]["name"] for call in assistant["tool_calls"]]
    offered = [entry["function"]["name"] for entry in sent["tools"]]
    assert len(offered) == len(claude_code.TOOLS) == 24
    assert set(names) <= set(offered)
    assert max(map(len, offered)) <= 64
    assert [json.loads(call["function"]["arguments"]) for call in assistant["tool_calls"]] == [
        given for _, _, given in CALLS
    ]
    assert [(result["role"], result["tool_call_id"]) for result in results] == [
        ("tool", call_id) for call_id, _, _ in CALLS
    ]
    assert results[1]["content"].startswith("Error: <tool_use_error>")
    image, reminder = last["content"]
    assert image["image_url"]["url"] == f"data:image/png;base64,{claude_code.PNG}"
    assert reminder["text"].startswith("<system-reminder>")
    assert b"cache_control" not in o.provider.request.body
    [degraded] = [e for e in wires.story(response.headers["request-id"]) if e["msg"] == "capability-degraded"]
    assert degraded["reason"] == "translation-lossy"
    assert set(degraded["dropped"]) == {"thinking", "context_management", "cache_control", "effort"}


def test_thinking_of_an_openai_provider_is_not_sent_to_anthropic(wires: Proxy, n: Side) -> None:
    """A turn that started with one provider continues with the other, between its calls."""
    n.provider.plays(n.says.streamed("Hello."))
    unsigned = {"type": "thinking", "thinking": "I read it.", "signature": ""}
    answer = {"role": "assistant", "content": [unsigned, *claude_code.CALLED["content"][2:]]}

    response = send(wires, n, claude_code.request(claude_code.ASKED, answer, claude_code.ANSWERED))

    sent = n.provider.request.json
    assert sent["messages"][1]["content"] == claude_code.CALLED["content"][2:]
    assert "thinking" not in sent
    assert sent["context_management"] == {"edits": []}
    [degraded] = [e for e in wires.story(response.headers["request-id"]) if e["msg"] == "capability-degraded"]
    assert degraded["dropped"] == ["thinking"]


def test_earlier_turns_lose_unsigned_thinking_and_the_next_one_may_think(wires: Proxy, n: Side) -> None:
    n.provider.plays(n.says.streamed("Hello."))
    unsigned = {"type": "thinking", "thinking": "Hm.", "signature": ""}
    answer = {"role": "assistant", "content": [unsigned, {"type": "text", "text": "Hi."}]}

    send(wires, n, claude_code.request(claude_code.ASKED, answer, claude_code.ASKED))

    assert n.provider.request.json["messages"][1]["content"] == [{"type": "text", "text": "Hi."}]
    assert n.provider.request.json["thinking"]["type"] == "enabled"


@pytest.mark.parametrize(
    "words", ["Invalid `signature` in `thinking` block", "messages.1: Invalid signature"]
)
def test_a_request_with_a_rejected_signature_is_sent_again_without_thinking(
    words: str, wires: Proxy, n: Side
) -> None:
    n.provider.plays(n.says.error(words, 400), n.says.streamed("Hello."))
    body = claude_code.request(claude_code.ASKED, claude_code.CALLED, claude_code.ANSWERED)

    response = send(wires, n, body)

    assert ordered_blocks(event_data(response.body))[0]["text"] == "Hello."
    first, second = n.provider.requests
    assert first.json["messages"][1] == claude_code.CALLED
    assert second.json["messages"][1]["content"] == claude_code.CALLED["content"][2:]
    story = wires.story(response.headers["request-id"])
    assert [event["msg"] for event in story].count("try-provider") == 2
    assert story[-1]["outcome"] == "ok"


def test_a_signature_rejected_twice_is_reported_to_the_client(wires: Proxy, n: Side) -> None:
    n.provider.plays(n.says.error("Invalid signature", 400), n.says.error("prompt is bad", 400))
    body = claude_code.request(claude_code.ASKED, claude_code.CALLED, claude_code.ANSWERED)
    response = send(wires, n, body)
    assert (response.status, response.json["error"]["message"]) == (400, "prompt is bad")


def test_the_usage_at_the_start_of_a_message_does_not_count_images_as_text(wires: Proxy, o: Side) -> None:
    o.provider.plays(o.says.streamed("Hello."))
    source = {"type": "base64", "media_type": "image/png", "data": "iVBO" * 250_000}
    image = {"role": "user", "content": [{"type": "image", "source": source}]}
    response = send(wires, o, claude_code.request(claude_code.ASKED, image))
    assert 3000 < event_data(response.body)[0]["message"]["usage"]["input_tokens"] < 9000


def test_tokens_of_a_whole_session_are_counted(wires: Proxy, side: Side) -> None:
    side.provider.plays(whole({"input_tokens": 4321}))
    body = claude_code.request(claude_code.ASKED, claude_code.CALLED, claude_code.ANSWERED)
    path = "/v1/messages/count_tokens?beta=true"
    counted = send(
        wires, side, {name: body[name] for name in body if name not in ("stream", "max_tokens")}, path
    )
    assert counted.status == 200
    if side.name == "anthropic":
        assert counted.json == {"input_tokens": 4321}
        assert side.provider.request.headers["anthropic-beta"] == claude_code.BETAS
        assert "max_tokens" not in side.provider.request.json
    else:
        assert 3000 < counted.json["input_tokens"] < 9000
