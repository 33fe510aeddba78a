"""A session as Claude Code has it, over a provider of each wire."""

import json
from typing import Any

import pytest

from proxy.wires.conftest import Side
from support.proxy import anthropic_answers as anthropic
from support.proxy import claude_code, openai_answers
from support.proxy.client import Response
from support.proxy.client_view import data_of, in_order
from support.proxy.process import Proxy
from support.proxy.upstream import Script, stream, whole

Body = dict[str, Any]
CALLS: list[tuple[str, str, Body]] = [
    ("toolu_01", "Read", {"file_path": "/w/notes.txt"}),
    ("toolu_02", claude_code.LONG_TOOL, {"file_path": "é", "limit": 2}),
    ("toolu_03", "TaskList", {}),
]


def asks(wires: Proxy, side: Side, body: Body, path: str = claude_code.PATH) -> Response:
    raw = json.dumps(body, ensure_ascii=False).encode()
    return wires.posts(raw, {**claude_code.HEADERS, **side.header}, path).rest()


def calls_of(side: Side, thought: str = "I read it.", words: str = "I read it.") -> Script:
    """Return a turn with thinking, words and three calls, the way the provider's wire puts it."""
    if side.name == "anthropic":
        uses = [anthropic.tool_use(*call) for call in CALLS]
        return anthropic.streamed_blocks(
            anthropic.thinking(thought), anthropic.text(words), *uses, stop_reason="tool_use"
        )
    short = side.provider.request.json["tools"][-1]["function"]["name"] if side.provider.requests else ""
    names = {claude_code.LONG_TOOL: short or "cut"}
    renamed = [(call_id, names.get(name, name), given) for call_id, name, given in CALLS]
    head, *calls, end = openai_answers.streamed_calling(*renamed)
    said = stream(
        openai_answers.ROLE, openai_answers.chunk({"reasoning_content": thought}), openai_answers.text(words)
    )
    return (head, *said[1:-1], *calls, end)


def test_a_turn_with_calls_and_the_turn_that_answers_them(wires: Proxy, side: Side) -> None:
    side.provider.plays(side.says.streamed("Hello."))
    first = asks(wires, side, claude_code.request(claude_code.ASKED))
    assert in_order(data_of(first.body))[0]["text"] == "Hello."

    script = calls_of(side)
    side.provider.plays(script, side.says.streamed("It says hello."))
    called = asks(wires, side, claude_code.request(claude_code.ASKED))

    assert called.status == 200
    assert called.headers["content-type"].startswith("text/event-stream")
    thought, words, *uses = in_order(data_of(called.body))
    assert (thought["type"], thought["thinking"]) == ("thinking", "I read it.")
    assert thought["signature"] == (anthropic.SIGNATURE if side.name == "anthropic" else "")
    assert words["text"] == "I read it."
    assert [(use["id"], use["name"], use["input"]) for use in uses] == CALLS
    told = data_of(called.body)[-2]
    assert told["delta"]["stop_reason"] == "tool_use"
    assert told["usage"]["output_tokens"] == 3

    answer: Body = {"role": "assistant", "content": [thought, words, *uses]}
    answered = asks(wires, side, claude_code.request(claude_code.ASKED, answer, claude_code.ANSWERED))
    assert in_order(data_of(answered.body))[0]["text"] == "It says hello."
    finished = wires.finished(answered.headers["request-id"])
    assert (finished["outcome"], finished["ingress"]) == ("ok", "anthropic")


def test_an_anthropic_provider_gets_every_byte_that_matters(wires: Proxy, n: Side) -> None:
    n.provider.plays(n.says.streamed("Hello."))
    body = claude_code.request(claude_code.ASKED, claude_code.CALLED, claude_code.ANSWERED)

    asks(wires, n, body)

    received = n.provider.request
    billing, *system = body["system"]
    assert billing["text"].startswith("x-anthropic-billing-header:")
    assert received.json == {**body, "system": system, "model": "claude-n"}
    compact = json.dumps(body["messages"], ensure_ascii=False, separators=(",", ":")).encode()
    assert compact in received.body  # the order of fields too: a cache is of bytes
    assert received.headers["anthropic-beta"] == claude_code.BETAS
    assert received.headers["anthropic-version"] == "2023-06-01"
    assert "x-claude-code-session-id" not in received.headers


