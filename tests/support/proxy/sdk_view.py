"""What the official SDKs make of an answer, with each of its parts validated."""

import json
from typing import Any

from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, RawMessageStreamEvent
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import TypeAdapter

from support.proxy.client_view import event_data, ordered_blocks

Body = dict[str, Any]
Called = tuple[str, str, Any]
"""The id, the name and the decoded arguments of a call."""

_EVENT: TypeAdapter[RawMessageStreamEvent] = TypeAdapter(RawMessageStreamEvent)


def openai_message(raw: bytes, *, streamed: bool) -> Body:
    """Return `{content, reasoning, calls, function_call, finish, id}`."""
    if streamed:
        *chunks, done = event_data(raw)
        assert done == "[DONE]"
        state: ChatCompletionStreamState[Any] = ChatCompletionStreamState()
        for chunk in chunks:
            state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
        completion: ChatCompletion = state.get_final_completion()
    else:
        completion = ChatCompletion.model_validate(json.loads(raw))
    [choice] = completion.choices
    message = choice.message.model_dump()
    calls = message["tool_calls"] or []
    assert all(call["type"] == "function" for call in calls)
    return {
        "content": message["content"],
        "reasoning": message.get("reasoning_content"),
        "calls": [
            (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
            for call in calls
        ],
        "function_call": message["function_call"],
        "finish": choice.finish_reason,
        "id": completion.id,
    }


def anthropic_message(raw: bytes, *, streamed: bool) -> Body:
    """Return `{content, reasoning, calls, finish, id}`."""
    if streamed:
        events = event_data(raw)
        ordered_blocks(events)
        snapshot, buffers = None, dict[int, bytes]()
        for event in events:
            snapshot = accumulate_event(
                event=_EVENT.validate_python(event), current_snapshot=snapshot, json_bufs=buffers
            )
        assert snapshot is not None
        message = Message.model_validate(snapshot.model_dump(exclude={"parsed_output"}))
    else:
        message = Message.model_validate(json.loads(raw))
    blocks = [block.model_dump() for block in message.content]
    return {
        "content": "".join(block["text"] for block in blocks if block["type"] == "text") or None,
        "reasoning": "".join(block["thinking"] for block in blocks if block["type"] == "thinking") or None,
        "calls": [(b["id"], b["name"], b["input"]) for b in blocks if b["type"] == "tool_use"],
        "finish": message.stop_reason,
        "id": message.id,
    }
