"""What a client of either wire sees of a stream."""

import json
from dataclasses import dataclass
from typing import Any, Protocol

from support.proxy.client import Exchange
from support.proxy.process import Proxy

Body = dict[str, Any]


def data_of(raw: bytes) -> list[Any]:
    """Return the data of all events, JSON decoded where it is JSON; comments have none."""
    lines = [line[6:] for line in raw.decode().splitlines() if line.startswith("data: ")]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


class Client(Protocol):
    """A client of one wire."""

    @property
    def name(self) -> str: ...

    @property
    def ping(self) -> bytes: ...

    def asks(self, proxy: Proxy, headers: dict[str, str], **body: Any) -> Exchange: ...

    def text(self, raw: bytes) -> str: ...

    def calls(self, raw: bytes) -> list[tuple[str, Any]]:
        """Return the names and decoded arguments of the tool calls in a whole stream."""
        ...

    def error(self, raw: bytes) -> str | None:
        """Return what the error frame at the end of a stream says, if it has one."""
        ...

    def is_complete(self, raw: bytes) -> bool: ...


@dataclass(frozen=True)
class OpenAIClient:
    name: str = "openai"
    ping: bytes = b": ping\n\n"

    def asks(self, proxy: Proxy, headers: dict[str, str], **body: Any) -> Exchange:
        if "tools" in body:
            body["tools"] = [
                {"type": "function", "function": {"name": tool["name"], "parameters": tool["input_schema"]}}
                for tool in body["tools"]
            ]
        return proxy.asks(headers, stream=True, **body)

    def deltas(self, raw: bytes) -> list[Body]:
        chunks = [data for data in data_of(raw) if isinstance(data, dict)]
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
        last = data_of(raw)[-1]
        return str(last["error"]["message"]) if isinstance(last, dict) and "error" in last else None

    def is_complete(self, raw: bytes) -> bool:
        return raw.endswith(b"data: [DONE]\n\n") and raw.count(b"[DONE]") == 1


@dataclass(frozen=True)
class AnthropicClient:
    name: str = "anthropic"
    ping: bytes = b'event: ping\ndata: {"type":"ping"}\n\n'

    def asks(self, proxy: Proxy, headers: dict[str, str], **body: Any) -> Exchange:
        return proxy.asks_messages(headers, stream=True, **body)

    def text(self, raw: bytes) -> str:
        deltas = [data["delta"] for data in data_of(raw) if data["type"] == "content_block_delta"]
        return "".join(delta.get("text", "") for delta in deltas)

    def calls(self, raw: bytes) -> list[tuple[str, Any]]:
        blocks = in_order(data_of(raw))
        return [(block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]

    def error(self, raw: bytes) -> str | None:
        last = data_of(raw)[-1]
        if last["type"] != "error":
            return None
        assert b"event: error\n" in raw
        return str(last["error"]["message"])

    def is_complete(self, raw: bytes) -> bool:
        in_order(data_of(raw))
        return raw.endswith(b'data: {"type":"message_stop"}\n\n')


def in_order(events: list[Body]) -> list[Body]:
    """Return the blocks of a message; its events have to come as the Anthropic wire demands.

    That is message_start, then blocks of rising index, each closed before the next one opens, then message_delta and
    message_stop; pings anywhere after message_start.
    """
    assert events[0]["type"] == "message_start"
    assert events[0]["message"]["content"] == []
    rest = [event for event in events[1:] if event["type"] != "ping"]
    *between, told, stopped = rest
    assert (told["type"], stopped["type"]) == ("message_delta", "message_stop")
    assert isinstance(told["delta"]["stop_reason"], str)
    blocks: list[Body] = []
    is_open = False
    for event in between:
        match event["type"]:
            case "content_block_start":
                assert not is_open
                assert event["index"] == len(blocks)
                blocks.append({**event["content_block"], "said": []})
                is_open = True
            case "content_block_delta":
                assert is_open
                assert event["index"] == len(blocks) - 1
                blocks[-1]["said"].append(event["delta"])
            case "content_block_stop":
                assert is_open
                assert event["index"] == len(blocks) - 1
                is_open = False
            case other:
                raise AssertionError(f"{other} amid the blocks")
    assert not is_open
    return [_put_together(block) for block in blocks]


KINDS = {
    "text": {"text_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "tool_use": {"input_json_delta"},
}


def _put_together(block: Body) -> Body:
    said = block.pop("said")
    assert {delta["type"] for delta in said} <= KINDS.get(block["type"], set())
    match block["type"]:
        case "text":
            block["text"] += "".join(delta["text"] for delta in said)
        case "thinking":
            block["thinking"] += "".join(delta.get("thinking", "") for delta in said)
            signatures = [delta for delta in said if delta["type"] == "signature_delta"]
            assert signatures == said[-len(signatures) :] if signatures else True
            block["signature"] = signatures[0]["signature"] if signatures else ""
        case "tool_use":
            assert block["input"] == {}
            block["input"] = json.loads("".join(delta["partial_json"] for delta in said) or "{}")
    return block