def test_what_an_anthropic_provider_streams_passes_byte_for_byte(wires: Proxy, n: Side) -> None:
    blocks = [
        anthropic.thinking("Hm."),
        {"type": "redacted_thinking", "data": "EmwKAhgB=="},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        anthropic.text("Hello."),
        anthropic.tool_use("toolu_1", "Read", {"file_path": "/w"}),
    ]
    head, *chunks, end = script = anthropic.streamed_blocks(*blocks, stop_reason="tool_use")
    n.provider.plays(script)

    response = asks(wires, n, claude_code.request(claude_code.ASKED))

    assert isinstance(head, bytes)
    assert end == b"0\r\n\r\n"
    sent = b"".join(
        chunk.split(b"\r\n", 1)[1].removesuffix(b"\r\n") for chunk in chunks if isinstance(chunk, bytes)
    )
    assert response.body == sent


def test_an_openai_provider_gets_a_request_that_it_understands(wires: Proxy, o: Side) -> None:
    o.provider.plays(o.says.streamed("Hello."))
    body = claude_code.request(claude_code.ASKED, claude_code.CALLED, claude_code.ANSWERED)

    response = asks(wires, o, body)

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


def test_thinking_of_an_openai_provider_is_not_shown_to_anthropic(wires: Proxy, n: Side) -> None:
    """A turn that began over one provider goes on over the other, amid its calls."""
    n.provider.plays(n.says.streamed("Hello."))
    unsigned = {"type": "thinking", "thinking": "I read it.", "signature": ""}
    answer = {"role": "assistant", "content": [unsigned, *claude_code.CALLED["content"][2:]]}

    response = asks(wires, n, claude_code.request(claude_code.ASKED, answer, claude_code.ANSWERED))

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

    asks(wires, n, claude_code.request(claude_code.ASKED, answer, claude_code.ASKED))

    assert n.provider.request.json["messages"][1]["content"] == [{"type": "text", "text": "Hi."}]
    assert n.provider.request.json["thinking"]["type"] == "enabled"


@pytest.mark.parametrize(
    "words", ["Invalid `signature` in `thinking` block", "messages.1: Invalid signature"]
)
def test_a_signature_that_is_refused_is_tried_once_more_without_thinking(
    words: str, wires: Proxy, n: Side
) -> None:
    n.provider.plays(n.says.error(words, 400), n.says.streamed("Hello."))
    body = claude_code.request(claude_code.ASKED, claude_code.CALLED, claude_code.ANSWERED)

    response = asks(wires, n, body)

    assert in_order(data_of(response.body))[0]["text"] == "Hello."
    first, second = n.provider.requests
    assert first.json["messages"][1] == claude_code.CALLED
    assert second.json["messages"][1]["content"] == claude_code.CALLED["content"][2:]
    story = wires.story(response.headers["request-id"])
    assert [event["msg"] for event in story].count("try-provider") == 1
    assert story[-1]["outcome"] == "ok"


def test_a_signature_that_is_refused_twice_is_told(wires: Proxy, n: Side) -> None:
    n.provider.plays(n.says.error("Invalid signature", 400), n.says.error("prompt is bad", 400))
    body = claude_code.request(claude_code.ASKED, claude_code.CALLED, claude_code.ANSWERED)
    response = asks(wires, n, body)
    assert (response.status, response.json["error"]["message"]) == (400, "prompt is bad")


def test_the_usage_that_a_message_starts_with_takes_no_image_for_text(wires: Proxy, o: Side) -> None:
    o.provider.plays(o.says.streamed("Hello."))
    source = {"type": "base64", "media_type": "image/png", "data": "iVBO" * 250_000}
    image = {"role": "user", "content": [{"type": "image", "source": source}]}
    response = asks(wires, o, claude_code.request(claude_code.ASKED, image))
    assert 3000 < data_of(response.body)[0]["message"]["usage"]["input_tokens"] < 9000


def test_tokens_of_a_whole_session_are_counted(wires: Proxy, side: Side) -> None:
    side.provider.plays(whole({"input_tokens": 4321}))
    body = claude_code.request(claude_code.ASKED, claude_code.CALLED, claude_code.ANSWERED)
    path = "/v1/messages/count_tokens?beta=true"
    counted = asks(
        wires, side, {name: body[name] for name in body if name not in ("stream", "max_tokens")}, path
    )
    assert counted.status == 200
    if side.name == "anthropic":
        assert counted.json == {"input_tokens": 4321}
        assert side.provider.request.headers["anthropic-beta"] == claude_code.BETAS
        assert "max_tokens" not in side.provider.request.json
    else:
        assert 3000 < counted.json["input_tokens"] < 9000
