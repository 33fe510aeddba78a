"""What a client of either API sees of a stream."""

import json
from dataclasses import dataclass
from typing import Any, Protocol

from support.proxy.client import Exchange
from support.proxy.process import Proxy

Body = dict[str, Any]


def event_data(raw: bytes) -> list[Any]:
    """Return the data of all events, decoded except for `[DONE]`; comments have none."""
    lines = [line[6:] for line in raw.decode().replace("\r\n", "\n").split("\n") if line.startswith("data: ")]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


class Client(Protocol):
    """A client of one API."""

    @property
    def name(self) -> str: ...

    @property
    def ping(self) -> bytes: ...

    def stream(self, proxy: Proxy, headers: dict[str, str], **body: Any) -> Exchange: ...

    def text(self, raw: bytes) -> str: ...

    def calls(self, raw: bytes) -> list[tuple[str, Any]]:
        """Return the names and decoded arguments of the tool calls in a complete stream."""
        ...

    def error(self, raw: bytes) -> str | None:
        """Return the message of the error frame at the end of a stream, or None without one."""
        ...

    def is_complete(self, raw: bytes) -> bool: ...


@dataclass(frozen=True)
class OpenAIClient:
    name: str = "openai"
    ping: bytes = b": ping\n\n"

    def stream(self, proxy: Proxy, headers: dict[str, str], **body: Any) -> Exchange:
        if "tools" in body:
            body["tools"] = [
                {"type": "function", "function": {"name": tool["name"], "parameters": tool["input_schema"]}}
                for tool in body["tools"]
            ]
        return proxy.chat(headers, stream=True, **body)

    def deltas(self, raw: bytes) -> list[Body]:
        chunks = [data for data in event_data(raw) if isinstance(data, dict)]
        return [choice["delta"] for chunk in chunks for choice in chunk.get("choices", [])]

    def text(self, raw: bytes) -> str:
        return "".join(delta.get("content") or "" for delta in self.deltas(raw))

    def calls(self, raw: bytes) -> list[tuple[str, Any]]:
        found: dict[int, list[str]] = {}
        for delta in self.deltas(raw):
            for call in delta.get("tool_calls") or []:
                if "id" in call:
                    found[call["index"]] = [call["function"]["name"], ""]
                found[call["index"]][1] += call["function"].get("arguments") or ""
        return [(name, json.loads(arguments)) for name, arguments in found.values()]

    def error(self, raw: bytes) -> str | None:
        last = event_data(raw)[-1]
        return str(last["error"]["message"]) if isinstance(last, dict) and "error" in last else None

    def is_complete(self, raw: bytes) -> bool:
        return raw.endswith(b"data: [DONE]\n\n") and raw.count(b"[DONE]") == 1


@dataclass(frozen=True)
class AnthropicClient:
    name: str = "anthropic"
    ping: bytes = b'event: ping\ndata: {"type":"ping"}\n\n'

    def stream(self, proxy: Proxy, headers: dict[str, str], **body: Any) -> Exchange:
        return proxy.messages(headers, stream=True, **body)

    def text(self, raw: bytes) -> str:
        deltas = [data["delta"] for data in event_data(raw) if data["type"] == "content_block_delta"]
        return "".join(delta.get("text", "") for delta in deltas)

    def calls(self, raw: bytes) -> list[tuple[str, Any]]:
        blocks = ordered_blocks(event_data(raw))
        return [(block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]

    def error(self, raw: bytes) -> str | None:
        last = event_data(raw)[-1]
        if last["type"] != "error":
            return None
        assert b"event: error\n" in raw
        return str(last["error"]["message"])

    def is_complete(self, raw: bytes) -> bool:
        ordered_blocks(event_data(raw))
        return raw.endswith(b'data: {"type":"message_stop"}\n\n')


def ordered_blocks(events: list[Body]) -> list[Body]:
    """Return the blocks of a message, after asserting that its events are in the order that Anthropic specifies.

    That is message_start, blocks of rising index, each closed before the next one opens, message_delta and
    message_stop; pings may come anywhere after message_start.
    """
    assert events[0]["type"] == "message_start"
    assert events[0]["message"]["content"] == []
    rest = [event for event in events[1:] if event["type"] != "ping"]
    *between, message_delta, message_stop = rest
    assert (message_delta["type"], message_stop["type"]) == ("message_delta", "message_stop")
    assert isinstance(message_delta["delta"]["stop_reason"], str)
    blocks: list[Body] = []
    is_open = False
    for event in between:
        match event["type"]:
            case "content_block_start":
                assert not is_open
                assert event["index"] == len(blocks)
                blocks.append({**event["content_block"], "deltas": []})
                is_open = True
            case "content_block_delta":
                assert is_open
                assert event["index"] == len(blocks) - 1
                blocks[-1]["deltas"].append(event["delta"])
            case "content_block_stop":
                assert is_open
                assert event["index"] == len(blocks) - 1
                is_open = False
            case other:
                raise AssertionError(f"{other} between the blocks")
    assert not is_open
    return [_with_content(block) for block in blocks]


DELTA_TYPES = {
    "text": {"text_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "tool_use": {"input_json_delta"},
}


def _with_content(block: Body) -> Body:
    deltas = block.pop("deltas")
    assert {delta["type"] for delta in deltas} <= DELTA_TYPES.get(block["type"], set())
    match block["type"]:
        case "text":
            block["text"] += "".join(delta["text"] for delta in deltas)
        case "thinking":
            block["thinking"] += "".join(delta.get("thinking", "") for delta in deltas)
            signatures = [delta for delta in deltas if delta["type"] == "signature_delta"]
            assert signatures == deltas[-len(signatures) :] if signatures else True
            block["signature"] = signatures[0]["signature"] if signatures else ""
        case "tool_use":
            assert block["input"] == {}
            block["input"] = json.loads("".join(delta["partial_json"] for delta in deltas) or "{}")
    return block
