"""A message in the form that was not requested: a whole one as a stream, a stream as a whole one."""

from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values
from coderouter_proxy.wires.anthropic.answer_writer import AnthropicWriter
from coderouter_proxy.wires.tool_names import ToolNames

# What arrives in deltas: by type of block, its fields with the type of delta that each needs.
_DELTAS = {
    "text": {"text": "text_delta"},
    "thinking": {"thinking": "thinking_delta", "signature": "signature_delta"},
    "tool_use": {"input": "input_json_delta"},
}
_EMPTY: dict[str, object] = {"input": {}}


def streamed(message: Body) -> list[Body]:
    """Return the events of a stream, without the one that ends it."""
    usage = message.get("usage")
    begun = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
    events: list[Body] = [{"type": "message_start", "message": begun}]
    for index, block in enumerate(message["content"]):
        if isinstance(block, dict):
            events += _block(index, block)
    stopped = {
        "stop_reason": message.get("stop_reason") or "end_turn",
        "stop_sequence": message.get("stop_sequence"),
    }
    events.append(
        {"type": "message_delta", "delta": stopped, "usage": usage if isinstance(usage, dict) else {}}
    )
    return events


def writer_like(chunks: list[Body]) -> AnthropicWriter:
    starts = (chunk.get("message") for chunk in chunks if chunk.get("type") == "message_start")
    start = next((message for message in starts if isinstance(message, dict)), {})
    return AnthropicWriter(
        json_values.words(start.get("id")),
        json_values.words(start.get("model")),
        ToolNames(()),
        thinking=True,
        input_tokens=lambda: 0,
    )


def _block(index: int, block: Body) -> list[Body]:
    fields = _DELTAS.get(json_values.words(block.get("type")), {})
    begun = {**block, **{field: _EMPTY.get(field, "") for field in fields}}
    deltas = [
        {"type": kind, _name(field): _text(block[field])}
        for field, kind in fields.items()
        if block.get(field)
    ]
    return [
        {"type": "content_block_start", "index": index, "content_block": begun},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _name(field: str) -> str:
    return "partial_json" if field == "input" else field


def _text(value: object) -> str:
    return value if isinstance(value, str) else json_values.written(value, retryable=True)
