"""Answers of a provider that speaks Anthropic's Messages API."""

import json
from typing import Any

from support.proxy.upstream import Script, Step, stream, whole

MODEL = "claude-test"
SIGNATURE = "EqQBCgIYAhIM/signed+by=the/vendor=="
USAGE = {
    "input_tokens": 10,
    "output_tokens": 3,
    "cache_read_input_tokens": 2,
    "cache_creation_input_tokens": 0,
}
Block = dict[str, Any]


def text(words: str) -> Block:
    return {"type": "text", "text": words}


def thinking(thought: str, signature: str = SIGNATURE) -> Block:
    return {"type": "thinking", "thinking": thought, "signature": signature}


def tool_use(call_id: str, name: str, arguments: Block) -> Block:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def message(*blocks: Block, stop_reason: str = "end_turn", **more: object) -> Block:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": list(blocks),
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": USAGE,
        **more,
    }


def answer(words: str = "Hello there.", **more: Any) -> Script:
    return whole(message(text(words), **more))


def calling(*calls: tuple[str, str, Block]) -> Script:
    return whole(message(*(tool_use(*call) for call in calls), stop_reason="tool_use"))


def thoughtful(thought: str, words: str) -> Script:
    return whole(message(thinking(thought), text(words)))


def error(
    words: str, status: int, headers: dict[str, str] | None = None, kind: str = "invalid_request_error"
) -> Script:
    body = {"type": "error", "error": {"type": kind, "message": words}, "request_id": "req_upstream"}
    return whole(body, status, headers)


def event(name: str, **fields: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields}, separators=(',', ':'))}\n\n".encode()


def error_event(words: str, kind: str = "overloaded_error") -> bytes:
    return event("error", error={"type": kind, "message": words})


PING = event("ping")
MESSAGE_START = event(
    "message_start",
    message={**message(), "stop_reason": None, "usage": {**USAGE, "output_tokens": 1}},
)
MESSAGE_STOP = event("message_stop")


def content(words: str, index: int = 0) -> bytes:
    return delta({"type": "text_delta", "text": words}, index)


def start(block: Block, index: int = 0) -> bytes:
    return event("content_block_start", index=index, content_block=block)


def delta(content: Block, index: int = 0) -> bytes:
    return event("content_block_delta", index=index, delta=content)


def stop(index: int = 0) -> bytes:
    return event("content_block_stop", index=index)


def ended(stop_reason: str = "end_turn", stop_sequence: str | None = None) -> bytes:
    stopped = {"stop_reason": stop_reason, "stop_sequence": stop_sequence}
    return event("message_delta", delta=stopped, usage={"output_tokens": 3}) + MESSAGE_STOP


def block_events(block: Block, index: int, piece_chars: int = 4) -> list[bytes]:
    """Return the events of the block in a stream: its start, its content piece by piece, its stop."""

    def pieces(kind: str, name: str, whole: str) -> list[bytes]:
        cuts = range(0, len(whole), piece_chars)
        return [delta({"type": kind, name: whole[cut : cut + piece_chars]}, index) for cut in cuts]

    match block["type"]:
        case "text":
            events = [start({**block, "text": ""}, index), *pieces("text_delta", "text", block["text"])]
        case "thinking":
            events = [start({**block, "thinking": "", "signature": ""}, index)]
            events += pieces("thinking_delta", "thinking", block["thinking"])
            events.append(delta({"type": "signature_delta", "signature": block["signature"]}, index))
        case "tool_use":
            events = [start({**block, "input": {}}, index)]
            arguments = json.dumps(block["input"]) if block["input"] else ""
            events += [delta({"type": "input_json_delta", "partial_json": ""}, index)]
            events += pieces("input_json_delta", "partial_json", arguments)
        case _:
            events = [start(block, index)]
    return [*events, stop(index)]


def streamed_blocks(*blocks: Block, stop_reason: str = "end_turn") -> Script:
    events = [event for index, block in enumerate(blocks) for event in block_events(block, index)]
    return stream(MESSAGE_START, PING, *events, ended(stop_reason))


def streamed(*texts: str | Step) -> Script:
    """Return a complete stream of one text; other steps may come between its pieces."""
    steps = [content(step) if isinstance(step, str) else step for step in texts or ("Hello", " there.")]
    return stream(MESSAGE_START, start(text("")), PING, *steps, stop(), ended())


def streamed_calling(*calls: tuple[str, str, Block]) -> Script:
    return streamed_blocks(*(tool_use(*call) for call in calls), stop_reason="tool_use")


def streamed_thoughtful(thought: str, words: str) -> Script:
    return streamed_blocks(thinking(thought), text(words))
